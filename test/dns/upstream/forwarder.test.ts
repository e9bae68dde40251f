import { afterEach, describe, expect, test } from "vitest";
import type { RetryReason } from "../../../src/dns/upstream/exchange.ts";
import { createForwarder, type Forwarder, type ForwarderOptions } from "../../../src/dns/upstream/forwarder.ts";
import type { UpstreamQuestion } from "../../../src/dns/upstream/upstream-query.ts";
import { FLAG, typeCode } from "../../../src/dns/wire/codes.ts";
import { foldKey } from "../../../src/dns/wire/name.ts";
import { encodeQuestion } from "../../../src/dns/wire/question.ts";
import { replyText } from "../support/reply-text.ts";
import { type Behaviour, startTestUpstream, type TestUpstream } from "../support/test-upstream.ts";
import { rawName } from "../support/zone.ts";

const ZONE = ["x.example. 60 A 192.0.2.1", "y.example. 60 A 192.0.2.2", "many.example. 60 A 192.0.2.3"];
const QUICK = { attemptsAtMilliseconds: [0, 60, 150], giveUpAtMilliseconds: 500 };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function upstreamWith(behaviours: Readonly<Record<string, Behaviour>> = {}): Promise<TestUpstream> {
  const upstream = await startTestUpstream({ zone: ZONE, behaviours });
  cleanups.push(() => upstream.close());
  return upstream;
}

function forwarderTo(
  ports: readonly number[],
  options: Partial<ForwarderOptions> = {},
): { ask: Forwarder; retries: RetryReason[] } {
  const retries: RetryReason[] = [];
  const forwarder = createForwarder({
    upstreams: ports.map((port) => ({ host: "127.0.0.1", port, family: 4 })),
    schedule: QUICK,
    onRetry: (reason) => retries.push(reason),
    ...options,
  });
  cleanups.push(() => forwarder.close());
  return { ask: forwarder, retries };
}

function question(name: string, type = "A", flags: number = FLAG.RD): UpstreamQuestion {
  const raw = rawName(name);
  const code = typeCode(type) ?? 0;
  return { question: encodeQuestion(raw, code), key: foldKey(raw), type: code, flags, dnssecOk: false };
}

/** A loopback port on which nothing listens. */
async function deadPort(): Promise<number> {
  const upstream = await startTestUpstream({ zone: [] });
  await upstream.close();
  return upstream.port;
}

