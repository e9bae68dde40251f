import { expect, test } from "vitest";
import { pathKey } from "../../src/cel/path.ts";
import { type StaticType, staticType } from "../../src/cel/static-type.ts";
import { parsed } from "./parsed.ts";

/** `n` is a number, `s` a text; of other paths nothing is known. */
const KNOWN: Readonly<Record<string, StaticType>> = { '["n"]': "number", '["s"]': "string" };
const typeOf = (text: string): StaticType => staticType(parsed(text), (path) => KNOWN[pathKey(path)] ?? "unknown");

test.each<readonly [StaticType, string]>([
  ["bool", "contains startsWith endsWith matches hasValue bool"],
  ["number", "size int uint double indexOf lastIndexOf"],
  ["number", "getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear"],
  ["number", "getHours getMinutes getSeconds getMilliseconds"],
  ["string", "string charAt join lowerAscii upperAscii trim replace substring format"],
  ["list", "split"],
  ["bytes", "bytes"],
  ["duration", "duration"],
  ["timestamp", "timestamp"],
  ["unknown", "value orValue first last reverse anything"],
])("%s is what these give: %s", (type, names) => {
  const found = names.split(" ").map((name) => [name, typeOf(`a.${name}(b)`)]);
  expect(found).toEqual(names.split(" ").map((name) => [name, type]));
});

test.each<readonly [StaticType, readonly string[]]>([
  ["string", ["strings.quote(a)", "s + a", "a + s", "s + s", "dyn(s)", "a ? s : s", "'a'"]],
  ["number", ["n", "n - a", "a * b", "a / b", "a % b", "-a", "1u", "1", "1.5", "n + a", "dyn(n)"]],
  ["not-bool", ["a - n", "a - b", "a + b", "s - s"]],
  ["bytes", ["b'a'", "b'a' + a"]],
  ["null", ["null"]],
  ["list", ["[a] + b", "[1].map(a, b)", "[1].filter(a, b)", "[1].transformList(a, b, c)"]],
  ["map", ["{}", "m.transformMap(a, b, c)"]],
  [
    "optional",
    [
      "optional.of(a)",
      "optional.none()",
      "optional.ofNonZeroValue(a)",
      "a.or(b)",
      "a.optMap(b, c)",
      "a.optFlatMap(b, c)",
    ],
  ],
  ["optional", ["a.?b", "f(a).?b", "a[?b]", "f(a)[?b]", "a.?b.c", "[a][?0]"]],
  ["bool", ["has(a.b)", "has(f(a).b)", "m.all(a, b)", "m.exists(a, b)", "m.exists_one(a, b)", "!n", "true"]],
  ["bool", ["a == b", "a != b", "a < b", "a <= b", "a > b", "a >= b", "a in b", "a && b", "a || b"]],
  ["number", ["cel.bind(a, b, n)"]],
  [
    "unknown",
    ["cel.bind(n, b, n)", "a ? s : n", "or(a)", "dyn()", "f(a).b", "f(a)[b]", "[a][0]", "[1].map(n, n)[0]", "m"],
  ],
])("%s is the type of %j", (type, texts) => {
  expect(texts.map((text) => [text, typeOf(text)])).toEqual(texts.map((text) => [text, type]));
});
