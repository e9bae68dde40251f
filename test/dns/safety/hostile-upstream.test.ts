import type { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TYPE } from "../../../src/dns/wire/codes.ts";
import { askUdp, encodeQuery, framed } from "../support/dns-client.ts";
import { QUICK } from "../support/forward.ts";
import { type BuiltRecord, buildMessage } from "../support/message-builder.ts";
import { type ReplyText, replyText } from "../support/reply-text.ts";
import { startTestResolver, type TestResolver } from "../support/resolver.ts";
import { type ScriptedUpstream, startScriptedUpstream, type UpstreamScript } from "../support/scripted-upstream.ts";
import { claim, viewOf } from "../support/views.ts";
import { rawName } from "../support/zone.ts";

const EGRESS = rawName("api.openai.com");
/** What must never be seen. */
const REAL = Uint8Array.from([6, 6, 6, 9]);
const GOOD = Uint8Array.from([192, 0, 2, 1]);

const asked = (question: Buffer): Buffer => question.subarray(12, question.indexOf(0, 12) + 5);
const ownerOf = (question: Buffer): string => asked(question).toString("latin1", 0, asked(question).length - 5);

const a = (owner: string, data: Uint8Array): BuiltRecord => ({
  owner,
  compression: "longest",
  type: TYPE.A,
  ttl: 60,
  data: [data],
});
const cname = (owner: string, name: string): BuiltRecord => ({
  owner,
  compression: "longest",
  type: TYPE.CNAME,
  ttl: 60,
  data: [{ name, compression: "longest" }],
});

/** A reply with these records, or the good one. */
function replyTo(question: Buffer, answer = [a(ownerOf(question), GOOD)], flags = 0x8180): Buffer {
  const sections = { answer, authority: [], additional: [] };
  return buildMessage(question.readUInt16BE(0), { flags, question: asked(question), ...sections });
}

const lie = (question: Buffer): Buffer => replyTo(question, [cname(ownerOf(question), EGRESS), a(EGRESS, REAL)]);

/** The reply with some octets of it others. */
function patched(reply: Buffer, offset: number, ...octets: readonly number[]): Buffer {
  reply.set(octets, offset);
  return reply;
}

const LONG = `${"a.".repeat(120)}x.`;

/** 65,000 octets of which each record's owner is a name of 243 octets, by a pointer. */
function bomb(question: Buffer): Buffer {
  const owner = rawName(LONG);
  const count = 3_900;
  const records = Array.from({ length: count }, (_, index) =>
    cname(index === 0 ? ownerOf(question) : owner, index % 2 === 0 ? owner : EGRESS),
  );
  return replyTo(question, records);
}

/** 127 pointers, each to the one before, at the start of every record. */
function staircase(question: Buffer): Buffer {
  const head = replyTo(question, []);
  const stairs = Buffer.alloc(126 * 2);
  const start = head.length + 12;
  for (let step = 0; step < 126; step++)
    stairs.writeUInt16BE(0xc000 | (step === 0 ? 12 : start + 2 * (step - 1)), 2 * step);
  const first = Buffer.concat([
    Buffer.from([0xc0, 12, 255, 0, 0, 1, 0, 0, 0, 60, stairs.length >> 8, stairs.length & 255]),
    stairs,
  ]);
  const pointer = 0xc000 | (start + 2 * 125);
  const record = Buffer.from([pointer >> 8, pointer & 255, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...GOOD]);
  const count = 3_800;
  return patched(
    Buffer.concat([head, first, ...Array.from({ length: count }, () => record)]),
    6,
    (count + 1) >> 8,
    (count + 1) & 255,
  );
}

const truncated = (question: Buffer, send: (datagram: Buffer) => void): void => send(replyTo(question, [], 0x8380));
const overTcp = (write: (question: Buffer, socket: Socket) => unknown): UpstreamScript => ({
  udp: truncated,
  tcp: (question, socket) => void write(question, socket),
});
const overUdp = (make: (question: Buffer) => Buffer): UpstreamScript => ({
  udp: (question, send) => send(make(question)),
});

const RETRY = "sluice_dns_upstream_retries_total";
const RESPONSES = "coredns_forward_responses_total";

type Metric = readonly [name: string, labels?: Readonly<Record<string, string>>];
type Misdeed = {
  readonly script: UpstreamScript;
  readonly rcode: string;
  readonly answer?: readonly string[];
  readonly metric: Metric;
};

const timeout: Metric = [RETRY, { reason: "timeout" }];
const unanswered = (script: UpstreamScript): Misdeed => ({ script, rcode: "SERVFAIL", metric: timeout });
const steered = (metric: Metric): Omit<Misdeed, "script"> => ({
  rcode: "NOERROR",
  answer: ["bad.example. 60 CNAME api.openai.com.", "api.openai.com. 5 A 10.96.10.10"],
  metric,
});
const right = {
  rcode: "NOERROR",
  answer: ["bad.example. 60 A 192.0.2.1"],
  metric: [RESPONSES, { rcode: "NOERROR" }],
} as const;
const prevented: Metric = ["sluice_dns_bypass_prevented_total"];
const cutOff: Metric = [RETRY, { reason: "truncated" }];

