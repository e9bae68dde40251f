import { describe, expect, test } from "vitest";
import { makePlan } from "../../../src/dns/pipeline/plan.ts";
import { type Answering, tableOf, takeData } from "../../../src/dns/server/answering.ts";
import { compileBlockData } from "../../../src/dns/server/block-data.ts";
import { serversOf, testData } from "../support/resolver.ts";
import { claim, viewOf } from "../support/views.ts";

/** The blocks of a Corefile, of one generation, answering from claims on these names. */
function answeringOf(corefile: string, blocks: number, ...names: readonly string[]): Answering {
  const plan = makePlan(serversOf(corefile.replaceAll(";", "\n")));
  return { plan, data: dataOf(plan, blocks, ...names), next: undefined };
}

const dataOf = (plan: Answering["plan"], blocks: number, ...names: readonly string[]): Answering["data"] =>
  compileBlockData(plan, testData(viewOf(...names.map((name) => claim(name)))), { version: blocks, blocks }).data;

const ROOT = ". { ; sluice ; whoami ; }";
const A = "a.test { ; sluice ; whoami ; }";

describe("what is under way when another configuration takes over", () => {
  test("is judged by the newest table of the block that has its zone by then", () => {
    const before = answeringOf(ROOT, 1, "x.test");
    const after = answeringOf(`${A};${ROOT}`, 3, "x.test", "y.test");
    expect(tableOf(before, 0).counts.names).toBe(1);
    before.next = after;
    expect(tableOf(before, 0)).toBe(after.data.tables[1]);
    const newest = dataOf(after.plan, 3, "x.test", "y.test", "z.test");
    expect(takeData(after, newest)).toBe(true);
    expect(tableOf(before, 0)).toBe(newest.tables[1]);
  });

  test("is judged by the last one over several reloads", () => {
    const [first, second, third] = [ROOT, `${A};${ROOT}`, ROOT].map((text, index) =>
      answeringOf(text, index, "x.test"),
    );
    if (first === undefined || second === undefined || third === undefined) throw new Error("three were made");
    first.next = second;
    second.next = third;
    expect(tableOf(first, 0)).toBe(third.data.tables[0]);
  });

  test.each([
    ["its zone is served no more", A],
    ["its zone is steered no more", ". { ; whoami ; }"],
    ["its zone is on another port", ".:54 { ; sluice ; whoami ; }"],
  ])("is judged by its own table when %s", (_when, corefile) => {
    const before = answeringOf(ROOT, 1, "x.test");
    const own = before.data.tables[0];
    before.next = answeringOf(corefile, 3);
    expect(tableOf(before, 0)).toBe(own);
  });
});

test("data of other server blocks is not taken", () => {
  const answering = answeringOf(ROOT, 1, "x.test");
  const { data } = answering;
  expect(takeData(answering, answeringOf(`${A};${ROOT}`, 3).data)).toBe(false);
  expect(answering.data).toBe(data);
});
