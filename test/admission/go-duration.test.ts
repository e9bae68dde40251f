import { describe, expect, test } from "vitest";
import { budgetMs, parseGoDuration } from "../../src/admission/go-duration.ts";

describe("a Go duration", () => {
  test.each([
    ["5s", 5000],
    ["1m30s", 90_000],
    ["1.5h", 5_400_000],
    ["250ms", 250],
    [".5s", 500],
    ["100us", 0.1],
    ["100µs", 0.1],
  ])("%s is %d ms", (text, ms) => expect(parseGoDuration(text)).toBeCloseTo(ms, 6));

  test.each(["", "5", "s", "-5s", "0s", "5s ", "1e3s", "5 s", "9".repeat(400), "1s".repeat(50)])(
    "%s is none",
    (text) => {
      expect(parseGoDuration(text)).toBeUndefined();
    },
  );
});

describe("the time for a review", () => {
  test.each([
    ["2s", 3000, 1750],
    ["10s", 3000, 2750],
    [undefined, 3000, 2750],
    [["1s", "2s"], 3000, 2750],
    ["nonsense", 3000, 2750],
    ["100ms", 3000, 50],
  ])("timeout %o of our %d ms leaves %d ms", (timeout, own, left) => expect(budgetMs(timeout, own)).toBe(left));
});
