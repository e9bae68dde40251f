import { describe, expect, test } from "vitest";
import { budgetMs } from "../../src/admission/time-budget.ts";

describe("the time for a review", () => {
  test.each([
    ["2s", 3000, 1750],
    ["10s", 3000, 2750],
    [undefined, 3000, 2750],
    [["1s", "2s"], 3000, 2750],
    ["nonsense", 3000, 2750],
    ["0s", 3000, 2750],
    ["-1s", 3000, 2750],
    ["100ms", 3000, 50],
  ])("timeout %o of our %d ms leaves %d ms", (timeout, own, left) => expect(budgetMs(timeout, own)).toBe(left));
});
