const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** One number with its unit; at most 20 digits, so that no text makes it slow. */
const PART = /^(\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(ns|us|µs|μs|ms|s|m|h)/;

/** No duration that we are given needs more parts than `1h1m1s1ms1us1ns`. */
const MAX_PARTS = 6;

/** Milliseconds of a Go duration such as `10s` or `1m30s`; undefined for what is none, and for zero and less. */
export function parseGoDuration(text: string): number | undefined {
  let rest = text;
  let total = 0;
  for (let parts = 0; rest !== ""; parts++) {
    const match = PART.exec(rest);
    if (match === null || parts === MAX_PARTS) return undefined;
    total += Number(match[1]) * (UNIT_MS[match[2] ?? ""] ?? 0);
    rest = rest.slice(match[0].length);
  }
  return total > 0 && Number.isFinite(total) ? total : undefined;
}

/** What is kept back for the way of the answer. */
const MARGIN_MS = 250;

/**
 * How long a review may take from its arrival, in milliseconds: the API server's own patience (its `timeout` query
 * parameter) or ours, whichever is shorter, less a margin. Half of a patience that is shorter than twice the margin.
 */
export function budgetMs(timeout: unknown, ownMs: number): number {
  const asked = typeof timeout === "string" ? parseGoDuration(timeout) : undefined;
  const patience = Math.min(asked ?? ownMs, ownMs);
  return Math.max(patience - MARGIN_MS, patience / 2);
}
