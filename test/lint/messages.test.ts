import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { rules } from "../../src/lint/rules/index.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { describeMend } from "../support/mended.ts";
import { toldFinding } from "../support/told-findings.ts";
import { topologyOf } from "../support/topology-of.ts";

const HOME = `${import.meta.dirname}/../golden/rules`;

test.each(rules)("$id tells of its bad examples what its golden file says", async (rule) => {
  const told = rule.bad.map(({ name, yaml }) => {
    const topology = topologyOf(yaml);
    const findings = lintTopology(topology, { rules: [rule], profile: "strict" });
    const raws = topology.decoded.map(({ raw }) => raw);
    const lines = findings.flatMap((finding) => {
      const mended = describeMend(finding, raws);
      return [toldFinding(finding, topology), ...(mended === undefined ? [] : [`  mended: ${mended}`])];
    });
    return [`# ${name}`, ...lines].join("\n");
  });
  await expect(`${told.join("\n\n")}\n`).toMatchFileSnapshot(`${HOME}/${rule.id}.txt`);
});

test("every golden file is a rule's", () => {
  expect(readdirSync(HOME).sort()).toEqual(rules.map(({ id }) => `${id}.txt`).sort());
});

/** What no reader should see: values that were not there, objects that were not spelled, words written twice. */
const BROKEN =
  /\bundefined\b|\[object|\bNaN\b| {2}|``|\ba [aeio]|\b(a|an|and|are|as|at|by|for|in|is|it|no|of|on|or|the|to|with) \1\b/i;

test.each(rules)("$id speaks in sentences without holes", (rule) => {
  for (const { yaml } of rule.bad) {
    for (const { message, hint, related = [] } of lintTopology(topologyOf(yaml), {
      rules: [rule],
      profile: "strict",
    })) {
      for (const text of [message, hint, ...related.map((place) => place.message)]) {
        expect(text).not.toMatch(BROKEN);
        expect(text).not.toBe("");
      }
    }
  }
});
