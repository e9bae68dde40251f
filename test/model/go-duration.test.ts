import { describe, expect, test } from "vitest";
import { formatGoDuration, parseGoDuration } from "../../src/model/go-duration.ts";

describe("a Go duration", () => {
  test.each([
    ["5s", 5000],
    ["1m30s", 90_000],
    ["1.5h", 5_400_000],
    ["250ms", 250],
    [".5s", 500],
    ["100us", 0.1],
    ["100µs", 0.1],
    ["0", 0],
    ["0s", 0],
    ["-5s", -5000],
    ["+5s", 5000],
  ])("%s is %d ms", (text, ms) => expect(parseGoDuration(text)).toBeCloseTo(ms, 6));

  test.each(["", "-", "5", "s", "5s ", "1e3s", "5 s", "300y", "9".repeat(400), `${"9".repeat(20)}h`, "1s".repeat(50)])(
    "%s is none",
    (text) => {
      expect(parseGoDuration(text)).toBeUndefined();
    },
  );
});

describe("a printed Go duration", () => {
  test.each([
    [300, "300ms"],
    [1.5, "1.5ms"],
    [1000, "1s"],
    [1500, "1.5s"],
    [30_000, "30s"],
    [60_000, "1m0s"],
    [300_000, "5m0s"],
    [5_400_000, "1h30m0s"],
  ])("of %d ms is %s, and is read as the same", (ms, text) => {
    expect(formatGoDuration(ms)).toBe(text);
    expect(parseGoDuration(text)).toBeCloseTo(ms, 6);
  });
});
