import { describe, expect, test } from "vitest";
import { availability } from "../../src/cel/attributes.ts";
import { parseExpression } from "../../src/cel/parse.ts";
import { namesOf } from "../../src/cel/path.ts";
import { staticType } from "../../src/cel/static-type.ts";

const typeOf = (text: string, engine: "wasm" | "authorino" = "authorino") => {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problems[0]?.message}`);
  return staticType(parsed.value, (path) => {
    const found = availability(engine, namesOf(path));
    return found.status === "available" ? found.type : "unknown";
  });
};

describe("the certain type of an expression", () => {
  test.each([
    ["bool", ["true", "a == b", "a in b", "!a", "a && b", "a || b", "a < b", "has(a.b)", "a.contains('x')"]],
    [
      "bool",
      ["a.matches('x')", "a.all(v, v)", "a.exists(v, v)", "a.exists_one(v, v)", "request.host == 'x' ? a == b : !c"],
    ],
    [
      "string",
      ["'x'", "a + 'x'", "'x' + a", "string(a)", "a.lowerAscii()", "a.substring(1)", "a.join(',')", "request.method"],
    ],
    [
      "string",
      ["request.headers['x']", "request.headers.x", "auth.identity.user.username", "a ? 'x' : 'y'", "dyn('x')"],
    ],
    ["number", ["1", "1.5", "size(a)", "a.size()", "-a", "a * b", "1 + a", "source.port", "int(a)", "a.indexOf('x')"]],
    ["list", ["[a]", "a.split(':')", "a.map(v, v)", "a.filter(v, v)", "auth.identity.user.groups", "[a] + b"]],
    ["map", ["{'a': b}", "request.headers", "auth.identity.user.extra"]],
    ["message", ["request", "source", "auth.identity.user"]],
    ["null", ["null"]],
    ["optional", ["a.?b", "a[?'b']", "optional.of(a)", "a.?b.or(c)", "a.?b.c"]],
    ["duration", ["duration('1s')"]],
    ["bytes", ["b'x'", "bytes(a)"]],
    ["not-bool", ["a + b", "a - b"]],
    [
      "unknown",
      ["a", "a.b", "a[0]", "f(a)", "a ? 'x' : 1", "a.?b.orValue('x')", "auth.identity.claims.admin", "auth.metadata.x"],
    ],
    ["bool", ["cel.bind(v, a, v == 1)"]],
    ["unknown", ["cel.bind(request, a, request)"]],
  ])("is %s", (type, texts) => {
    expect(texts.map((text) => [text, typeOf(text)])).toEqual(texts.map((text) => [text, type]));
  });

  test("of what a filter publishes is not known in the gateway", () => {
    expect(typeOf("auth.identity.user.username", "wasm")).toBe("unknown");
    expect(typeOf("auth.identity", "wasm")).toBe("map");
  });
});
