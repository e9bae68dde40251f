import type { Report } from "./rule.ts";

/**
 * One report per field and message, where a field makes the same mistake several times: the first error, else the
 * first. Reports without a severity of their own count as errors.
 */
export function worstPerMessage(reports: readonly Report[]): readonly Report[] {
  const kept = new Map<string, Report>();
  const isError = ({ severity = "error" }: Report): boolean => severity === "error";
  for (const report of reports) {
    const key = JSON.stringify([report.path, report.message]);
    const earlier = kept.get(key);
    if (earlier === undefined || (!isError(earlier) && isError(report))) kept.set(key, report);
  }
  return [...kept.values()];
}
