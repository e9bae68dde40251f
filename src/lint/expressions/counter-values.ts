import type { Node } from "../../cel/ast.ts";
import { headerSegment } from "../../cel/header-names.ts";
import { type AttributePath, namesOf, startsWithNames } from "../../cel/path.ts";
import { taintOf } from "../../cel/taint.ts";

/** The gateway's functions that read a body; in a list of paths a call stands as a path of its name. */
const BODY_FUNCTIONS: ReadonlySet<string> = new Set(["requestBodyJSON", "responseBodyJSON"]);

/**
 * The paths that an expression's value is made of, of those that count. What only decides between two branches, or ends
 * in a truth value or a size, is not among them.
 */
export const carriedPaths = (
  tree: Node,
  counts: (path: AttributePath) => boolean,
  boundedFunctions: ReadonlySet<string> = new Set(),
): readonly AttributePath[] =>
  taintOf(tree, {
    variationOf: (path) => (counts(path) ? "tainted" : "clean"),
    boundedFunctions,
    readingFunctions: BODY_FUNCTIONS,
  }).from;

/** The lower-case name of the request header that a path reads. */
export const headerOf = (path: AttributePath): string | undefined => headerSegment(path)?.name.toLowerCase();

/** Headers that are a credential. Those in the second set are sometimes public client ids. */
const SECRET_HEADERS = new Set(["authorization", "proxy-authorization", "cookie", "set-cookie", "x-vault-token"]);
const KEY_HEADERS = new Set(["x-api-key", "api-key"]);

/** Whether a path reads a header that holds a credential, or may hold one. */
export function credentialIn(path: AttributePath): "certain" | "possible" | undefined {
  const header = headerOf(path) ?? "";
  if (SECRET_HEADERS.has(header)) return "certain";
  return KEY_HEADERS.has(header) ? "possible" : undefined;
}

const TRACE_HEADERS = new Set(["x-request-id", "traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-spanid"]);

/** Whether a path reads something that every request has of its own. */
export const isPerRequest = (path: AttributePath): boolean =>
  startsWithNames(path, "request", "id") ||
  startsWithNames(path, "request", "time") ||
  startsWithNames(path, "connection", "id") ||
  TRACE_HEADERS.has(headerOf(path) ?? "");

/** Parts of a time that many requests share. */
export const COARSE_TIMES: ReadonlySet<string> = new Set(
  "getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes".split(" "),
);

/** The gateway finds a route by them, so that a caller who changes them is somewhere else. */
const ROUTING_HEADERS = new Set([":authority", "host", ":method"]);
const CHOSEN = new Set(["query", "path", "url_path", "useragent", "referer"]);

/** Whether the caller writes the value as it likes: a header, the path, the query or the body. */
export function isClientChosen(path: AttributePath): boolean {
  const [root = "", field = "", name] = namesOf(path);
  if (BODY_FUNCTIONS.has(root)) return root === "requestBodyJSON";
  if (root !== "request") return false;
  if (field === "headers") return name !== undefined && !ROUTING_HEADERS.has(headerOf(path) ?? "");
  return CHOSEN.has(field);
}
