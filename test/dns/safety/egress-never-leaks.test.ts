import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clientOf } from "../../../src/dns/server/client.ts";
import { compileTable, type EgressTable } from "../../../src/dns/table.ts";
import { FLAG, TYPE, typeName } from "../../../src/dns/wire/codes.ts";
import { isAtOrBelow, nameText } from "../../../src/dns/wire/name.ts";
import { encodeQuery, encodeQuestion } from "../../../src/dns/wire/question.ts";
import { readMessage } from "../../../src/dns/wire/records.ts";
import type { EgressState } from "../../../src/model/egress.ts";
import { framed } from "../support/dns-client.ts";
import { type InProcess, startInProcess } from "../support/in-process.ts";
import { type ScriptedUpstream, startScriptedUpstream } from "../support/scripted-upstream.ts";
import { claim, closed, ready, unresolved, viewOf } from "../support/views.ts";
import { rawName } from "../support/zone.ts";
import {
  FIRST,
  GATEWAY_HOST,
  mixed,
  NETWORKS,
  question,
  replyTo,
  SECOND,
  TURNED,
  type World,
  world,
} from "./leak-worlds.ts";

/** Exchanges of one generated world, and how many worlds: 20,000 exchanges and more. */
const QUESTIONS = 12;
const WORLDS = 1_700;

const EVERYTHING = `
rewrite name exact cheap.test ${FIRST}
rewrite name suffix .turned.test .back.test answer auto
rewrite type TXT A
hosts {
  7.7.7.9 hosted.test
  6.6.6.9 ${FIRST}
  fallthrough
}
template IN ANY tpl.test {
  answer "{{ .Name }} 60 IN CNAME ${FIRST}."
  answer "${FIRST}. 60 IN A 6.6.6.9"
  answer "{{ .Name }} 60 IN A 6.6.6.9"
  additional "${FIRST}. 60 IN AAAA 2001:db8::606:609"
  fallthrough
}`;

/** What stands around `sluice`. */
const LINES = {
  "nothing else": "sluice",
  "a cache": "sluice\ncache 30",
  "a cache, loadbalance and minimal": "sluice\ncache 30 {\nserve_stale\nprefetch 1\n}\nloadbalance\nminimal",
  "rewrite, hosts and template": `sluice\n${EVERYTHING}`,
  "all of them": `sluice {\nsearch cname\n}\ncache 30\nloadbalance\nminimal\nerrors\nany\n${EVERYTHING}`,
};

const STATES: readonly EgressState[] = [ready("10.96.77.9", "2001:db8::a60:4d09"), closed(), unresolved(GATEWAY_HOST)];

const UNRESOLVED = STATES.length - 1;

type Claims = { readonly table: EgressTable; readonly exact: ReadonlySet<string> };

function claimsOf(state: EgressState, names: readonly string[]): Claims {
  const claims = [...names, "*.wild.test"].map((name) => claim(name, state));
  return { table: compileTable(viewOf(...claims)), exact: new Set(names.map(rawName)) };
}

/** The claims without the second name, and with it. */
const CLAIMS = STATES.map((state) => ({
  smaller: claimsOf(state, [FIRST]),
  larger: claimsOf(state, [FIRST, SECOND, TURNED]),
}));

let claims: Claims = claimsOf(closed(), []);
let current: World = { replies: [[]], opts: 0 };
let held: (() => void)[] | undefined;
let upstream: ScriptedUpstream;
const blocks: InProcess[] = [];

beforeAll(async () => {
  const whenAllowed = (reply: () => void): void => {
    if (held === undefined) reply();
    else held.push(reply);
  };
  upstream = await startScriptedUpstream({
    udp: (message, send) => whenAllowed(() => send(replyTo(current, message))),
    tcp: (message, socket) => whenAllowed(() => void socket.write(framed(replyTo(current, message)))),
  });
  for (const lines of Object.values(LINES)) {
    blocks.push(await startInProcess(`.:53 {\n${lines}\nforward . 127.0.0.1:${upstream.port}\n}`, () => claims.table));
  }
});

afterAll(async () => {
  for (const block of blocks) block.close();
  await upstream.close();
});

const UDP = clientOf("10.0.0.9", 4242, "udp", "10.0.0.1");
const TCP = clientOf("10.0.0.9", 4242, "tcp", "10.0.0.1");

const octetsOf = (network: keyof typeof NETWORKS): Buffer =>
  Buffer.from([...NETWORKS[network].split(".").slice(0, 3).map(Number), 9]);

