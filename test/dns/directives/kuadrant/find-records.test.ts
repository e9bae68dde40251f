import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drawRecord } from "../../../../src/dns/directives/kuadrant/find-records.ts";
import type { RecordSet } from "../../../../src/dns/directives/kuadrant/record-zones.ts";
import { createRandomInteger } from "../../../../src/dns/upstream/random.ts";

const setOf = (weights: readonly number[]): RecordSet => ({
  ttlSeconds: 60,
  data: weights.map((_, index) => Uint8Array.of(index)),
  weights,
});

describe("a draw by weight", () => {
  test("is always one of the set, and never of weight 0 where another is not", () => {
    const integer = fc.integer({ min: 0, max: 0xffff });
    const weights = fc.array(fc.oneof(fc.constant(0), integer), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(weights, integer, integer, (given, high, low) => {
        const drawn = [low, high];
        const index = drawRecord(setOf(given), () => drawn.pop() ?? 0);
        expect(given[index]).toBeDefined();
        if (given.some((weight) => weight > 0)) expect(given[index]).toBeGreaterThan(0);
      }),
    );
  });

  test.each([
    [
      [1, 3],
      [0.25, 0.75],
    ],
    [
      [65_535, 65_535],
      [0.5, 0.5],
    ],
    [
      [0, 0, 0],
      [1 / 3, 1 / 3, 1 / 3],
    ],
  ])("of %j falls as often as %j", (weights, shares) => {
    const random = createRandomInteger();
    const counts = weights.map(() => 0);
    const draws = 20_000;
    for (let turn = 0; turn < draws; turn++) {
      const index = drawRecord(setOf(weights), random);
      counts[index] = (counts[index] ?? 0) + 1;
    }
    // Five standard deviations and more.
    for (const [index, share] of shares.entries())
      expect(Math.abs((counts[index] ?? 0) / draws - share)).toBeLessThan(0.02);
  });

  test("is the first of a set without weights", () => {
    expect(drawRecord({ ttlSeconds: 60, data: [Uint8Array.of(1), Uint8Array.of(2)] }, () => 1)).toBe(0);
  });
});
