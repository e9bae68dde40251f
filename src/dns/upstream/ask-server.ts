import { SluiceError } from "../../model/errors.ts";
import { localLimit } from "../pipeline/local-limit.ts";
import { FLAG } from "../wire/codes.ts";
import { foldKey, parseName } from "../wire/name.ts";
import { formatUpstream, type UpstreamAddress } from "./address.ts";
import type { Outcome } from "./attempts.ts";
import { createOrder } from "./order.ts";
import { questionFor, type UpstreamQuestion, variantOf } from "./question.ts";
import { createRandomInteger } from "./random.ts";
import { DEFAULT_SCHEDULE, stepsOf } from "./schedule.ts";
import { createSharedQuestions } from "./sharing.ts";
import { createTimerWheel } from "./timer-wheel.ts";
import { createUpstream, NO_OBSERVER } from "./upstream.ts";

export type AskInput = {
  readonly server: UpstreamAddress;
  /** Presentation form, root dot optional. */
  readonly name: string;
  readonly type: number;
  /** Sets DO: signatures are wanted. */
  readonly dnssecOk?: boolean;
  /** Over TCP from the start. */
  readonly overTcp?: boolean;
};

/** One server and nothing else: not watched, no limits. */
const HEALTH_CHECK = { intervalMs: 500, recursion: true, domain: ".", maxFails: 0, overTcp: false };
const LIMITS = { expireMs: 10_000, maxAgeMs: 0, maxIdle: 0 };

/**
 * Asks a server once, as a client would: UDP with EDNS, further attempts, TCP after a truncated answer. Gives the whole
 * message. Rejects with a SluiceError when the name is none or nobody answers.
 */
export async function askServer({ server, name, type, dnssecOk = false, overTcp = false }: AskInput): Promise<Buffer> {
  const raw = parseName(name);
  if (raw === undefined) {
    throw new SluiceError(
      "SLUICE_USAGE",
      `'${name}' is no domain name`,
      "write it as api.openai.com, non-ASCII labels as xn--…",
    );
  }
  const outcome = await askOnce({
    address: server,
    question: questionFor(raw, foldKey(raw), variantOf(type, FLAG.RD, dnssecOk)),
    overTcp,
  });
  if (outcome.ok) return outcome.message.bytes;
  throw new SluiceError(
    "SLUICE_DNS_FAILED",
    `${formatUpstream(server)} did not answer: ${outcome.text}`,
    "check that the address and port are right, and that UDP and TCP to it are allowed",
  );
}

type AskedOnce = {
  readonly address: UpstreamAddress;
  readonly question: UpstreamQuestion;
  readonly overTcp: boolean;
};

async function askOnce({ address, question, overTcp }: AskedOnce): Promise<Outcome> {
  const [wheel, random] = [createTimerWheel(), createRandomInteger()];
  const upstream = createUpstream({
    address,
    limits: LIMITS,
    healthCheck: HEALTH_CHECK,
    observer: NO_OBSERVER,
    random,
    wheel,
  });
  const questions = createSharedQuestions<Outcome>({
    rules: {
      steps: stepsOf(DEFAULT_SCHEDULE, DEFAULT_SCHEDULE.giveUpAtMilliseconds),
      maxFailures: 0,
      failover: new Set(),
      wheel,
      onRetry: () => undefined,
    },
    order: createOrder([upstream], "sequential", random),
    limit: localLimit(1),
    failFast: false,
    onAllDown: () => undefined,
    conclude: (outcome) => outcome,
  });
  try {
    const outcome = await questions.start(question, overTcp);
    // One question on its own is neither too many nor held back.
    return typeof outcome === "string" ? { ok: false, reason: "network", text: outcome, cause: outcome } : outcome;
  } finally {
    upstream.close();
  }
}
