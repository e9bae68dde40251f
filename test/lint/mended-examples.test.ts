import { describe, expect, test } from "vitest";
import { exampleText } from "../../src/lint/example-text.ts";
import { rules } from "../../src/lint/rules/index.ts";
import { mendText } from "../support/mend-text.ts";

/** Rules whose findings have one right answer, so that `sluice lint --fix` must know it. */
const MENDED = [
  "rlp-source-address-counter",
  "rlp-tokenreview-path",
  "tokenreview-identity-path",
  "auth-item-order",
  "tls-origination-wrong-port",
  "destinationrule-weak-verification",
  "missing-urlrewrite-hostname",
  "rlp-identity-not-exposed",
  "credential-guard-too-shallow",
  "auth-constant-header",
];

/** Every bad example of every rule there will ever be. */
const examples = rules.flatMap((rule) =>
  rule.bad.map(({ name, yaml }) => ({ rule, id: rule.id, name, text: exampleText(yaml) })),
);

describe("a bad example whose finding can be mended", () => {
  test.each(examples)("$id: $name is mended in its text, with nothing left that could be", async ({ rule, text }) => {
    const mended = await mendText(text, [rule]);
    expect(mended.notMended.map(({ located, reason }) => `${located.finding.message}: ${reason}`)).toEqual([]);
    const again = await mendText(mended.text, [rule]);
    expect([again.text, again.fixed]).toEqual([mended.text, 0]);
    expect(mended.text === text).toBe(mended.fixed === 0);
  });

  test.each(examples)("$id: $name keeps its line breaks when it is mended", async ({ rule, text }) => {
    const mended = await mendText(text, [rule]);
    const windows = await mendText(text.replaceAll("\n", "\r\n"), [rule]);
    expect(windows.text).toBe(mended.text.replaceAll("\n", "\r\n"));
  });
});

test.each(MENDED)("%s has an example that is mended", async (id) => {
  const own = examples.filter((example) => example.id === id);
  const fixed = await Promise.all(own.map(async ({ rule, text }) => (await mendText(text, [rule])).fixed));
  expect(Math.max(...fixed)).toBeGreaterThan(0);
});

test("all rules together leave no example worse than it was, and come to an end", async () => {
  for (const { text } of examples) {
    const mended = await mendText(text, rules);
    const again = await mendText(mended.text, rules);
    expect([again.text, again.fixed]).toEqual([mended.text, 0]);
  }
});
