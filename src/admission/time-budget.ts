import { parseGoDuration } from "../model/go-duration.ts";

/** What is kept back for the way of the answer. */
const MARGIN_MS = 250;

/**
 * How long a review may take from its arrival, in milliseconds: the API server's own patience (its `timeout` query
 * parameter) or ours, whichever is shorter, less a margin. Half of a patience that is shorter than twice the margin.
 */
export function budgetMs(timeout: unknown, ownMs: number): number {
  const asked = typeof timeout === "string" ? parseGoDuration(timeout) : undefined;
  const patience = asked !== undefined && asked > 0 ? Math.min(asked, ownMs) : ownMs;
  return Math.max(patience - MARGIN_MS, patience / 2);
}
