import { describe, expect, test } from "vitest";
import { parseExpression } from "../../src/cel/parse.ts";
import { namesOf } from "../../src/cel/path.ts";
import { EPHEMERAL_PORT, isTainted, type TaintSources, taintOf } from "../../src/cel/taint.ts";

const taint = (text: string, sources: TaintSources = EPHEMERAL_PORT) => {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problems[0]?.message}`);
  return taintOf(parsed.value, sources);
};

const addressIn = (call: string): string => `source.address.${call}`;

describe("a value that varies with the client's port", () => {
  test.each([
    "source.address",
    'source["address"]',
    "source['address']",
    "(source).address",
    "source.?address.orValue('')",
    "source[?'address'].orValue('')",
    "source.port",
    "source",
    "string(source)",
    "'client-' + source.address",
    "source.address + '-' + request.method",
    "[source.address]",
    "{'a': source.address}",
    "{source.address: 'a'}",
    "string(source.port)",
    "source.address.lowerAscii()",
    "source.address.upperAscii()",
    "source.address.trim()",
    "bytes(source.address)",
    "optional.of(source.address).value()",
    "optional.ofNonZeroValue(source.address).orValue('x')",
    "optional.none().or(optional.of(source.address)).value()",
    "hash(source.address)",
    "request.method == 'GET' ? source.address : 'x'",
    "request.method == 'GET' ? 'x' : source['address']",
    "source.port + 1",
    "source.port % 10",
    "-source.port",
    "source.address.split(':')",
    "source.address.split(':')[1]",
    "source.address.split(':')[-1]",
    "source.address.split(':')[size(request.path)]",
    "source.address.split(':').join('-')",
    "source.address.split(':').map(p, p)",
    "source.address.split(':').filter(p, p != '')",
    "source.address.split(':', 1)[0]",
    "source.address.split(request.method)[0]",
    "source.address.split(',')[0]",
    "source.address.split('.')[3]",
    "string(source.port).split(':')[0]",
    "source.address.substring(3)",
    "source.address.substring(0, 12)",
    "source.address.substring(0, request.path.lastIndexOf(':'))",
    "source.address.substring(1, source.address.lastIndexOf(':'))",
    "source.address.substring(0, source.address.lastIndexOf('.'))",
    "source.address.replace('.', '-')",
    "source.address.replace(':' + string(destination.port), '')",
    "source.address.replace(':' + string(source.port), source.address)",
    "[source][0].address",
    "{'a': source}.a.address",
    "cel.bind(s, source, s.address)",
    "cel.bind(a, source.address, a + 'x')",
    "[1].map(i, source.address)",
  ])("%s", (text) => {
    expect(isTainted(taint(text))).toBe(true);
    expect(taint(text).from.every((path) => namesOf(path)[0] === "source")).toBe(true);
  });
});

describe("a value that does not vary with the client's port", () => {
  test.each([
    "'x'",
    "request.method",
    "auth.identity.username",
    "source.remote_address",
    "source.principal",
    "source.address == '10.0.0.1:80' ? 'a' : 'b'",
    "source.port > 1000 ? 'high' : 'low'",
    "source.address != 'x'",
    "source.address < 'x'",
    "source.address in ['a']",
    "source.address == 'a' && source.port == 1",
    "source.address == 'a' || source.port == 1",
    "!(source.port == 1)",
    addressIn("contains('10.')"),
    addressIn("startsWith('10.')"),
    addressIn("endsWith(':80')"),
    addressIn("matches('^10')"),
    "has(source.address)",
    "[source.address].all(a, a != '')",
    "[source.address].exists(a, a == '')",
    "[source.address].exists_one(a, a == '')",
    "size(source.address)",
    addressIn("size()"),
    addressIn("indexOf(':')"),
    addressIn("lastIndexOf(':')"),
    addressIn("split(':')[0]"),
    addressIn("lowerAscii().split(':')[0]"),
    "string(source.address).split(':')[0]",
    "source['address'].split(':')[0]",
    "source.?address.orValue('').split(':')[0]",
    addressIn("split(':', 2)[0]"),
    addressIn("split(':', 3)[0]"),
    addressIn("split('.')[0]"),
    "source.address.split('.')[0] + '.' + source.address.split('.')[1]",
    addressIn("substring(0, source.address.lastIndexOf(':'))"),
    addressIn("substring(0, source.address.indexOf(':'))"),
    "source['address'].substring(0, source.address.lastIndexOf(':'))",
    addressIn("replace(':' + string(source.port), '')"),
    "cel.bind(a, source.address, a.split(':')[0])",
    "cel.bind(source, 'x', source.address)",
    "['a'].map(source, source)",
  ])("%s", (text) => {
    expect(taint(text)).toEqual({ variation: "clean", from: [] });
  });
});

describe("taintOf", () => {
  test("names every path that brings the variation, with its range", () => {
    const text = "request.method == 'GET' ? source.address : source['address']";
    const spelt = taint(text).from.map(({ start, end }) => text.slice(start, end));
    expect(spelt).toEqual(["source.address", "source['address']"]);
  });

  test("takes other sources, with functions that bound them", () => {
    const perRequest: TaintSources = {
      variationOf: (path) => (namesOf(path).join(".") === "request.time" ? "tainted" : "clean"),
      boundedFunctions: new Set(["getHours"]),
    };
    expect(isTainted(taint("string(request.time)", perRequest))).toBe(true);
    expect(isTainted(taint("string(request.time.getHours())", perRequest))).toBe(false);
    expect(isTainted(taint("source.address", perRequest))).toBe(false);
  });
});
