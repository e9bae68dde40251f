import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileRecordZones } from "../../../../src/dns/directives/kuadrant/compile-record-zones.ts";
import type { RecordZone } from "../../../../src/dns/directives/kuadrant/record-zones.ts";
import { typeName } from "../../../../src/dns/wire/codes.ts";
import { nameText } from "../../../../src/dns/wire/name.ts";
import type { Kinds } from "../../../../src/model/kinds.ts";
import { dnsRecord, type EndpointFields } from "./dns-records.ts";

const compile = (...endpoints: readonly EndpointFields[]) => compileRecordZones([dnsRecord(endpoints)], ["k.test."]);

/** `name TYPE ttl hex,hex [weights]`, a line each; a name without records alone. */
function linesOf(zone: RecordZone | undefined): readonly string[] {
  return [...(zone?.nodes ?? [])].flatMap(([name, node]) =>
    node.size === 0
      ? [nameText(name)]
      : [...node].map(([type, { ttlSeconds, data, weights }]) => {
          const hex = data.map((octets) => Buffer.from(octets).toString("hex")).join(",");
          return `${nameText(name)} ${typeName(type)} ${ttlSeconds} ${hex}${weights ? ` ${weights.join(",")}` : ""}`;
        }),
  );
}

const linesFor = (...endpoints: readonly EndpointFields[]): readonly string[] => {
  const { zones } = compile(...endpoints).recordZones;
  return linesOf(zones.get("\x01k\x04test")).filter((line) => line !== "k.test.");
};
const weighted = (target: string, weight: string, recordType = "CNAME"): EndpointFields => ({
  dnsName: "a.k.test",
  recordType,
  targets: [target],
  providerSpecific: [{ name: "weight", value: weight }],
});

describe("an endpoint becomes records", () => {
  test.each([
    ["addresses", { recordType: "A", targets: ["10.0.0.1", "10.0.0.2"] }, ["a.k.test. A 60 0a000001,0a000002"]],
    [
      "addresses of the other family, as what they are",
      { recordType: "A", targets: ["2001:db8::5", "::ffff:10.0.0.1"] },
      ["a.k.test. AAAA 60 20010db8000000000000000000000005", "a.k.test. A 60 0a000001"],
    ],
    ["an address twice", { recordType: "A", targets: ["10.0.0.1", "10.0.0.1"] }, ["a.k.test. A 60 0a000001"]],
    ["an alias", { recordType: "CNAME", targets: ["B.k.test."] }, ["a.k.test. CNAME 60 0162016b047465737400"]],
    [
      "servers",
      { recordType: "NS", targets: ["b.test", "c.test"] },
      ["a.k.test. NS 60 0162047465737400,0163047465737400"],
    ],
    ["texts, in one record", { recordType: "TXT", targets: ["ab", "é"] }, ["a.k.test. TXT 60 02616202c3a9"]],
    ["a TTL", { recordType: "A", targets: ["10.0.0.1"], recordTTL: 7 }, ["a.k.test. A 7 0a000001"]],
    ["a TTL below zero", { recordType: "A", targets: ["10.0.0.1"], recordTTL: -7 }, ["a.k.test. A 0 0a000001"]],
    ["nothing usable, and the name exists", { recordType: "A", targets: ["nonsense"] }, ["a.k.test."]],
    ["nothing at all, and the name exists", { recordType: "TXT" }, ["a.k.test."]],
  ])("%s", (_what, endpoint, expected) => {
    expect(linesFor({ dnsName: "A.k.test", ...endpoint })).toEqual(expected);
  });

  test("a text of more than 255 octets is cut into strings", () => {
    const [line] = linesFor({ dnsName: "a.k.test", recordType: "TXT", targets: ["x".repeat(300)] });
    expect(line).toBe(`a.k.test. TXT 60 ff${"78".repeat(255)}2d${"78".repeat(45)}`);
  });

  test("records of one name and type have the smallest of their TTLs", () => {
    const of = (target: string, recordTTL: number) => ({
      dnsName: "a.k.test",
      recordType: "A",
      targets: [target],
      recordTTL,
    });
    expect(linesFor(of("10.0.0.1", 60), of("10.0.0.2", 30))).toEqual(["a.k.test. A 30 0a000001,0a000002"]);
  });

  test("names above an endpoint exist, and a wildcard stands under its own name", () => {
    expect(linesFor({ dnsName: "*.b.c.k.test", recordType: "A", targets: ["10.0.0.1"] })).toEqual([
      "*.b.c.k.test. A 60 0a000001",
      "b.c.k.test.",
      "c.k.test.",
    ]);
  });

  test.each(["0.0.0.0", "::", "127.0.0.1", "169.254.1.1", "fe80::1", "224.0.0.1", "10.0.0", ""])(
    "'%s' is never an address",
    (target) => {
      const { problems } = compile({ dnsName: "a.k.test", recordType: "A", targets: [target] });
      expect(linesFor({ dnsName: "a.k.test", recordType: "A", targets: [target] })).toEqual(["a.k.test."]);
      expect(problems).toEqual([expect.stringContaining(`DNSRecord dns/records: a.k.test A: `)]);
    },
  );
});

