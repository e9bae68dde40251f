import type { Log } from "../observe/log.ts";
import { apiProblem } from "./api-problem.ts";
import type { ServerNames } from "./authority.ts";
import type { StartHints } from "./change-hints.ts";
import type { CertificateApi, WebhookRef } from "./cluster-api.ts";
import { inspectPair, isCurrent, issuerIn } from "./inspect.ts";
import { leaderPass } from "./leader.ts";
import { type LeaseTiming, startElection } from "./lease.ts";
import { pause } from "./pause.ts";
import { expirySamples, type ServerCertificate, samePair } from "./server-certificate.ts";
import type { Certificates } from "./start.ts";
import { readServerSecret, SERVER_SECRET } from "./stored-server.ts";
import { type Registration, webhookBundles } from "./webhook-bundles.ts";

/** The Lease that the replicas compete for. */
export const LEASE = "sluice-certs";

/** The wall clock is looked at once a minute: one long timer would stand still while a machine is suspended. */
const POLL_MS = 60_000;
const POLL_JITTER = 0.2;
/** Own writes come back as hints; passes follow each other no faster than this. */
const SHORTEST_PAUSE_MS = 250;
const RETRY_FIRST_MS = 1_000;
const RETRY_LONGEST_MS = 30_000;

export type ClusterInput = {
  readonly api: CertificateApi;
  readonly hints: StartHints;
  readonly webhooks: readonly WebhookRef[];
  readonly names: ServerNames;
  readonly identity: string;
  readonly log: Log;
  readonly now: () => number;
  readonly onChange: (certificate: ServerCertificate) => void;
  readonly timing?: LeaseTiming;
};

/**
 * The cluster store: every replica serves the leaf in the TLS Secret and reloads it when it changes; the one that holds
 * the Lease keeps CA, leaf and caBundles in order. When the API server cannot be reached, the last state is served on.
 */
export async function startClusterCertificates(input: ClusterInput): Promise<Certificates> {
  const { api, log, now } = input;
  const bundles = webhookBundles({ api, refs: input.webhooks, log, now });
  const state: State = { current: undefined, registrations: [] };
  const passes = { log, stop: new AbortController(), wake: new AbortController() };
  const poke = (): void => passes.wake.abort();

  const election = await startElection({
    api,
    name: LEASE,
    identity: input.identity,
    log,
    onChange: poke,
    ...(input.timing === undefined ? {} : { timing: input.timing }),
  });

  const pass = async (): Promise<number> => {
    state.registrations = await bundles.read();
    const leader = { api, bundles, names: input.names, now, log, leading: election.leading };
    const outcome = election.leading() ? await leaderPass(leader, state.registrations) : "settled";
    load(input, state, readServerSecret(await api.readSecret(SERVER_SECRET)));
    if (outcome === "again") return SHORTEST_PAUSE_MS;
    state.registrations = await bundles.read();
    return POLL_MS * (1 + POLL_JITTER * (Math.random() - 0.5));
  };

  const watching = input.hints(poke);
  const running = repeat(passes, pass);
  return {
    current: () => state.current,
    problem: () => problemOf(state, now()),
    ready: () => problemOf(state, now()) === undefined,
    samples: () => [
      ...expirySamples(state.current, now()),
      ...bundles.samples((caBundle) => trusts(caBundle, state.current, now())),
    ],
    close: async () => {
      passes.stop.abort();
      await Promise.all([watching.close(), running]);
      await election.close();
      await api.close();
    },
  };
}

type Passes = { readonly log: Log; readonly stop: AbortController; wake: AbortController };

/** Looks again and again: after the time that a look asks for, when woken, and with growing pauses after a failure. */
async function repeat(passes: Passes, pass: () => Promise<number>): Promise<void> {
  const { log, stop } = passes;
  let failures = 0;
  while (!stop.signal.aborted) {
    passes.wake = new AbortController();
    let wait: number;
    try {
      wait = await pass();
      failures = 0;
    } catch (problem) {
      failures += 1;
      wait = Math.min(RETRY_FIRST_MS * 2 ** (failures - 1), RETRY_LONGEST_MS);
      if (!stop.signal.aborted) log.warn({ problem: apiProblem(problem), failures }, "certificates not checked");
    }
    await pause(SHORTEST_PAUSE_MS, stop.signal);
    await pause(wait - SHORTEST_PAUSE_MS, AbortSignal.any([stop.signal, passes.wake.signal]));
  }
}

type State = { current: ServerCertificate | undefined; registrations: readonly Registration[] };

/** Takes over what the Secret holds, if it is whole. Otherwise the one in memory is served on. */
function load(input: ClusterInput, state: State, stored: ServerCertificate | undefined): void {
  if (stored === undefined || samePair(state.current, stored)) return;
  const inspected = inspectPair(stored);
  if (!inspected.ok) {
    input.log.error({ secret: SERVER_SECRET, problem: inspected.problems[0] }, "server certificate cannot be used");
    return;
  }
  if (state.current !== undefined && !isCurrent(inspected.value, input.now())) return;
  try {
    input.onChange(stored);
  } catch (problem) {
    input.log.error({ err: problem }, "server certificate was refused");
    return;
  }
  state.current = stored;
  const { fingerprint, notAfter } = inspected.value;
  input.log.info({ fingerprint, notAfter: new Date(notAfter).toISOString() }, "server certificate loaded");
}

const trusts = (caBundle: string, certificate: ServerCertificate | undefined, now: number): boolean =>
  certificate !== undefined && issuerIn(certificate.cert, caBundle, now) !== undefined;

/** Why requests from the API server would fail now. A configuration that does not exist sends none, so it is no reason. */
function problemOf({ current, registrations }: State, now: number): string | undefined {
  if (current === undefined) return "there is no server certificate yet";
  const inspected = inspectPair(current);
  if (!inspected.ok || !isCurrent(inspected.value, now)) return "the server certificate is not valid now";
  for (const { ref, bundles } of registrations) {
    const strange = Object.entries(bundles).find(([, caBundle]) => !trusts(caBundle, current, now));
    if (strange !== undefined) return `caBundle of webhook ${strange[0]} in ${ref.kind} ${ref.name} does not fit`;
  }
  return undefined;
}
