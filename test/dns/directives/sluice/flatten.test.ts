import { describe, expect, test } from "vitest";
import { findClaim } from "../../../../src/dns/decide.ts";
import { createFlattener } from "../../../../src/dns/directives/sluice/flatten.ts";
import type { Ask } from "../../../../src/dns/directives/sluice/look-up.ts";
import { failed, messageAnswer } from "../../../../src/dns/pipeline/answer.ts";
import { compileTable, type EgressEntry, hostnameKey } from "../../../../src/dns/table.ts";
import { EDE, RCODE, TYPE } from "../../../../src/dns/wire/codes.ts";
import { foldKey, nameText } from "../../../../src/dns/wire/name.ts";
import { encodeQuestion } from "../../../../src/dns/wire/question.ts";
import { readMessage } from "../../../../src/dns/wire/records.ts";
import type { LocalAnswer } from "../../../../src/dns/wire/reply.ts";
import { claim, unresolved, viewOf } from "../../support/views.ts";
import { encodeRecord, parseRecord } from "../../support/zone.ts";

const TABLE = compileTable(
  viewOf(
    claim("api.openai.com", unresolved("lb.example.net")),
    claim("self.com", unresolved("api.openai.com")),
    claim("*.example.net"),
  ),
);
const ENTRY = findClaim(TABLE, hostnameKey("api.openai.com")) as EgressEntry;

type World = {
  records: Readonly<Record<string, readonly string[]>>;
  rcode: number;
  up: boolean;
  now: number;
  asked: string[];
};

/** What comes behind `sluice`: it answers from `world` at once. */
function askOf(world: World): Ask {
  return (raw, type) => {
    const key = foldKey(raw);
    const question = encodeQuestion(raw, type);
    world.asked.push(`${nameText(key)} ${type}`);
    if (!world.up) return failed("forward", EDE.NO_REACHABLE_AUTHORITY, "silent");
    const lines = (world.records[nameText(key)] ?? []).filter((line) => type === TYPE.A || !line.includes(" A "));
    const header = Buffer.from([0, 0, 0x81, 0x80 | world.rcode, 0, 1, 0, lines.length, 0, 0, 0, 0]);
    const message = readMessage(
      Buffer.concat([header, question, ...lines.map((line) => encodeRecord(parseRecord(line)))]),
    );
    if (message === undefined) throw new Error("bad message in a test");
    return messageAnswer("forward", message, 0);
  };
}

function start(records: World["records"], change: Partial<World> = {}) {
  const world: World = { records, rcode: RCODE.NOERROR, up: true, now: 1_000_000, asked: [], ...change };
  const flattener = createFlattener(askOf(world), () => world.now);
  const answer = (type: number = TYPE.A, entry = ENTRY): Promise<LocalAnswer> => flattener.answer(entry, type, TABLE);
  return { world, answer };
}

const addresses = ({ answer }: LocalAnswer): string[] =>
  Array.from({ length: answer?.count ?? 0 }, (_, i) =>
    [...(answer?.bytes ?? []).slice(i * 16 + 12, i * 16 + 16)].join("."),
  );
const ttlOf = ({ answer }: LocalAnswer): number => Buffer.from(answer?.bytes ?? []).readUInt32BE(6);
const edeOf = ({ ede }: LocalAnswer): number | undefined =>
  ede === undefined ? undefined : Buffer.from(ede).readUInt16BE(4);
const textOf = ({ ede }: LocalAnswer): string => Buffer.from(ede ?? []).toString("utf8", 6);

const LB = { "lb.example.net.": ["lb.example.net. 20 A 198.51.100.7", "lb.example.net. 20 A 198.51.100.8"] };