const MISDEEDS: Readonly<Record<string, Misdeed>> = {
  "is silent": unanswered({}),
  "sends garbage": unanswered(overUdp((question) => Buffer.concat([question.subarray(0, 2), Buffer.alloc(300, 0xff)]))),
  "sends stumps": unanswered(overUdp((question) => question.subarray(0, 5))),
  "answers with another ID": unanswered(overUdp((question) => patched(lie(question), 0, (question[0] as number) ^ 1))),
  "answers another name": unanswered(overUdp((question) => patched(lie(question), 13, 0x78))),
  "answers another type": unanswered(overUdp((question) => patched(lie(question), asked(question).length + 9, 28))),
  "answers another class": unanswered(overUdp((question) => patched(lie(question), asked(question).length + 11, 3))),
  "sends the question back": unanswered(overUdp((question) => Buffer.from(question))),
  "answers with another opcode": unanswered(overUdp((question) => patched(lie(question), 2, 0xa9))),
  "counts more records than it sends": unanswered(overUdp((question) => patched(lie(question), 6, 255, 255))),
  "counts two questions": unanswered(overUdp((question) => patched(lie(question), 4, 0, 2))),
  "sends a pointer to itself": unanswered(
    overUdp((question) =>
      Buffer.concat([
        patched(replyTo(question, []), 7, 1),
        Buffer.from([0xc0, asked(question).length + 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...REAL]),
      ]),
    ),
  ),
  "lies about where an alias leads": { script: overUdp(lie), ...steered(prevented) },
  "lies twice": {
    script: { udp: (question, send) => [lie(question), lie(question)].forEach(send) },
    ...steered(prevented),
  },
  "hides the real address beside an alias": {
    script: overUdp((question) => replyTo(question, [a(ownerOf(question), REAL), cname(ownerOf(question), EGRESS)])),
    ...steered(prevented),
  },
  "sends thousands of unrelated datagrams first": {
    script: {
      udp(question, send) {
        for (let index = 0; index < 2_000; index++)
          send(patched(lie(question), 0, index >> 8, index & 255, 0x81, 0x80, 0, 1, 0, 9));
        send(replyTo(question));
      },
    },
    ...right,
  },
  "truncates, and closes TCP at once": {
    script: overTcp((_question, socket) => socket.destroy()),
    rcode: "SERVFAIL",
    metric: cutOff,
  },
  "truncates, and closes TCP in the middle of the answer": {
    script: overTcp((question, socket) => socket.end(framed(lie(question)).subarray(0, 30))),
    rcode: "SERVFAIL",
    metric: cutOff,
  },
  "truncates, and stalls over TCP": {
    script: overTcp((question, socket) => socket.write(framed(lie(question)).subarray(0, 30))),
    rcode: "SERVFAIL",
    metric: cutOff,
  },
  "truncates, and lies about the length over TCP": {
    script: overTcp((question, socket) => socket.write(patched(framed(lie(question)), 0, 0, 14))),
    rcode: "SERVFAIL",
    metric: cutOff,
  },
  "truncates over TCP too": {
    script: overTcp((question, socket) => socket.write(framed(patched(lie(question), 2, 0x83)))),
    ...steered(prevented),
  },
  "answers octet by octet over TCP": {
    script: overTcp((question, socket) => {
      for (const octet of framed(replyTo(question))) socket.write(Uint8Array.of(octet));
    }),
    ...right,
  },
  "sends as much as TCP takes, all of it compressed": {
    script: overTcp((question, socket) => socket.write(framed(bomb(question)))),
    rcode: "NOERROR",
    answer: [`bad.example. 60 CNAME ${LONG}`, `${LONG} 60 CNAME api.openai.com.`, "api.openai.com. 5 A 10.96.10.10"],
    metric: prevented,
  },
  "sends names behind a hundred pointers, thousands of times": {
    script: overTcp((question, socket) => socket.write(framed(staircase(question)))),
    rcode: "NOERROR",
    metric: cutOff,
  },
};

let current: UpstreamScript = {};
let upstream: ScriptedUpstream;
let resolver: TestResolver;
const HEALTHY: UpstreamScript = {
  udp: (question, send) => send(replyTo(question)),
  tcp: (question, socket) => void socket.write(framed(replyTo(question))),
};

beforeAll(async () => {
  upstream = await startScriptedUpstream({
    udp: (question, send) => current.udp?.(question, send),
    tcp: (question, socket) => current.tcp?.(question, socket),
  });
  resolver = await startTestResolver([upstream.port], { view: viewOf(claim("api.openai.com")), schedule: QUICK });
});
afterAll(async () => {
  await resolver.close();
  await upstream.close();
});

const sum = ([name, labels = {}]: Metric): number =>
  resolver
    .samples()
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((total, { value }) => total + value, 0);

async function ask(name: string): Promise<ReplyText> {
  const bytes = await askUdp(encodeQuery({ name, edns: { size: 1_232 } }), { port: resolver.port });
  if (bytes === undefined) throw new Error("no reply");
  expect(bytes.includes(Buffer.from(REAL))).toBe(false);
  return replyText(bytes);
}

describe("an upstream that", () => {
  test.each(Object.entries(MISDEEDS))(
    "%s shows nothing it must not, is counted, and is asked again when it is well",
    async (_title, misdeed) => {
      const before = sum(misdeed.metric);
      current = misdeed.script;
      const [bad, egress] = await Promise.all([ask("bad.example"), ask("api.openai.com")]);
      expect(egress.answer).toEqual(["api.openai.com. 5 A 10.96.10.10"]);
      expect(bad.rcode).toBe(misdeed.rcode);
      expect(bad.answer).toEqual(misdeed.answer ?? []);
      expect(sum(misdeed.metric)).toBeGreaterThan(before);
      current = HEALTHY;
      expect((await ask("bad.example")).answer).toEqual(["bad.example. 60 A 192.0.2.1"]);
      expect(sum(["coredns_panics_total"])).toBe(0);
    },
  );
});
