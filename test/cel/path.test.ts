import { describe, expect, test } from "vitest";
import { parseExpression } from "../../src/cel/parse.ts";
import { formatAttributePath, namesOf, startsWithNames } from "../../src/cel/path.ts";
import { AUTHORINO_PRESENCE, callUses, pathUses, wasmPresence } from "../../src/cel/path-uses.ts";

const treeOf = (text: string) => {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problems[0]?.message}`);
  return parsed.value;
};

const usesOf = (text: string) => pathUses(treeOf(text), AUTHORINO_PRESENCE);

describe("the attribute paths of an expression", () => {
  test.each([
    ["source.address", ["source.address"]],
    ['source["address"]', ['source["address"]']],
    ["source['address']", ["source['address']"]],
    ["(source).address", ["(source).address"]],
    ["source.?address.orValue('')", ["source.?address"]],
    ["source[?'address'].orValue('')", ["source[?'address']"]],
    ["string(source.address).split(':')[0]", ["source.address"]],
    [
      "request.method == 'GET' ? source.address : source['address']",
      ["request.method", "source.address", "source['address']"],
    ],
    ["[source.address, auth.identity]", ["source.address", "auth.identity"]],
    ["{source.address: request.host}", ["source.address", "request.host"]],
    ["request.headers.exists(h, h == source.address)", ["request.headers", "source.address"]],
    ["['a'].map(source, source.address)", []],
    ["['a'].all(v, v == source.address && v != '')", ["source.address"]],
    ["cel.bind(s, source, s.address)", ["source"]],
    ["{'a': source}.a.address", ["source"]],
    ["[source][0].address", ["source"]],
    ["request.headers[auth.identity.header]", ["request.headers[auth.identity.header]", "auth.identity.header"]],
    ["!has(auth.metadata.x.data)", ["has(auth.metadata.x.data)"]],
    ["optional.of(request.headers['x']).orValue('')", ["request.headers['x']"]],
    ["request.headers.x-team", ["request.headers.x", "team"]],
    ["'x' in request.headers", ["request.headers"]],
  ])("%s", (text, expected) => {
    expect(usesOf(text).map(({ path }) => text.slice(path.start, path.end))).toEqual(expected);
  });

  test("keep the names, the form and the place of every segment", () => {
    const text = 'auth.?identity["user"][0][i]';
    const [use] = usesOf(text);
    const seen = use?.path.segments.map((segment) => [
      segment.name,
      segment.access,
      segment.optional,
      text.slice(segment.start, segment.end),
    ]);
    expect(seen).toEqual([
      ["auth", "root", false, "auth"],
      ["identity", "dot", true, "identity"],
      ["user", "index", false, '"user"'],
      ["0", "index", false, "0"],
      ["", "dynamic", false, "i"],
    ]);
  });

  test("tell a test from a read", () => {
    expect(usesOf("has(auth.identity.uid) ? auth.identity.uid : ''").map(({ path }) => path.test)).toEqual([
      true,
      false,
    ]);
  });

  test("are written back in one spelling", () => {
    expect(usesOf('request["headers"].?x[0]').map(({ path }) => formatAttributePath(path))).toEqual([
      "request['headers'].x[0]",
    ]);
  });

  test("compare by name, whatever the form, and never through a computed index", () => {
    const [indexed] = usesOf("auth['identity'].user");
    const [computed] = usesOf("auth[auth.key].user");
    expect(indexed && startsWithNames(indexed.path, "auth", "identity")).toBe(true);
    expect(computed && startsWithNames(computed.path, "auth", "")).toBe(false);
    expect(computed && namesOf(computed.path)).toEqual(["auth", "", "user"]);
  });
});

/** Whether the last read of the header `x` is certain to find it. */
const isGuarded = (text: string, rules: "wasm" | "authorino" = "wasm"): boolean => {
  const tree = treeOf(text);
  const uses = pathUses(tree, rules === "wasm" ? wasmPresence(tree) : AUTHORINO_PRESENCE);
  const read = uses.findLast(({ path }) => startsWithNames(path, "request", "headers", "x"));
  return read?.present.has(JSON.stringify(["request", "headers", "x"])) ?? false;
};

describe("a header that is certainly present", () => {
  test.each([
    "'x' in request.headers ? request.headers['x'] : 'none'",
    "('x' in request.headers) ? request.headers.x : 'none'",
    "!('x' in request.headers) ? 'none' : request.headers['x']",
    "'x' in request.headers && request.method == 'GET' ? request.headers['x'] : 'none'",
    "!('x' in request.headers) || request.method == 'GET' ? 'none' : request.headers['x']",
    "'x' in request.headers && request.headers['x'] == 'a' ? 'a' : 'b'",
    "request.headers['x'] == 'a' && 'x' in request.headers ? 'a' : 'b'",
    "!('x' in request.headers) || request.headers['x'] == 'a' ? 'a' : 'b'",
    "'x' in request.headers ? 'v-' + request.headers['x'].lowerAscii() : 'none'",
    "'x' in request.headers ? (request.method == 'GET' ? request.headers['x'] : 'b') : 'none'",
    "request.headers.exists(h, h == 'x') ? request.headers['x'] : 'none'",
    "request.headers.exists(h, 'x' == h) ? request.headers['x'] : 'none'",
    "request.headers.x != null ? request.headers.x : 'none'",
    "null == request.headers.x ? 'none' : request.headers.x",
    "request.headers.x == 'gold' ? request.headers.x : 'none'",
    "has(request.headers.x) ? request.headers['x'] : 'none'",
  ])("%s", (text) => {
    expect(isGuarded(text)).toBe(true);
  });

  test.each([
    "request.headers['x']",
    "'y' in request.headers ? request.headers['x'] : 'none'",
    "'x' in request.headers ? 'none' : request.headers['x']",
    "'x' in request.headers || request.method == 'GET' ? request.headers['x'] : 'none'",
    "'x' in request.headers == false ? request.headers['x'] : 'none'",
    "request.headers.x == null ? request.headers.x : 'none'",
    "has(request.headers.x) ? request.headers.x : 'none'",
    "request.headers.all(h, h == 'x') ? request.headers['x'] : 'none'",
    "('x' in request.headers ? 'a' : 'b') + request.headers['x']",
  ])("not in %s", (text) => {
    expect(isGuarded(text)).toBe(false);
  });

  test("in Authorino is proved by has()", () => {
    expect(isGuarded("has(request.headers.x) ? request.headers.x : 'none'", "authorino")).toBe(true);
  });

  test("has a counterpart for fields of a body", () => {
    const tree = treeOf("requestBodyJSON('/model') != null ? requestBodyJSON('/model') : 'none'");
    const present = callUses(tree, wasmPresence(tree)).map((use) => [...use.present]);
    expect(present).toEqual([[], ["requestBodyJSON /model"]]);
  });
});