type Asked = {
  readonly name: string;
  readonly type: number;
  readonly upper: number;
  readonly edns: boolean;
  readonly tcp: boolean;
};

const WILD = rawName("wild.test");
const isEgress = (answering: Claims, key: string): boolean =>
  answering.exact.has(key) || (key !== WILD && isAtOrBelow(key, WILD));

/** Addresses in the reply that an egress name owns and that are not its gateway's. */
function strangeAddresses(reply: Buffer, answering: Claims): readonly string[] {
  const read = readMessage(reply);
  if (read === undefined) return ["a reply that cannot be read"];
  return read.records
    .filter((record) => (record.type === TYPE.A || record.type === TYPE.AAAA) && answering.exact.has(record.key))
    .filter((record) => !reply.subarray(record.end - 4, record.end).equals(octetsOf("gateway")))
    .map((record) => nameText(record.key));
}

/** What of a reply is a leak, whatever the upstream has said. */
function leaks(reply: Buffer, { name }: Asked, answering: Claims, state: EgressState): readonly string[] {
  const found: string[] = [];
  const body = reply.subarray(12);
  const larger = answering.exact.has(rawName(SECOND));
  if (body.includes(octetsOf("first"))) found.push("an address of the first egress name");
  if (larger && body.includes(octetsOf("second"))) found.push("an address of the second egress name");
  if (state.status === "unresolved") return found;
  if (isEgress(answering, name) && body.includes(octetsOf("wild"))) found.push("an address of a name under a wildcard");
  return [...found, ...strangeAddresses(reply, answering)];
}

const messageOf = ({ name, type, upper, edns }: Asked): Buffer =>
  encodeQuery(encodeQuestion(mixed(name, upper), type), {
    id: upper,
    flags: FLAG.RD,
    ...(edns && { edns: { dnssecOk: true } }),
  });

/** Lets everything that is asked at once reach the upstream. */
async function untilHeld(settled: () => boolean): Promise<void> {
  for (let turn = 0; turn < 50 && !settled(); turn++) await new Promise((done) => setImmediate(done));
}

const scenario = fc.record({
  world,
  questions: fc.array(question, { minLength: QUESTIONS, maxLength: QUESTIONS }),
  block: fc.nat(Object.keys(LINES).length - 1),
  /** Most of what can go wrong does with a gateway whose address has to be looked up. */
  state: fc.constantFrom(...STATES.keys(), UNRESOLVED),
  /** The larger table takes over while the upstream thinks. */
  change: fc.boolean(),
});

test("no answer shows an address of an egress name that is not its gateway's, whatever the upstream says", async () => {
  let exchanges = 0;
  let withRecords = 0;
  let steered = 0;
  await fc.assert(
    fc.asyncProperty(scenario, async ({ world: generated, questions, block: index, state: which, change }) => {
      const [block, state] = [blocks[index] as InProcess, STATES[which] as EgressState];
      const { smaller, larger } = CLAIMS[which] as (typeof CLAIMS)[number];
      current = generated;
      claims = change ? smaller : larger;
      held = change ? [] : undefined;
      let open = questions.length;
      const asked = questions.map(async (one) => {
        let answering = claims;
        const reply = await block.ask(messageOf(one), one.tcp ? TCP : UDP, () => {
          answering = claims;
          open--;
        });
        return { one, reply, answering };
      });
      await untilHeld(() => open === 0 || (held?.length ?? 0) >= open);
      claims = larger;
      for (const send of held ?? []) send();
      held = undefined;
      for (const { one, reply, answering } of await Promise.all(asked)) {
        exchanges++;
        if (reply === undefined) throw new Error("a question got no answer");
        if (reply.readUInt16BE(6) > 0) withRecords++;
        if (reply.includes(octetsOf("gateway"))) steered++;
        const found = leaks(reply, one, answering, state);
        const where = `${nameText(one.name)} ${typeName(one.type)}, with ${Object.keys(LINES)[index]}`;
        expect(found.length === 0 ? [] : [...found, where, reply.toString("hex")]).toEqual([]);
      }
      expect(block.faults).toEqual([]);
    }),
    { numRuns: WORLDS },
  );
  expect(exchanges).toBeGreaterThanOrEqual(20_000);
  // The worlds must be worth looking at.
  expect(withRecords).toBeGreaterThan(exchanges / 4);
  expect(steered).toBeGreaterThan(exchanges / 20);
}, 120_000);
