import { afterEach, describe, expect, test } from "vitest";
import { localLimit } from "../../../src/dns/pipeline/local-limit.ts";
import { questionFor, variantOf } from "../../../src/dns/upstream/question.ts";
import { createSharedQuestions, type SharedQuestions } from "../../../src/dns/upstream/sharing.ts";
import { createTimerWheel } from "../../../src/dns/upstream/timer-wheel.ts";
import { NO_OBSERVER, type Upstream } from "../../../src/dns/upstream/upstream.ts";
import type { Carriers, Waiter } from "../../../src/dns/upstream/waiter.ts";
import { FLAG } from "../../../src/dns/wire/codes.ts";

const KEY = "\x01x\x07example";
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Questions to an upstream that answers when it is told to. */
function heldQuestions(): { questions: SharedQuestions<boolean>; answer: (type: number) => void } {
  const sent: { readonly message: Buffer; readonly waiter: Waiter }[] = [];
  const carriers: Carriers = { send: (message, waiter) => void sent.push({ message, waiter }), close: () => undefined };
  const health = {
    state: () => 0 as const,
    onTrouble: () => undefined,
    onAnswer: () => undefined,
    close: () => undefined,
  };
  const upstream: Upstream = {
    address: { host: "192.0.2.1", port: 53, family: 4 },
    text: "192.0.2.1:53",
    datagrams: carriers,
    streams: carriers,
    health,
    observer: NO_OBSERVER,
    close: () => undefined,
  };
  const questions = createSharedQuestions<boolean>({
    rules: {
      steps: [60_000],
      maxFailures: 0,
      failover: new Set(),
      wheel: createTimerWheel(),
      onRetry: () => undefined,
    },
    order: () => [upstream],
    limit: localLimit(3),
    failFast: false,
    onAllDown: () => undefined,
    conclude: ({ ok }) => ok,
  });
  const answer = (type: number): void => {
    for (const { message, waiter } of sent) {
      const reply = Buffer.from(message);
      reply.writeUInt16BE(0x8180, 2);
      if (message.readUInt16BE(message.length - 15) === type) waiter.onMessage(waiter, reply);
    }
  };
  cleanups.push(() => [1, 2, 3].forEach(answer));
  return { questions, answer };
}

const variant = (type: number): number => variantOf(type, FLAG.RD, false);
const start = (questions: SharedQuestions<boolean>, type: number) =>
  questions.start(questionFor(KEY, KEY, variant(type)), false);

describe("questions under way for one name", () => {
  test.each([[[1, 2, 3]], [[3, 2, 1]], [[2, 1, 3]], [[2, 3, 1]]])(
    "end in the order %j, and each can be joined until then",
    async (order) => {
      const { questions, answer } = heldQuestions();
      for (const type of [1, 2, 3]) start(questions, type);
      const open = new Set(order);
      for (const type of order) {
        const joined = questions.join(KEY, variant(type));
        answer(type);
        open.delete(type);
        expect(await joined).toBe(true);
        expect([1, 2, 3].filter((one) => questions.join(KEY, variant(one)) !== undefined)).toEqual(
          [...open].toSorted(),
        );
        expect(questions.running()).toBe(open.size);
      }
    },
  );

  test("more than are allowed are not sent, but equal ones still share", () => {
    const { questions } = heldQuestions();
    for (const type of [1, 2, 3]) start(questions, type);
    expect(start(questions, 4)).toBe("overload");
    expect(questions.join(KEY, variant(2))).toBeInstanceOf(Promise);
  });
});
