import { isIP } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clientOf } from "../../../src/dns/server/client.ts";
import { compileTable, type EgressTable } from "../../../src/dns/table.ts";
import { decodeObject } from "../../../src/model/decode.ts";
import { buildTopology } from "../../../src/model/topology.ts";
import { encodeQuery } from "../support/dns-client.ts";
import { type InProcess, startInProcess } from "../support/in-process.ts";
import { extendedErrors, type ReplyText, replyText } from "../support/reply-text.ts";

type GivenAddress = { readonly type?: string; readonly value?: unknown };

const HOST = "api.openai.com";

/** A Gateway as a controller could have written it. */
const gatewayWith = (addresses: readonly GivenAddress[]): object => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: {
    name: "egress",
    namespace: "gateway-system",
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels: { "sluice.dev/egress-gateway": "true" },
  },
  spec: { gatewayClassName: "istio", listeners: [{ name: "openai", hostname: HOST, port: 80, protocol: "HTTP" }] },
  status: {
    addresses,
    listeners: [{ name: "openai", attachedRoutes: 1, supportedKinds: [], conditions: [] }],
  },
});

const ROUTE = {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name: "openai", namespace: "gateway-system" },
  spec: { parentRefs: [{ name: "egress" }], hostnames: [HOST] },
};

let table: EgressTable;
let block: InProcess;

beforeAll(async () => {
  // Whatever is forwarded is seen: the upstream is a name that answers here with a real address.
  block = await startInProcess(
    '.:53 {\nsluice\ntemplate IN ANY . {\nanswer "{{ .Name }} 60 IN A 6.6.6.9"\n}\n}',
    () => table,
  );
});
afterAll(() => block.close());

const UDP = clientOf("10.0.0.9", 4242, "udp", "10.0.0.1");

async function ask(addresses: readonly GivenAddress[], type: string): Promise<ReplyText> {
  const outcomes = [gatewayWith(addresses), ROUTE].map(decodeObject);
  table = compileTable(buildTopology(outcomes.flatMap((one) => (one.status === "decoded" ? [one.decoded] : []))));
  const reply = await block.ask(encodeQuery({ name: HOST, type, edns: { size: 1_232 } }), UDP);
  if (reply === undefined) throw new Error("no reply");
  return replyText(reply);
}

const BAD: readonly (readonly [string, string])[] = [
  ["unspecified", "0.0.0.0"],
  ["of this network", "0.1.2.3"],
  ["unspecified, IPv6", "::"],
  ["loopback", "127.0.0.1"],
  ["loopback, another", "127.255.255.254"],
  ["loopback, IPv6", "::1"],
  ["loopback, written out", "0:0:0:0:0:0:0:1"],
  ["loopback, IPv4-mapped", "::ffff:127.0.0.1"],
  ["loopback, IPv4-mapped in hexadecimal", "::ffff:7f00:1"],
  ["loopback, IPv4-compatible (RFC 4291 section 2.5.5.1)", "::127.0.0.1"],
  ["unspecified, IPv4-mapped", "::ffff:0.0.0.0"],
  ["link-local", "169.254.169.254"],
  ["link-local, IPv4-mapped", "::ffff:169.254.169.254"],
  ["link-local, IPv6", "fe80::1"],
  ["link-local with a zone", "fe80::1%eth0"],
  ["multicast", "224.0.0.1"],
  ["multicast, IPv6", "ff02::1"],
  ["broadcast", "255.255.255.255"],
  ["nothing", ""],
  ["a blank", " "],
  ["with blanks around", " 10.96.10.10 "],
  ["with a port", "10.96.10.10:443"],
  ["a network", "10.96.10.0/24"],
  ["three parts", "10.96.10"],
  ["octal", "010.096.010.010"],
  ["one number", "174066186"],
  ["hexadecimal", "0x0a600a0a"],
  ["too large", "10.96.10.256"],
  ["two of them", "10.96.10.10,10.96.10.11"],
  ["with a zero octet", "10.96.10.10\0"],
  ["with digits of another script", "１０.96.10.10"],
  ["a host name", "lb.example.com"],
  ["very long", "1".repeat(100_000)],
];

test.each(BAD)("an address that is %s closes the gateway, and nothing is forwarded", async (_title, value) => {
  for (const type of ["A", "AAAA", "HTTPS", "MX", "ANY"]) {
    const reply = await ask([{ type: "IPAddress", value }], type);
    expect([type, reply.rcode, reply.answer, extendedErrors(reply)]).toEqual([type, "SERVFAIL", [], [14]]);
  }
});

test.each(BAD)("a good address is shown although another is %s, and only that", async (_title, value) => {
  const reply = await ask([{ type: "IPAddress", value }, { value: "10.96.10.10" }], "A");
  expect(reply.answer).toEqual([`${HOST}. 5 A 10.96.10.10`]);
  expect((await ask([{ type: "IPAddress", value }, { value: "10.96.10.10" }], "AAAA")).answer).toEqual([]);
});

test.each([
  ["a number", 5],
  ["null", null],
  ["an object", { a: 1 }],
  ["a list", ["10.96.10.10"]],
])(
  "a value that is %s never becomes an address, nor is the name forwarded when the object is read",
  async (_title, value) => {
    const outcome = decodeObject(gatewayWith([{ type: "IPAddress", value }]));
    if (outcome.status === "decoded") expect((await ask([{ type: "IPAddress", value }], "A")).answer).toEqual([]);
    else expect(outcome.status).not.toBe("decoded");
  },
);

test("an address of an unknown type closes the gateway", async () => {
  expect((await ask([{ type: "example.com/Named", value: "10.96.10.10" }], "A")).rcode).toBe("SERVFAIL");
});

test("an IPv4-mapped address is an A record, never an AAAA", async () => {
  const mapped = [{ type: "IPAddress", value: "::ffff:10.96.10.10" }];
  expect((await ask(mapped, "A")).answer).toEqual([`${HOST}. 5 A 10.96.10.10`]);
  expect((await ask(mapped, "AAAA")).answer).toEqual([]);
});

test("of thousands of addresses as many are shown as fit one datagram, without truncation", async () => {
  const many = Array.from({ length: 5_000 }, (_, index) => ({ value: `10.97.${index >> 8}.${index & 255}` }));
  const reply = await ask(many, "A");
  expect(reply.answer.length).toBeGreaterThan(50);
  expect(reply.length).toBeLessThanOrEqual(1_232);
  expect(reply.flags).not.toContain("tc");
  expect(new Set(reply.answer).size).toBe(reply.answer.length);
});

test("whatever the addresses are, only usable ones among them are shown, and without any the name is closed", async () => {
  const value = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom(...BAD.map(([, bad]) => bad).filter((bad) => bad.length < 100)),
    fc.string({ unit: "binary", maxLength: 40 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(value, { maxLength: 12 }), async (values) => {
      const given = values.map((one) => ({ type: "IPAddress", value: one }));
      const [a, aaaa] = [await ask(given, "A"), await ask(given, "AAAA")];
      const shown = [...a.answer, ...aaaa.answer].map((record) => record.split(" ")[3] ?? "");
      for (const address of shown) {
        expect(isIP(address)).not.toBe(0);
        expect(address).not.toMatch(
          /^(?:0|127|22[4-9]|23\d)\.|^169\.254\.|^::$|^::1$|^fe[89ab][0-9a-f]:|^ff[0-9a-f]{2}:|^6\.6\.6\.9$/i,
        );
      }
      if (shown.length === 0) expect([a.rcode, aaaa.rcode]).toEqual(["SERVFAIL", "SERVFAIL"]);
    }),
    { numRuns: 500 },
  );
});
