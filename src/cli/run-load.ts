import type { UpstreamAddress } from "../dns/upstream/address.ts";
import { createLatencyHistogram, type LatencyHistogram } from "./latency-histogram.ts";
import { type LoadClient, openLoadClient } from "./load-client.ts";
import type { QuestionSource } from "./load-questions.ts";

export type LoadInput = {
  readonly target: UpstreamAddress;
  readonly tcp: boolean;
  readonly questions: QuestionSource;
  readonly seconds: number;
  readonly clients: number;
  /** Most questions under way on all clients. */
  readonly outstanding: number;
  /** Questions per second; undefined: as fast as answers come. */
  readonly rate: number | undefined;
  readonly timeoutMilliseconds: number;
  /** Called every second. */
  readonly onProgress: (progress: LoadProgress) => void;
};

export type LoadProgress = { readonly seconds: number; readonly answered: number; readonly lost: number };

/** What came of a load. */
export type LoadResult = {
  readonly sent: number;
  readonly answered: number;
  /** Not answered within the timeout; of a fixed rate also what could not be sent since too much was under way. */
  readonly lost: number;
  /** Answers by response code, 0 to 15. */
  readonly rcodes: readonly number[];
  /** From the first question to the last answer. */
  readonly seconds: number;
  /** From the time at which a question was to be sent. */
  readonly latency: LatencyHistogram;
};

/** A run under way. */
type Run = {
  readonly input: LoadInput;
  readonly clients: LoadClient[];
  readonly latency: LatencyHistogram;
  readonly rcodes: number[];
  startedAt: number;
  sending: boolean;
  sent: number;
  lost: number;
  lastAnswerAt: number;
  /** The client that sends next at a fixed rate. */
  turn: number;
};

const now = (): number => performance.now();
const EXPIRY_MILLISECONDS = 20;
/** A timer may be late by this much; what is due sooner is waited for without one. */
const TIMER_MILLISECONDS = 2;
/** Questions that are sent before answers are looked at again. */
const BURST = 256;

/** Puts a load on a server, and waits for its last answer. Rejects when sockets cannot be opened. */
export async function runLoad(input: LoadInput): Promise<LoadResult> {
  const run: Run = {
    input,
    clients: [],
    latency: createLatencyHistogram(),
    rcodes: new Array<number>(16).fill(0),
    ...{ startedAt: 0, sending: false, sent: 0, lost: 0, lastAnswerAt: 0, turn: 0 },
  };
  try {
    for (let index = 0; index < input.clients; index++) run.clients.push(await openClient(run, index));
    await drive(run);
  } finally {
    for (const client of run.clients) client.close();
  }
  const { sent, lost, rcodes, latency } = run;
  const seconds = Math.max(0, run.lastAnswerAt - run.startedAt) / 1_000;
  return { sent, answered: latency.count(), lost, rcodes, seconds, latency };
}

const openClient = (run: Run, index: number): Promise<LoadClient> =>
  openLoadClient({
    ...run.input,
    // What does not divide evenly is for the first ones.
    outstanding: Math.ceil((run.input.outstanding - index) / run.input.clients),
    now,
    onAnswer: (rcode, intendedAt) => {
      const at = now();
      run.lastAnswerAt = at;
      run.latency.record(at - intendedAt);
      run.rcodes[rcode] = (run.rcodes[rcode] ?? 0) + 1;
      refill(run, run.clients[index]);
    },
  });

/** Without a rate, an answer makes room for the next question of its client. */
function refill(run: Run, client: LoadClient | undefined): void {
  if (run.input.rate !== undefined || !run.sending || client === undefined) return;
  while (client.send(now())) run.sent++;
}

async function drive(run: Run): Promise<void> {
  const { input, clients } = run;
  const ended = Promise.withResolvers<void>();
  run.startedAt = now();
  run.lastAnswerAt = run.startedAt;
  run.sending = true;
  const timers = [
    setInterval(() => {
      expire(run);
      if (!run.sending && clients.every((client) => client.underWay() === 0)) ended.resolve();
    }, EXPIRY_MILLISECONDS),
    setInterval(() => input.onProgress(progressOf(run)), 1_000),
    setTimeout(
      () => endSending(run),
      input.seconds * 1_000 + (input.rate === undefined ? 0 : input.timeoutMilliseconds),
    ),
  ];
  if (input.rate === undefined) for (const client of clients) refill(run, client);
  else keepRate(run, input.rate);
  await ended.promise;
  for (const timer of timers) clearInterval(timer);
}

const progressOf = ({ startedAt, latency, lost }: Run): LoadProgress => ({
  seconds: Math.round((now() - startedAt) / 1_000),
  answered: latency.count(),
  lost,
});

function expire(run: Run): void {
  const before = now() - run.input.timeoutMilliseconds;
  for (const client of run.clients) {
    run.lost += client.expire(before);
    refill(run, client);
  }
}

const totalOf = ({ rate, seconds }: LoadInput): number => Math.max(1, Math.round((rate ?? 0) * seconds));

/** Whatever of a fixed rate has not been sent by now is lost: leaving it out would flatter a server that stalls. */
function endSending(run: Run): void {
  if (!run.sending) return;
  run.sending = false;
  if (run.input.rate !== undefined) run.lost += totalOf(run.input) - run.sent;
}

/** Sends what is due. Latency counts from when it was, however late it is sent: a stall is everybody's wait. */
function keepRate(run: Run, rate: number): void {
  if (!run.sending) return;
  const total = totalOf(run.input);
  const dueAt = (): number => run.startedAt + (run.sent * 1_000) / rate;
  for (let burst = 0; burst < BURST && run.sent < total && dueAt() <= now(); burst++) {
    if (!sendInTurn(run, dueAt())) break;
  }
  if (run.sent >= total) {
    endSending(run);
    return;
  }
  const wait = dueAt() - now();
  if (wait > TIMER_MILLISECONDS) setTimeout(keepRate, wait - TIMER_MILLISECONDS, run, rate);
  else setImmediate(keepRate, run, rate);
}

/** By the next client that has room. */
function sendInTurn(run: Run, intendedAt: number): boolean {
  for (let tried = 0; tried < run.clients.length; tried++) {
    const client = run.clients[run.turn];
    run.turn = (run.turn + 1) % run.clients.length;
    if (client?.send(intendedAt)) {
      run.sent++;
      return true;
    }
  }
  return false;
}
