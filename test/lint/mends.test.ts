import { describe, expect, test } from "vitest";
import { rules } from "../../src/lint/rules/index.ts";
import { formatPath } from "../../src/model/field-path.ts";
import type { Finding } from "../../src/model/finding.ts";
import { identityOf } from "../../src/model/object-ref.ts";
import { describeMend, findIn, mend, mendAll } from "../support/mended.ts";
import { objectsOf } from "../support/topology-of.ts";

const placeOf = ({ rule, object, path, range }: Finding): string =>
  `${rule} ${identityOf(object)} ${formatPath(path)} ${range?.start ?? ""}`;

/**
 * Errors by rule and object: a mend may move one, as when an item of a list goes. What is only not in view is left out:
 * an example has no other files.
 */
const errorsOf = (findings: readonly Finding[]): readonly string[] =>
  findings
    .filter(({ severity, scope }) => severity === "error" && scope !== "absence")
    .map(({ rule, object }) => `${rule} ${identityOf(object)}`);

const mendable = rules.filter((rule) => rule.bad.some(({ finds }) => finds.some(({ mended }) => mended !== undefined)));

test("many rules mend something", () => {
  expect(mendable.length).toBeGreaterThanOrEqual(20);
});

describe.each(rules)("$id", (rule) => {
  test.each(rule.bad)("mends what its example says and nothing else: $name", ({ yaml, finds }) => {
    const raws = objectsOf(yaml);
    const found = findIn(raws, [rule]);
    expect(found.map((finding) => describeMend(finding, raws))).toEqual(finds.map(({ mended }) => mended));
  });
});

describe.each(mendable)("the mend of $id", (rule) => {
  test.each(rule.bad)("takes the finding away and brings no error: $name", ({ yaml }) => {
    const raws = objectsOf(yaml);
    const before = findIn(raws, rules);
    for (const finding of findIn(raws, [rule])) {
      if (finding.mend === undefined) continue;
      const after = mend(finding, raws);
      expect(after).not.toEqual(raws);
      expect(findIn(after, [rule]).map(placeOf)).not.toContain(placeOf(finding));
      expect(findIn(after, [rule]).length).toBeLessThan(findIn(raws, [rule]).length);
      const known = new Set(errorsOf(before));
      expect(errorsOf(findIn(after, rules)).filter((error) => !known.has(error))).toEqual([]);
    }
  });

  test.each(rule.bad)("is made once: $name", ({ yaml }) => {
    const once = mendAll(objectsOf(yaml), [rule]);
    expect(mendAll(once, [rule])).toEqual(once);
  });

  test("says in the imperative what it does, without showing a value twice", () => {
    for (const { yaml } of rule.bad) {
      for (const finding of findIn(objectsOf(yaml), [rule])) {
        if (finding.mend === undefined) continue;
        expect(finding.mend.title).toMatch(
          /^(?:add|close|compare|drop|give|move|read|remove|select|set|target|test|trim|write) .*[^.]$/,
        );
        expect(finding.mend.title.length).toBeLessThanOrEqual(120);
      }
    }
  });
});
