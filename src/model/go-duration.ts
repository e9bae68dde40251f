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

/** No duration needs more parts than `1h1m1s1ms1us1ns`. */
const MAX_PARTS = 6;

/** Go's largest duration, 2^63-1 nanoseconds: about 292 years. */
const MAX_MS = 9_223_372_036_854;

/** Milliseconds of a Go duration, zero and negative ones included (`time.ParseDuration`); undefined for what is none. */
export function parseGoDuration(text: string): number | undefined {
  const sign = text.startsWith("-") ? -1 : 1;
  let rest = text.replace(/^[+-]/, "");
  if (rest === "0") return 0;
  if (rest === "") return undefined;
  let total = 0;
  for (let parts = 0; rest !== ""; parts++) {
    const match = PART.exec(rest);
    if (match === null || parts === MAX_PARTS) return undefined;
    total += Number(match[1]) * (UNIT_MS[match[2] ?? ""] ?? 0);
    rest = rest.slice(match[0].length);
  }
  return total <= MAX_MS ? (total === 0 ? 0 : sign * total) : undefined;
}

/** `30s`, `5m0s`, `1h0m0s`, `1.5s`, `300ms`: a time of at least a millisecond as Go prints it (`Duration.String`). */
export function formatGoDuration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = `${(ms % 60_000) / 1000}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
