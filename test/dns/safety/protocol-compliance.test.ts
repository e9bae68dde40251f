import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askTcp, askUdp, encodeQuery, framed, type TestQuery } from "../support/dns-client.ts";
import { type ReplyText, replyText } from "../support/reply-text.ts";
import { startTestResolver, type TestResolver } from "../support/resolver.ts";
import { startTestUpstream, type TestUpstream } from "../support/test-upstream.ts";
import { claim, viewOf } from "../support/views.ts";

/** What public testers of DNS servers ask (RFC 8906 section 8), of each kind of name that the resolver has. */
const NAMES = [
  ["an egress name", "api.openai.com", "10.96.10.10", 5],
  ["a forwarded name", "x.example", "192.0.2.1", 60],
  ["a name served here", "local.test", "192.0.2.7", 3600],
] as const;

let upstream: TestUpstream;
let resolver: TestResolver;

beforeAll(async () => {
  upstream = await startTestUpstream({
    zone: [
      "example. 60 SOA ns.example. root.example. 1 60 60 60 60",
      "x.example. 60 A 192.0.2.1",
      "large.example. 60 A 192.0.2.1",
    ],
    behaviours: { "large.example.": { pad: 40 } },
  });
  resolver = await startTestResolver([upstream.port], {
    lines: "hosts {\n192.0.2.7 local.test\nfallthrough\n}",
    view: viewOf(claim("api.openai.com")),
  });
});
afterAll(async () => {
  await resolver.close();
  await upstream.close();
});

type Transport = "udp" | "tcp";

async function send(message: Buffer, transport: Transport = "udp"): Promise<Buffer> {
  const { port } = resolver;
  const reply =
    transport === "udp" ? await askUdp(message, { port }) : (await askTcp([framed(message)], 1, { port }))[0];
  if (reply === undefined) throw new Error("no reply");
  return reply;
}

const ask = async (query: TestQuery, transport?: Transport): Promise<ReplyText> =>
  replyText(await send(encodeQuery(query), transport));

/** The second header word is another one. */
function withFlags(message: Buffer, flags: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(flags, 2);
  return copy;
}

const OPT_OCTETS = 11;
const UNKNOWN_OPTION = { code: 100, data: "0102" };
const PLAIN_OPT = { version: 0, size: 1232, do: false, options: [] };

