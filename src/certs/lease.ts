import type { Log } from "../observe/log.ts";
import type { CertificateApi, LeaseUpdate, StoredLease } from "./cluster-api.ts";
import { pause } from "./pause.ts";

/** The customary 15/10/2 s: how long others wait for a silent leader, when it must stop by itself, and the beat. */
export type LeaseTiming = {
  readonly durationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryMs: number;
};

const DEFAULT_TIMING: LeaseTiming = { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };

export type Election = {
  /** Whether this process may act as leader at this moment. False at once when the renew deadline has passed. */
  leading(): boolean;
  /** Stops, and gives the lease back if it is ours, so that the next leader need not wait 15 s. */
  close(): Promise<void>;
};

type LeaseApi = Pick<CertificateApi, "readLease" | "createLease" | "replaceLease">;

type ElectionInput = {
  readonly api: LeaseApi;
  readonly name: string;
  /** Unique per process, for example the pod's name and a random suffix. */
  readonly identity: string;
  readonly log: Log;
  readonly timing?: LeaseTiming;
  /** A clock that never jumps, in milliseconds. */
  readonly monotonic?: () => number;
  /** Called after every change, so that the new leader starts at once. */
  readonly onChange?: (leading: boolean) => void;
};

/**
 * Competes for a Lease. Wall clocks are never compared: a lease is taken over when it has not changed for its own
 * duration as seen from here, and every write requires the resourceVersion that was read. Leadership counts from
 * before the request that renewed it, so that a slow API server shortens it and two never lead at once.
 * Source: the algorithm of client-go's tools/leaderelection.
 */
export async function startElection(input: ElectionInput): Promise<Election> {
  const timing = input.timing ?? DEFAULT_TIMING;
  const monotonic = input.monotonic ?? (() => performance.now());
  let observed: { version: string; at: number } | undefined;
  let leadingUntil = Number.NEGATIVE_INFINITY;
  let told = false;
  const stop = new AbortController();

  const leading = (): boolean => monotonic() < leadingUntil;

  const tell = (): void => {
    if (leading() === told) return;
    told = !told;
    input.log.info({ lease: input.name, identity: input.identity, leading: told }, "leadership changed");
    input.onChange?.(told);
  };

  const compete = async (): Promise<void> => {
    const startedAt = monotonic();
    const lease = await input.api.readLease(input.name);
    if (lease !== undefined && lease.resourceVersion !== observed?.version) {
      observed = { version: lease.resourceVersion, at: startedAt };
    }
    const expired = observed === undefined || observed.at + (lease?.durationSeconds ?? 0) * 1000 <= startedAt;
    if (lease !== undefined && lease.holder !== "" && lease.holder !== input.identity && !expired) {
      leadingUntil = Number.NEGATIVE_INFINITY;
      return;
    }
    const outcome = await write(input, lease, timing.durationMs / 1000);
    leadingUntil = outcome === "written" ? startedAt + timing.renewDeadlineMs : Number.NEGATIVE_INFINITY;
  };

  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await compete().catch((problem: unknown) => {
        if (!stop.signal.aborted) input.log.warn({ err: problem, lease: input.name }, "lease cannot be renewed");
      });
      tell();
      await pause(timing.retryMs, stop.signal);
      tell();
    }
  };

  const running = run();
  return {
    leading,
    close: async () => {
      stop.abort();
      await running;
      const wasLeading = leading();
      leadingUntil = Number.NEGATIVE_INFINITY;
      tell();
      if (wasLeading) await release(input).catch((problem: unknown) => input.log.warn({ err: problem }, "lease kept"));
    },
  };
}

function write({ api, name, identity }: ElectionInput, lease: StoredLease | undefined, durationSeconds: number) {
  const ours = lease?.holder === identity;
  const update: LeaseUpdate = {
    holder: identity,
    durationSeconds,
    transitions: lease === undefined ? 0 : lease.transitions + (ours ? 0 : 1),
    acquired: !ours,
  };
  return lease === undefined ? api.createLease(name, update) : api.replaceLease(name, update, lease.resourceVersion);
}

/** An empty holder is free for anybody; the duration of 1 s is what client-go writes, too. */
async function release({ api, name, identity }: ElectionInput): Promise<void> {
  const lease = await api.readLease(name);
  if (lease?.holder !== identity) return;
  const update = { holder: "", durationSeconds: 1, transitions: lease.transitions, acquired: false };
  await api.replaceLease(name, update, lease.resourceVersion);
}