describe("weights", () => {
  test.each([
    ["of aliases are kept", [weighted("b.test", "10"), weighted("c.test", "30")], " 10,30"],
    ["of 0 take an alias out", [weighted("b.test", "0"), weighted("c.test", "30")], ""],
    ["of 0 count where there is no other", [weighted("b.test", "0"), weighted("c.test", "0")], " 0,0"],
    ["that are no numbers are 0", [weighted("b.test", "-1"), weighted("c.test", "x")], " 0,0"],
    ["above 65535 are 65535", [weighted("b.test", "99999999"), weighted("c.test", "1")], " 65535,1"],
    [
      "of addresses are kept",
      [weighted("10.0.0.1", "5", "A"), weighted("10.0.0.2", "0", "A"), weighted("10.0.0.3", "6", "A")],
      " 5,6",
    ],
  ])("%s", (_what, endpoints, expected) => {
    expect(linesFor(...endpoints)[0]?.replace(/^\S+ \S+ \S+ \S+/, "")).toBe(expected);
  });

  test("aliases without any are as likely as each other", () => {
    const alias = (target: string) => ({ dnsName: "a.k.test", recordType: "CNAME", targets: [target] });
    expect(linesFor(alias("b.test"), alias("c.test"))[0]).toMatch(/ 1,1$/);
  });
});

describe("what is left out is told", () => {
  test.each([
    [{ dnsName: "a.other.test", recordType: "A", targets: ["10.0.0.1"] }, "a.other.test lies outside its zone"],
    [{ dnsName: "a b.k.test", recordType: "A", targets: ["10.0.0.1"] }, "'a b.k.test' is no domain name"],
    [{ dnsName: "a.k.test", recordType: "SRV", targets: ["1 1 1 b.test"] }, "a.k.test is of type 'SRV': A, AAAA"],
    [{ dnsName: "a.k.test", recordType: "CNAME", targets: ["10.0.0.1"] }, "'10.0.0.1' is no host name"],
    [{ dnsName: "a.k.test", recordType: "CNAME", targets: ["*.b.test"] }, "'*.b.test' is no host name"],
    [
      { dnsName: "a.k.test", recordType: "CNAME", targets: ["b.test", "c.test"] },
      "an alias has one target, the other 1",
    ],
    [{ dnsName: "a.k.test", recordType: "TXT", targets: ["x".repeat(70_000)] }, "the text is longer than 60000 octets"],
  ])("%j", (endpoint, problem) => {
    expect(compile(endpoint).problems).toEqual([expect.stringContaining(problem)]);
  });
});

describe("a record is served in a zone", () => {
  const endpoint = { dnsName: "a.k.test", recordType: "A", targets: ["10.0.0.1"] };
  const served = (record: Kinds["DNSRecord"], zones: readonly string[], namespaces?: readonly string[]): boolean =>
    compileRecordZones([record], zones, namespaces && { namespaces }).recordZones.zones.size > 0;

  test.each([
    ["its label names", "k.test", ["k.test."], true],
    ["its label names in other case", "K.Test", ["k.test."], true],
    ["that is another than the label's", "k.test", ["test."], false],
    ["only if it has the label", undefined, ["k.test."], false],
    ["only if a directive serves it", "k.test", [], false],
  ])("%s", (_what, label, zones, expected) => {
    expect(served(dnsRecord([endpoint], { label }), zones)).toBe(expected);
  });

  test.each([
    [undefined, true],
    [[], true],
    [["dns", "other"], true],
    [["other"], false],
  ])("with the watched namespaces %j: %s", (namespaces, expected) => {
    expect(served(dnsRecord([endpoint]), ["k.test."], namespaces)).toBe(expected);
  });

  test("several of one zone are joined, and keep the version that is given", () => {
    const other = dnsRecord([{ ...endpoint, targets: ["10.0.0.2"] }]);
    const { recordZones } = compileRecordZones([dnsRecord([endpoint]), other], ["k.test"], {
      version: 9,
      synced: false,
    });
    expect(recordZones).toMatchObject({ version: 9, synced: false });
    expect(linesOf(recordZones.zones.get("\x01k\x04test"))).toContain("a.k.test. A 60 0a000001,0a000002");
  });
});

test("record zones survive being sent to a thread", () => {
  const { recordZones } = compile(
    { dnsName: "a.k.test", recordType: "A", targets: ["10.0.0.1"] },
    weighted("b.test", "1"),
  );
  expect(structuredClone(recordZones)).toEqual(recordZones);
});

test("whatever an object holds, it is compiled", () => {
  const type = fc.constantFrom("A", "AAAA", "CNAME", "TXT", "NS", "SRV", "");
  const target = fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.domain());
  const endpoint = fc.record(
    {
      dnsName: fc.oneof(fc.string(), fc.constantFrom("a.k.test", "*.k.test", "k.test", "*.a.k.test")),
      recordType: type,
      recordTTL: fc.integer(),
      targets: fc.array(target),
      providerSpecific: fc.array(fc.record({ name: fc.constant("weight"), value: fc.string() })),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.array(endpoint), (endpoints) => {
      const { recordZones } = compileRecordZones([dnsRecord(endpoints)], ["k.test"]);
      for (const { nodes } of recordZones.zones.values()) {
        for (const set of [...nodes.values()].flatMap((node) => [...node.values()])) {
          expect(set.data.length).toBeGreaterThan(0);
          expect(set.weights?.length ?? set.data.length).toBe(set.data.length);
        }
      }
    }),
  );
});
