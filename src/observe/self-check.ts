import { get } from "./node-http.ts";
import type { PageAddress } from "./page-server.ts";

/** Where the checks are counted. */
export type SelfCheckCounts = {
  /** How long /health took. */
  observe(seconds: number): void;
  failed(): void;
};

export type SelfCheck = { stop(): void };

/** CoreDNS's pace and patience (plugin/health). */
const PAUSE_MS = 1000;
const TIMEOUT_MS = 3000;

/** Where a listener for all addresses answers itself. */
const LOOPBACK: Readonly<Record<string, string>> = { "": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1" };

/**
 * Asks for our own /health once a second: a probe that is slow here is slow for the kubelet too. `address` is read anew
 * each time; without one nothing is asked. One check at a time.
 */
export function startSelfCheck(counts: SelfCheckCounts, address: () => PageAddress | undefined): SelfCheck {
  let stopped = false;
  let timer: NodeJS.Timeout;
  const again = (): void => {
    if (stopped) return;
    timer = setTimeout(check, PAUSE_MS);
    timer.unref();
  };
  const check = (): void => {
    const at = address();
    if (at === undefined) again();
    else askHealth(at, counts, again);
  };
  check();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

function askHealth({ host, port }: PageAddress, counts: SelfCheckCounts, done: () => void): void {
  const startedAt = performance.now();
  const request = get({ host: LOOPBACK[host] ?? host, port, path: "/health", agent: false, timeout: TIMEOUT_MS });
  request.once("response", (response) => {
    response.resume();
    response.once("end", () => counts.observe((performance.now() - startedAt) / 1000));
  });
  request.once("timeout", () => request.destroy(new Error("no answer in time")));
  request.once("error", () => counts.failed());
  request.once("close", done);
}