describe("forwarding", () => {
  test("the answer comes back as it was sent, the question with our OPT and none of the client's", async () => {
    const upstream = await upstreamWith();
    const outcome = await forwarderTo([upstream.port]).ask.ask(question("X.example."));
    expect(outcome.ok && replyText(outcome.message.bytes).answer).toEqual(["X.example. 60 A 192.0.2.1"]);
    expect(upstream.seen).toMatchObject([{ name: "X.example.", payload: 1232, options: 0, flags: "RD", edns: true }]);
  });

  test.each([
    ["a wrong ID first", { badid: true }],
    ["two octets first", { garbage_first: true }],
  ] as const)("%s does no harm", async (_what, behaviour) => {
    const upstream = await upstreamWith({ "x.example.": behaviour });
    const outcome = await forwarderTo([upstream.port]).ask.ask(question("x.example."));
    expect(outcome).toMatchObject({ ok: true });
    expect(upstream.seen).toHaveLength(1);
  });

  test.each([
    ["another question", { wrongq: "other.example." }],
    ["a question instead of a reply", { qr0: true }],
    ["junk", { garbage: true }],
    ["records that are cut off", { raw: "818000010001000000000178076578616d706c650000010001c00c" }],
    ["a reply without question", { raw: "81800000000000000000" }],
  ] as const)("%s is not an answer: the right one is waited for", async (_what, behaviour) => {
    const upstream = await upstreamWith({ "x.example.": behaviour });
    const outcome = await forwarderTo([upstream.port]).ask.ask(question("x.example."));
    expect(outcome).toMatchObject({ ok: false, reason: "timeout" });
    expect(upstream.seen).toHaveLength(3);
  });

  test("each attempt leaves from another port", async () => {
    const upstream = await upstreamWith({ "x.example.": { drop: 2 } });
    const { ask, retries } = forwarderTo([upstream.port]);
    expect(await ask.ask(question("x.example."))).toMatchObject({ ok: true });
    expect(new Set(upstream.seen.map((one) => one.sourcePort)).size).toBe(3);
    expect(new Set(upstream.seen.map((one) => one.id)).size).toBeGreaterThan(1);
    expect(retries).toEqual(["timeout", "timeout"]);
  });

  test("a refused connection goes to the next upstream at once", async () => {
    const upstream = await upstreamWith();
    const { ask, retries } = forwarderTo([await deadPort(), upstream.port], {
      schedule: { ...QUICK, attemptsAtMilliseconds: [0, 10_000] },
    });
    expect(await ask.ask(question("x.example."))).toMatchObject({ ok: true, upstream: { port: upstream.port } });
    expect(retries).toEqual(["network"]);
  });

  test("an upstream that came to nothing twice is asked last", async () => {
    const [silent, upstream] = [
      await upstreamWith({ "x.example.": { drop: true }, "y.example.": { drop: true } }),
      await upstreamWith(),
    ];
    const { ask } = forwarderTo([silent.port, upstream.port]);
    await ask.ask(question("x.example."));
    await ask.ask(question("y.example."));
    const before = silent.seen.length;
    expect(await ask.ask(question("many.example."))).toMatchObject({ ok: true, upstream: { port: upstream.port } });
    expect(silent.seen).toHaveLength(before);
  });

  test("nobody there is a network error", async () => {
    const outcome = await forwarderTo([await deadPort()]).ask.ask(question("x.example."));
    expect(outcome).toMatchObject({ ok: false, reason: "network" });
  });

  test("a truncated answer is fetched whole over TCP", async () => {
    const upstream = await upstreamWith({ "many.example.": { tc: true, pad: 30 } });
    const outcome = await forwarderTo([upstream.port]).ask.ask(question("many.example.", "TXT"));
    expect(outcome.ok && replyText(outcome.message.bytes).answer).toHaveLength(30);
    expect(upstream.seen.map((one) => one.proto)).toEqual(["udp", "tcp"]);
  });

  test("an upstream from before EDNS is asked once more without it", async () => {
    const upstream = await upstreamWith({ "x.example.": { formerrOnEdns: true } });
    const { ask, retries } = forwarderTo([upstream.port]);
    expect(await ask.ask(question("x.example."))).toMatchObject({ ok: true });
    expect(upstream.seen.map((one) => one.edns)).toEqual([true, false]);
    expect(retries).toEqual(["no-edns"]);
  });

  test("an rcode that only EDNS has is not passed on: the upstream is asked without", async () => {
    const badvers = "818000010000000000010178076578616d706c6500000100010000290000010000000000";
    const upstream = await upstreamWith({ "x.example.": { raw: badvers } });
    const outcome = await forwarderTo([upstream.port]).ask.ask(question("x.example."));
    expect(outcome).toMatchObject({ ok: false });
    expect(upstream.seen.slice(0, 2).map((one) => one.edns)).toEqual([true, false]);
  });

  test("an rcode of its own is an answer", async () => {
    const upstream = await upstreamWith({ "x.example.": { rcode: "REFUSED" } });
    expect(await forwarderTo([upstream.port]).ask.ask(question("x.example."))).toMatchObject({
      ok: true,
      message: { rcode: 5 },
    });
  });
});

describe("sharing and limits", () => {
  test("equal questions at the same time are asked once, others on their own", async () => {
    const upstream = await upstreamWith({ "x.example.": { delay: 0.05 } });
    const { ask } = forwarderTo([upstream.port]);
    const questions = [
      question("x.example."),
      question("X.EXAMPLE."),
      question("x.example.", "AAAA"),
      question("x.example.", "A", 0),
    ];
    const outcomes = await Promise.all(questions.map((one) => ask.ask(one)));
    expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
    expect(upstream.seen).toHaveLength(3);
  });

  test("more questions under way than allowed are refused, and answered when there is room", async () => {
    const upstream = await upstreamWith({ "x.example.": { delay: 0.05 } });
    const { ask } = forwarderTo([upstream.port], { maxConcurrent: 1 });
    const first = ask.ask(question("x.example."));
    expect(await ask.ask(question("y.example."))).toMatchObject({ ok: false, reason: "overload" });
    await first;
    expect(await ask.ask(question("y.example."))).toMatchObject({ ok: true });
  });

  test("hundreds of questions at once are all answered, from many ports", async () => {
    const names = Array.from({ length: 600 }, (_, index) => `n${index}.example.`);
    const upstream = await startTestUpstream({ zone: names.map((name) => `${name} 60 A 192.0.2.1`) });
    cleanups.push(() => upstream.close());
    const { ask } = forwarderTo([upstream.port], {
      schedule: { attemptsAtMilliseconds: [0, 800], giveUpAtMilliseconds: 4_500 },
    });
    const outcomes = await Promise.all(names.map((name) => ask.ask(question(name))));
    expect(outcomes.filter((outcome) => !outcome.ok)).toEqual([]);
    expect(new Set(upstream.seen.map((one) => one.sourcePort)).size).toBeGreaterThan(100);
    expect(ask.pending()).toBe(0);
  });

  test("closing ends what is under way without an exception", async () => {
    const upstream = await upstreamWith({ "x.example.": { drop: true } });
    const { ask } = forwarderTo([upstream.port]);
    const outcome = ask.ask(question("x.example."));
    ask.close();
    expect(await outcome).toMatchObject({ ok: false });
  });
});