describe("a gateway whose address is a host name", () => {
  test("its addresses are given as the name's own, and kept for their time", async () => {
    const { world, answer } = start(LB);
    expect(addresses(await answer())).toEqual(["198.51.100.7", "198.51.100.8"]);
    await answer();
    expect(world.asked).toEqual(["lb.example.net. 1", "lb.example.net. 28"]);
  });

  test("a family without addresses is NODATA while the other has some", async () => {
    expect(await start(LB).answer(TYPE.AAAA)).toMatchObject({ rcode: RCODE.NOERROR, authority: { count: 1 } });
  });

  test("the TTL is the smallest of the chain, and ours at most", async () => {
    const chain = { "lb.example.net.": ["lb.example.net. 3 CNAME end.example.", "end.example. 300 A 198.51.100.7"] };
    expect(ttlOf(await start(chain).answer())).toBe(3);
    expect(ttlOf(await start(LB).answer())).toBe(5);
  });

  test("addresses that no gateway can have are left out", async () => {
    const bad = { "lb.example.net.": ["lb.example.net. 20 A 127.0.0.1", "lb.example.net. 20 A 0.0.0.0"] };
    expect(await start(bad).answer()).toMatchObject({ rcode: RCODE.SERVFAIL });
  });

  test.each([
    [
      "leads to",
      { "lb.example.net.": ["lb.example.net. 20 CNAME api.openai.com.", "api.openai.com. 20 A 6.6.6.6"] },
      ENTRY,
    ],
    [
      "leads to the attributes of",
      {
        "lb.example.net.": [
          "lb.example.net. 20 CNAME _8443._https.api.openai.com.",
          "_8443._https.api.openai.com. 20 A 6.6.6.6",
        ],
      },
      ENTRY,
    ],
    [
      "lies in a zone that leads to",
      {
        "lb.example.net.": [
          "lb.example.net. 20 CNAME api.dn.test.",
          "dn.test. 20 DNAME openai.com.",
          "api.dn.test. 20 A 6.6.6.6",
        ],
      },
      ENTRY,
    ],
    ["is", {}, findClaim(TABLE, hostnameKey("self.com")) as EgressEntry],
  ])("a host name that %s an egress hostname is a loop", async (_how, records, entry) => {
    const answer = await start(records).answer(TYPE.A, entry);
    expect(answer.rcode).toBe(RCODE.SERVFAIL);
    expect(textOf(answer)).toContain("loop");
  });

  test("addresses that a zone's alias leads to are the gateway's", async () => {
    const records = {
      "lb.example.net.": [
        "lb.example.net. 20 CNAME west.dn.test.",
        "dn.test. 20 DNAME lb.test.",
        "west.dn.test. 20 CNAME west.lb.test.",
        "west.lb.test. 20 A 198.51.100.7",
      ],
    };
    expect(addresses(await start(records).answer())).toEqual(["198.51.100.7"]);
  });

  test("addresses that are kept are forgotten when a name that led to them becomes an egress hostname", async () => {
    const { world } = start({ "lb.example.net.": ["lb.example.net. 20 CNAME b.test.", "b.test. 20 A 6.6.6.6"] });
    const flattener = createFlattener(askOf(world), () => world.now);
    expect(addresses(await flattener.answer(ENTRY, TYPE.A, TABLE))).toEqual(["6.6.6.6"]);
    const larger = compileTable(viewOf(claim("api.openai.com", unresolved("lb.example.net")), claim("b.test")));
    const entry = findClaim(larger, hostnameKey("api.openai.com")) as EgressEntry;
    const answer = await flattener.answer(entry, TYPE.A, larger);
    expect([answer.rcode, addresses(answer)]).toEqual([RCODE.SERVFAIL, []]);
    expect(textOf(answer)).toContain("loop");
  });

  test("a host name under an egress wildcard is none", async () => {
    expect((await start(LB).answer()).rcode).toBe(RCODE.NOERROR);
  });

  test("a name that does not exist fails, says which gateway, and is not asked again at once", async () => {
    const { world, answer } = start({}, { rcode: RCODE.NXDOMAIN });
    const failed = await answer();
    expect([failed.rcode, edeOf(failed)]).toEqual([RCODE.SERVFAIL, 22]);
    expect(textOf(failed)).toContain("gateway-system/egress");
    await answer();
    expect(world.asked).toHaveLength(2);
  });
});

describe("refreshing", () => {
  test("after half of their time addresses are refreshed in the background", async () => {
    const { world, answer } = start(LB);
    await answer();
    world.now += 3_000;
    world.records = { "lb.example.net.": ["lb.example.net. 20 A 198.51.100.9"] };
    expect(addresses(await answer())).toEqual(["198.51.100.7", "198.51.100.8"]);
    await expect.poll(async () => addresses(await answer())).toEqual(["198.51.100.9"]);
  });

  test("the last good addresses are given for 30 s when a refresh fails, and marked as stale", async () => {
    const { world, answer } = start(LB);
    await answer();
    world.up = false;
    world.now += 20_000;
    const stale = await answer();
    expect([stale.rcode, edeOf(stale), addresses(stale).length]).toEqual([RCODE.NOERROR, 3, 2]);
    world.now += 20_000;
    const failed = await answer();
    expect([failed.rcode, edeOf(failed)]).toEqual([RCODE.SERVFAIL, 22]);
  });

  test("it recovers as soon as the host name can be looked up again", async () => {
    const { world, answer } = start(LB, { up: false });
    expect((await answer()).rcode).toBe(RCODE.SERVFAIL);
    world.up = true;
    world.now += 1_100;
    expect(addresses(await answer())).toHaveLength(2);
  });
});