describe.each(NAMES)("%s", (_kind, name, address, ttl) => {
  const answered = { rcode: "NOERROR", answer: [`${name}. ${ttl} A ${address}`] };

  test.each<[string, TestQuery["edns"], object]>([
    ["no EDNS (RFC 1035, RFC 6891 section 7)", null, { ...answered, edns: null }],
    ["EDNS version 0 (RFC 6891 section 6.1)", {}, { ...answered, edns: PLAIN_OPT }],
    ["DO is repeated (RFC 3225 section 3)", { do: true }, { ...answered, edns: { ...PLAIN_OPT, do: true } }],
    [
      "an unknown option is ignored (RFC 6891 section 6.1.2)",
      { options: [UNKNOWN_OPTION] },
      { ...answered, edns: PLAIN_OPT },
    ],
    [
      "options of other hops are not repeated (RFC 7873, RFC 7871)",
      {
        options: [
          { code: 10, data: "0102030405060708" },
          { code: 8, data: "00011800c00002" },
        ],
      },
      { ...answered, edns: PLAIN_OPT },
    ],
    [
      "version 1 is BADVERS (RFC 6891 section 6.1.3)",
      { version: 1 },
      { rcode: "BADVERS", answer: [], edns: PLAIN_OPT },
    ],
    [
      "version 1 with an unknown option (RFC 8906 section 8.2.4)",
      { version: 1, options: [UNKNOWN_OPTION] },
      { rcode: "BADVERS", answer: [], edns: PLAIN_OPT },
    ],
    [
      "version 255 with DO",
      { version: 255, do: true },
      { rcode: "BADVERS", answer: [], edns: { ...PLAIN_OPT, do: true } },
    ],
    ["a size below 512 counts as 512 (RFC 6891 section 6.2.3)", { size: 0 }, { ...answered, edns: PLAIN_OPT }],
    ["a size of 65535", { size: 65_535 }, { ...answered, edns: PLAIN_OPT }],
  ])("%s, over UDP and TCP", async (_title, edns, expected) => {
    expect(await ask({ name, ...(edns && { edns }) })).toMatchObject(expected);
    expect(await ask({ name, ...(edns && { edns }) }, "tcp")).toMatchObject(expected);
  });

  test("EDNS flags besides DO are ignored and come back as zero (RFC 6891 section 6.1.4)", async () => {
    const message = encodeQuery({ name, edns: {} });
    message.writeUInt16BE(0x7fff, message.length - 4);
    const reply = await send(message);
    expect(replyText(reply)).toMatchObject(answered);
    expect(reply.readUInt16BE(reply.length - 4)).toBe(0);
  });

  test("two OPT records are FORMERR (RFC 6891 section 6.1.1)", async () => {
    const message = encodeQuery({ name, edns: {} });
    const twice = Buffer.concat([message, message.subarray(message.length - OPT_OCTETS)]);
    twice.writeUInt16BE(2, 10);
    expect(replyText(await send(twice)).rcode).toBe("FORMERR");
  });

  test("an OPT with an owner is FORMERR (RFC 6891 section 6.1.2)", async () => {
    const message = encodeQuery({ name, edns: {} });
    const at = message.length - OPT_OCTETS;
    const owned = Buffer.concat([message.subarray(0, at), Buffer.from([0xc0, 12]), message.subarray(at + 1)]);
    expect(replyText(await send(owned)).rcode).toBe("FORMERR");
  });

  test.each(["TYPE1000", "TYPE65280", "TYPE666"])(
    "the unknown type %s has no data (RFC 3597, RFC 8906 section 8.1.2)",
    async (type) => {
      expect(await ask({ name, type })).toMatchObject({ rcode: "NOERROR", answer: [] });
    },
  );

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])(
    "opcode %i is NOTIMP, without the question (RFC 8906 section 8.1.4)",
    async (opcode) => {
      const reply = await send(withFlags(encodeQuery({ name }), 0x0100 | (opcode << 11)));
      expect([reply.length, reply.readUInt16BE(0)]).toEqual([12, 0x1234]);
      expect(reply.readUInt16BE(2)).toBe(0x8180 | (opcode << 11) | 4);
    },
  );

  test.each([
    ["nothing", 0x0000, []],
    ["RD", 0x0100, ["rd"]],
    ["AA", 0x0400, []],
    ["TC", 0x0200, []],
    ["RA", 0x0080, []],
    ["Z", 0x0040, []],
    ["AD", 0x0020, []],
    ["CD", 0x0010, ["cd"]],
    ["an rcode", 0x0003, []],
    ["all of them", 0x07ff, ["rd", "cd"]],
  ])(
    "with the header bit %s it is answered, only RD and CD are repeated and Z is clear (RFC 8906 section 8.1.3)",
    async (_title, flags, repeated) => {
      const reply = await send(withFlags(encodeQuery({ name }), flags));
      expect(replyText(reply)).toMatchObject(answered);
      expect(replyText(reply).flags.filter((flag) => flag === "rd" || flag === "cd")).toEqual(repeated);
      expect(reply.readUInt16BE(2) & 0x0240).toBe(0);
    },
  );

  test("a reply (QR) is not answered (RFC 8906 section 8.1.3, RFC 5452)", async () => {
    const { port } = resolver;
    const reply = encodeQuery({ name, flags: ["qr", "rd"] });
    expect(await askUdp(reply, { port, timeoutMilliseconds: 150 })).toBeUndefined();
    const both = await askTcp([framed(reply), framed(encodeQuery({ name, id: 7 }))], 1, { port });
    expect(both.map((one) => one.readUInt16BE(0))).toEqual([7]);
  });

  test.each(["CH", "HS"])("class %s is refused (RFC 8906 section 8.1.1)", async (klass) => {
    expect(await ask({ name, class: klass })).toMatchObject({ rcode: "REFUSED", answer: [] });
  });

  test("zone transfers are refused over TCP (RFC 5936 section 2.2.1)", async () => {
    expect(await ask({ name, type: "AXFR" }, "tcp")).toMatchObject({ rcode: "REFUSED", answer: [] });
  });

  test("the question comes back octet for octet, its case too (RFC 1035 section 4.1.2, RFC 4343)", async () => {
    const message = encodeQuery({ name: name.toUpperCase() });
    expect((await send(message)).subarray(12, message.length).equals(message.subarray(12))).toBe(true);
  });
});

describe("an answer that is too large", () => {
  test.each([
    ["no EDNS (RFC 1035 section 4.2.1)", null, 512],
    ["EDNS with 512", { size: 512 }, 512],
    ["EDNS with 1400: no more than 1232 (RFC 9715)", { size: 1_400 }, 1_232],
  ])(
    "%s: TC, nothing half, and all of it over TCP (RFC 2181 section 9, RFC 7766 section 5)",
    async (_title, edns, limit) => {
      const query = { name: "large.example", type: "TXT", ...(edns && { edns }) };
      const short = await ask(query);
      expect(short).toMatchObject({ rcode: "NOERROR", answer: [] });
      expect(short.flags).toContain("tc");
      expect(short.length).toBeLessThanOrEqual(limit);
      const whole = await ask(query, "tcp");
      expect(whole.flags).not.toContain("tc");
      expect(whole.answer).toHaveLength(40);
    },
  );
});
