import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { rules } from "../../src/lint/rules/index.ts";
import { dependencesOf } from "../support/varied-examples.ts";

const HOME = `${import.meta.dirname}/../golden/rule-changes`;

test.each(rules)("$id depends on the fields of its examples as its golden file says", async (rule) => {
  await expect(dependencesOf(rule)).toMatchFileSnapshot(`${HOME}/${rule.id}.txt`);
});

test("every golden file is a rule's", () => {
  expect(readdirSync(HOME).sort()).toEqual(rules.map(({ id }) => `${id}.txt`).sort());
});
