import { describe, expect, test } from "vitest";
import { makePlan } from "../../../src/dns/pipeline/plan.ts";
import { inheritKept, NOTHING_KEPT } from "../../../src/dns/server/kept.ts";
import { serversOf } from "../support/resolver.ts";

const planOf = (corefile: string) => makePlan(serversOf(corefile.replaceAll(";", "\n")));
const A = ". { ; whoami ; }";
const ON_54 = ".:54 { ; whoami ; }";

/** For each block of the second Corefile the place of the block of the first whose keepings it has; undefined: none. */
function heirs(before: string, after: string): (number | undefined)[] {
  const first = inheritKept(planOf(before), NOTHING_KEPT);
  const second = inheritKept(planOf(after), first);
  return second.blocks.map((kept) => {
    const place = first.blocks.indexOf(kept);
    return place === -1 ? undefined : place;
  });
}

describe("what is kept over a reload", () => {
  test.each([
    ["stays with the same block", A, A, [0]],
    ["stays when the block gets another port", A, ". .:54 { ; whoami ; }", [0]],
    ["stays when the block loses a port", ". .:54 { ; whoami ; }", A, [0]],
    ["follows the zone and port when blocks change places", `${A};${ON_54}`, `${ON_54};${A}`, [1, 0]],
    ["is not given to another port of the same zone", A, ON_54, [undefined]],
    ["is not given to another zone of the same port", A, "a.test { ; whoami ; }", [undefined]],
    [
      "goes to one heir when a block is divided",
      ". a.test { ; whoami ; }",
      `a.test { ; whoami ; };${A}`,
      [0, undefined],
    ],
  ])("%s", (_what, before, after, expected) => {
    expect(heirs(before, after)).toEqual(expected);
  });

  test("blocks of the same zone on different ports keep nothing together", () => {
    const { blocks } = inheritKept(planOf(`${A};${ON_54}`), NOTHING_KEPT);
    expect(blocks[0]).not.toBe(blocks[1]);
  });
});
