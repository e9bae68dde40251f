import fc from "fast-check";
import { expect, test } from "vitest";
import { createLatencyHistogram } from "../../src/cli/latency-histogram.ts";

test("every quantile is that of the sorted latencies, within one percent", () => {
  const latencies = fc.array(fc.double({ min: 0, max: 3_600_000, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(latencies, fc.double({ min: 0, max: 1, noNaN: true }), (values, fraction) => {
      const histogram = createLatencyHistogram();
      for (const value of values) histogram.record(value);
      const sorted = values.toSorted((a, b) => a - b);
      const exact = sorted[Math.max(1, Math.ceil(fraction * values.length)) - 1] as number;
      const found = histogram.quantile(fraction);
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact * 0.01 + 0.001);
      expect(histogram.quantile(1)).toBe(histogram.max());
    }),
  );
});

test("an empty one has no latencies, and what is too long counts as the longest", () => {
  const histogram = createLatencyHistogram();
  expect([histogram.count(), histogram.quantile(0.5), histogram.max()]).toEqual([0, 0, 0]);
  histogram.record(1e12);
  expect(histogram.max()).toBe((2 ** 32 - 1) / 1_000);
});
