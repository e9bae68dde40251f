import { expect, test } from "vitest";
import { escapedField } from "../../src/cel/field-escapes.ts";

test.each([
  ["a__dash__b", "a-b"],
  ["a__dot__b__dash__c", "a.b-c"],
  ["a__slash__b", "a/b"],
  ["a__underscores__b", "a__b"],
  ["plain", undefined],
  ["a__other__b", undefined],
  ["__namespace__", "namespace"],
  ["__other__", undefined],
  ["__NULL__", undefined],
  ["x__if__", undefined],
  ["__if__x", undefined],
  ["____", undefined],
])("%s means %s", (name, field) => {
  expect(escapedField(name)).toBe(field);
});

test.each(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
)("a field may be called %s", (word) => {
  expect(escapedField(`__${word}__`)).toBe(word);
});
