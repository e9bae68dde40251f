import { ApiException } from "@kubernetes/client-node";

/**
 * What went wrong with a request to the API server, in one line for the log: the server's own sentence where it gave
 * one, else the error and its cause. Request bodies and headers are never part of it.
 */
export function apiProblem(problem: unknown): string {
  if (problem instanceof ApiException) return `HTTP ${problem.code}: ${statusMessage(problem.body)}`;
  if (!(problem instanceof Error)) return String(problem);
  return problem.cause instanceof Error ? `${problem.message}: ${problem.cause.message}` : problem.message;
}

/** The `message` of a Kubernetes Status, which the library hands over parsed or as text. */
function statusMessage(body: unknown): string {
  const status = typeof body === "string" ? parseJson(body) : body;
  const hasMessage = typeof status === "object" && status !== null && "message" in status;
  return (hasMessage ? String(status.message) : "no explanation given").slice(0, 300);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
