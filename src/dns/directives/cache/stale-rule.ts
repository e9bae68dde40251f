import type { CacheSettings } from "./setup.ts";

/** How entries are used after their end. Times in milliseconds. */
export type StaleRule = {
  /** 0: not at all. */
  readonly forMs: number;
  /** Whether the next directive is asked first. */
  readonly verify: boolean;
  /** How long that is waited for; 0: until it answers. */
  readonly verifyTimeoutMs: number;
  readonly ttlSeconds: number;
  /** How long after a failure renewing is not tried again. */
  readonly recheckMs: number;
};

/** RFC 8767 section 4. */
const MAX_STALE_TTL_SECONDS = 30;
/** RFC 9520 section 3.2. */
const MAX_RECHECK_MS = 300_000;

/**
 * `immediate [RESPONSE_TTL [FAILURE_RECHECK]]`, `verify [VERIFY_TIMEOUT [RESPONSE_TTL [FAILURE_RECHECK]]]` (CoreDNS's
 * plugin/cache). Without FAILURE_RECHECK a failure is remembered as long as any other (`servfail`).
 */
export function staleRuleOf({ serveStale, servfailMs }: CacheSettings): StaleRule {
  const verify = serveStale?.mode === "verify";
  const timings = serveStale?.timingsMs ?? [];
  const [ttlMs = 0, recheckMs = servfailMs] = verify ? timings.slice(1) : timings;
  return {
    forMs: serveStale?.durationMs ?? 0,
    verify,
    verifyTimeoutMs: verify ? (timings[0] ?? 0) : 0,
    ttlSeconds: Math.min(Math.floor(ttlMs / 1000), MAX_STALE_TTL_SECONDS),
    recheckMs: Math.min(recheckMs, MAX_RECHECK_MS),
  };
}
