import { afterEach, expect, test } from "vitest";
import { askUdp, encodeQuery } from "../support/dns-client.ts";
import { extendedErrors, type ReplyText, replyText } from "../support/reply-text.ts";
import { startTestResolver, type TestResolverOptions } from "../support/resolver.ts";
import { type Behaviour, startTestUpstream } from "../support/test-upstream.ts";
import { claim, viewOf } from "../support/views.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const VIEW = viewOf(claim("api.openai.com"), claim("api.turned.test"));
const REAL = "api.openai.com. 60 A 6.6.6.6";
const STEERED = ["x.test. 60 CNAME api.openai.com.", "api.openai.com. 5 A 10.96.10.10"];

type Sly = {
  readonly name?: string;
  readonly type?: string;
  readonly zone?: readonly string[];
  readonly behaviour?: Behaviour;
  readonly options?: TestResolverOptions;
};

async function ask({ name = "x.test", type = "A", zone = [], behaviour = {}, options = {} }: Sly): Promise<ReplyText> {
  const upstream = await startTestUpstream({ zone, behaviours: { [`${name}.`]: behaviour } });
  cleanups.push(() => upstream.close());
  const resolver = await startTestResolver([upstream.port], { view: VIEW, ...options });
  cleanups.push(() => resolver.close());
  const bytes = await askUdp(encodeQuery({ name, type, edns: {} }), { port: resolver.port });
  if (bytes === undefined) throw new Error("no reply");
  return replyText(bytes);
}

test.each<[string, Sly, Partial<ReplyText>]>([
  [
    "an address beside the alias",
    { zone: ["x.test. 60 CNAME api.openai.com."], behaviour: { answer_extra: ["x.test. 60 A 6.6.6.6"] } },
    { answer: STEERED },
  ],
  [
    "an address in the answer to ANY, beside the alias",
    { type: "ANY", zone: ["x.test. 60 CNAME api.openai.com.", "x.test. 60 A 6.6.6.6"] },
    { answer: ["x.test. 60 CNAME api.openai.com."] },
  ],
  [
    "a record of a type that was not asked for",
    { type: "AAAA", behaviour: { answer_extra: ["x.test. 60 A 6.6.6.6"] } },
    { answer: [] },
  ],
  [
    "hints of an alias of the egress name",
    {
      type: "HTTPS",
      zone: ["x.test. 60 HTTPS 1 y.test. ipv4hint=6.6.6.6"],
      behaviour: { extra: ["y.test. 60 CNAME api.openai.com."] },
    },
    { answer: [], additional: [] },
  ],
  [
    "hints of an alias of the egress name that another directive has left out",
    {
      type: "HTTPS",
      zone: ["x.test. 60 HTTPS 1 y.test. ipv4hint=6.6.6.6"],
      behaviour: { extra: ["y.test. 60 CNAME api.openai.com."] },
      options: { lines: "minimal" },
    },
    { answer: [] },
  ],
  [
    "hints in an additional record",
    {
      type: "MX",
      zone: ["x.test. 60 MX 1 y.test."],
      behaviour: { extra: ["y.test. 60 HTTPS 1 api.openai.com. ipv4hint=6.6.6.6"] },
    },
    { answer: ["x.test. 60 MX 1 y.test."], additional: [] },
  ],
  [
    "an additional address of an alias",
    {
      type: "MX",
      zone: ["x.test. 60 MX 1 y.test."],
      behaviour: { extra: ["y.test. 60 CNAME api.openai.com.", "y.test. 60 A 6.6.6.6"] },
    },
    { answer: ["x.test. 60 MX 1 y.test."], additional: [] },
  ],
  [
    "attributes of the egress name behind an alias",
    {
      type: "HTTPS",
      zone: [
        "x.test. 60 CNAME _8443._https.api.openai.com.",
        "_8443._https.api.openai.com. 60 HTTPS 1 . ipv4hint=6.6.6.6",
      ],
    },
    { rcode: "NOERROR", answer: ["x.test. 60 CNAME _8443._https.api.openai.com."] },
  ],
  [
    "a pass-through type that a rule has made an address of",
    { name: "api.openai.com", type: "TXT", zone: [REAL], options: { lines: "rewrite type TXT A" } },
    { answer: ["api.openai.com. 5 A 10.96.10.10"] },
  ],
])("%s is not shown", async (_title, sly, expected) => {
  expect(await ask(sly)).toMatchObject(expected);
});

test("an answer whose names a rule turns back into an egress name is not given", async () => {
  const reply = await ask({
    name: "x.turned.test",
    zone: ["x.back.test. 60 CNAME api.back.test.", "api.back.test. 60 A 6.6.6.6"],
    options: { lines: "rewrite name suffix .turned.test .back.test answer auto" },
  });
  expect([reply.rcode, reply.answer, extendedErrors(reply)]).toEqual(["SERVFAIL", [], [0]]);
});

test("of two aliases only the one that is followed is shown (RFC 2181 section 10.1)", async () => {
  const reply = await ask({
    zone: ["x.test. 60 CNAME y.test.", "y.test. 60 A 192.0.2.1"],
    behaviour: { answer_extra: ["x.test. 60 CNAME api.openai.com.", REAL] },
  });
  expect(reply.answer).toEqual(["x.test. 60 CNAME y.test.", "y.test. 60 A 192.0.2.1"]);
});

const SERVICE = "openai.apps.svc.cluster.local";

test("before the first sync a Service that is an alias of an outside name is no way out", async () => {
  const zone = [`${SERVICE}. 60 CNAME api.openai.com.`, REAL];
  const reply = await ask({ name: SERVICE, zone, options: { synced: false } });
  expect([reply.rcode, reply.answer, extendedErrors(reply)]).toEqual(["SERVFAIL", [], [14]]);
});

test("before the first sync Services are answered", async () => {
  const zone = [`${SERVICE}. 60 CNAME other.apps.svc.cluster.local.`, "other.apps.svc.cluster.local. 60 A 10.96.3.4"];
  const reply = await ask({ name: SERVICE, zone, options: { synced: false } });
  expect(reply.answer).toEqual(zone);
});
