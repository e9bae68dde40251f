import { FLAG, TYPE } from "../wire/codes.ts";
import { foldKey, parseName } from "../wire/name.ts";
import { questionFor, variantOf } from "./question.ts";
import { type Timed, type TimerWheel, UNARMED } from "./timer-wheel.ts";
import { type Carriers, forget, type Waiter } from "./waiter.ts";

/** How an upstream that is in trouble is watched. */
export type HealthCheck = {
  readonly intervalMs: number;
  /** Whether the probe asks for recursion. */
  readonly recursion: boolean;
  /** The name that is probed; absolute. */
  readonly domain: string;
  /** Probes that fail in a row before the upstream counts as down; 0: never probed, never down. */
  readonly maxFails: number;
  readonly overTcp: boolean;
};

/** How much an upstream is trusted: lower is better. */
export const HEALTH = { GOOD: 0, DOUBTFUL: 1, DOWN: 2 } as const;
export type HealthState = (typeof HEALTH)[keyof typeof HEALTH];

export type Health = {
  /** DOUBTFUL: a question came to nothing and no probe has been answered since. DOWN: neither were several probes. */
  state(): HealthState;
  /** A question came to nothing: probing begins, unless it is under way. */
  onTrouble(): void;
  /** A question was answered. */
  onAnswer(): void;
  close(): void;
};

export type HealthInput = {
  readonly check: HealthCheck;
  readonly carriers: Carriers;
  readonly wheel: TimerWheel;
  readonly onProbeFailed: () => void;
};

/** CoreDNS waits as long for a probe's reply (plugin/pkg/proxy). */
const PROBE_MILLISECONDS = 1_000;

type Probe = Timed & Waiter & HealthInput & { probing: boolean; failures: number; closed: boolean };

/**
 * Asks for `. NS` only while an upstream is in trouble, as CoreDNS does: at once, then every interval until something
 * comes back. Whatever it is, the upstream is up.
 */
export function createHealth(input: HealthInput): Health {
  const { maxFails } = input.check;
  const probe: Probe = {
    ...input,
    ...UNARMED,
    onDue,
    id: 0,
    carrier: undefined,
    older: undefined,
    onMessage,
    onFailure,
    probing: false,
    failures: 0,
    closed: false,
  };
  return {
    state: () => (probe.failures > maxFails ? HEALTH.DOWN : probe.probing ? HEALTH.DOUBTFUL : HEALTH.GOOD),
    onTrouble() {
      if (maxFails === 0 || probe.probing || probe.closed) return;
      probe.probing = true;
      send(probe);
    },
    onAnswer() {
      probe.failures = 0;
    },
    close() {
      probe.closed = true;
      input.wheel.remove(probe);
      forget(probe);
    },
  };
}

function send(probe: Probe): void {
  const { check, wheel, carriers } = probe;
  const raw = parseName(check.domain) ?? "";
  const variant = variantOf(TYPE.NS, check.recursion ? FLAG.RD : 0, false);
  wheel.arm(probe, performance.now() + PROBE_MILLISECONDS);
  carriers.send(questionFor(raw, foldKey(raw), variant).message, probe);
}

/** Either the probe was not answered in time, or the interval after one is over. */
function onDue(probe: Probe): void {
  if (probe.carrier === undefined) {
    send(probe);
    return;
  }
  probe.carrier.retire(probe.carrier);
  forget(probe);
  onFailure(probe);
}

function onFailure(probe: Probe): void {
  probe.failures++;
  probe.onProbeFailed();
  if (!probe.closed) probe.wheel.arm(probe, performance.now() + probe.check.intervalMs);
}

function onMessage(probe: Probe): void {
  forget(probe);
  probe.wheel.remove(probe);
  probe.failures = 0;
  probe.probing = false;
}
