import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyEdits } from "../../src/model/apply-edits.ts";
import type { FieldEdit } from "../../src/model/edit.ts";
import { valueAt } from "../../src/model/field-path.ts";

const OBJECT = { spec: { hosts: ["a", "b", "c"], text: "one two two", empty: null, nested: { deep: 1 } } };

const replaceText = (path: readonly (string | number)[], start: number, end: number, text: string): FieldEdit => ({
  op: "replace-text",
  path,
  range: { start, end },
  text,
});

describe("edits of one object", () => {
  test.each<[string, readonly FieldEdit[], unknown]>([
    ["a stretch of a text", [replaceText(["spec", "text"], 0, 3, "1")], { text: "1 two two" }],
    [
      "several stretches by the text as it was, whatever their order",
      [replaceText(["spec", "text"], 8, 11, "three"), replaceText(["spec", "text"], 0, 3, "zero and one")],
      { text: "zero and one two three" },
    ],
    ["an insertion", [replaceText(["spec", "text"], 3, 3, "!")], { text: "one! two two" }],
    ["a new value", [{ op: "set", path: ["spec", "nested", "deep"], value: [2] }], { nested: { deep: [2] } }],
    ["a field that is absent", [{ op: "set", path: ["spec", "more"], value: true }], { more: true }],
    ["the maps above it", [{ op: "set", path: ["spec", "x", "y", "z"], value: 1 }], { x: { y: { z: 1 } } }],
    ["the list above it", [{ op: "set", path: ["spec", "x", 0, "y"], value: 1 }], { x: [{ y: 1 }] }],
    ["a key without a value", [{ op: "set", path: ["spec", "empty", "x"], value: 1 }], { empty: { x: 1 } }],
    [
      "items after the last one",
      [
        { op: "set", path: ["spec", "hosts", 3], value: "d" },
        { op: "set", path: ["spec", "hosts", 4], value: "e" },
      ],
      { hosts: ["a", "b", "c", "d", "e"] },
    ],
    [
      "items that go, by their positions before",
      [
        { op: "remove", path: ["spec", "hosts", 0] },
        { op: "remove", path: ["spec", "hosts", 2] },
      ],
      { hosts: ["b"] },
    ],
    [
      "one edit that is there twice",
      [
        { op: "remove", path: ["spec", "hosts", 0] },
        { op: "remove", path: ["spec", "hosts", 0] },
      ],
      { hosts: ["b", "c"] },
    ],
    [
      "a text and a field beside it",
      [replaceText(["spec", "hosts", 1], 0, 1, "B"), { op: "remove", path: ["spec", "hosts", 0] }],
      { hosts: ["B", "c"] },
    ],
  ])("change %s", (_, edits, expected) => {
    const before = structuredClone(OBJECT);
    expect(applyEdits(OBJECT, edits)).toEqual({ spec: { ...OBJECT.spec, ...(expected as object) } });
    expect(OBJECT).toEqual(before);
  });

  test("can take a field away", () => {
    const after = applyEdits(OBJECT, [{ op: "remove", path: ["spec", "nested"] }]);
    expect(Object.keys((after as typeof OBJECT).spec)).toEqual(["hosts", "text", "empty"]);
  });

  test.each<[string, readonly FieldEdit[]]>([
    ["a stretch beyond the text", [replaceText(["spec", "text"], 5, 99, "")]],
    ["a stretch of what is no text", [replaceText(["spec", "hosts"], 0, 1, "")]],
    ["stretches across each other", [replaceText(["spec", "text"], 0, 5, ""), replaceText(["spec", "text"], 4, 6, "")]],
    ["a field that is not there to go", [{ op: "remove", path: ["spec", "none"] }]],
    ["an item beyond the end of a list", [{ op: "set", path: ["spec", "hosts", 5], value: "f" }]],
    ["a name in a list", [{ op: "set", path: ["spec", "hosts", "x"], value: 1 }]],
    ["a later item of a list that is not there", [{ op: "set", path: ["spec", "more", 1], value: 1 }]],
    ["a way through a text", [{ op: "set", path: ["spec", "text", "x"], value: 1 }]],
    ["a prototype", [{ op: "set", path: ["__proto__", "x"], value: 1 }]],
  ])("are all refused when one is %s", (_, edits) => {
    const good: FieldEdit = { op: "set", path: ["spec", "good"], value: 1 };
    expect(applyEdits(OBJECT, [good, ...edits])).toBeUndefined();
  });

  test("leave a set value where it was set, and nothing else changed", () => {
    const keys = fc.constantFrom("a", "b", "c");
    const trees = fc.dictionary(keys, fc.dictionary(keys, fc.dictionary(keys, fc.integer())));
    fc.assert(
      fc.property(trees, fc.tuple(keys, keys, keys), fc.string(), (tree, path, value) => {
        const after = applyEdits(tree, [{ op: "set", path, value }]);
        expect(valueAt(after, path)).toBe(value);
        expect(applyEdits(after, [{ op: "set", path, value }])).toEqual(after);
        const without = (root: unknown) => applyEdits(root, [{ op: "remove", path }]);
        if (valueAt(tree, path) !== undefined) expect(without(after)).toEqual(without(tree));
      }),
    );
  });
});
