import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createCollector } from "../../../src/dns/metrics/collect.ts";
import { METER_OCTETS } from "../../../src/dns/metrics/series.ts";
import { createSharedMeter } from "../../../src/dns/metrics/shared-meter.ts";
import type { MetricSample } from "../../../src/observe/sample.ts";

const started = (octets = METER_OCTETS) => {
  const collector = createCollector();
  const worker = () => {
    const buffer = new SharedArrayBuffer(octets);
    const { announced, retire } = collector.add(buffer);
    return { meter: createSharedMeter({ buffer, announce: announced }), retire };
  };
  const sample = (name: string, labels: Readonly<Record<string, string>> = {}): MetricSample | undefined =>
    collector.samples().find((one) => one.name === name && JSON.stringify(one.labels) === JSON.stringify(labels));
  return { collector, worker, sample };
};

const HITS = "coredns_cache_hits_total";
const ENTRIES = "coredns_cache_entries";
const DURATION = "coredns_dns_request_duration_seconds";
const DROPPED = "sluice_dns_metric_series_dropped_total";

describe("a worker's meter", () => {
  test("gives the same series for the same name and labels, in any order", () => {
    const { meter } = started().worker();
    const first = meter.counter(HITS, { server: "dns://:53", zones: "." });
    expect(meter.counter(HITS, { zones: ".", server: "dns://:53" })).toBe(first);
    expect(meter.counter(HITS, { zones: "..", server: "dns://:53" })).not.toBe(first);
  });

  test("announces each series once", () => {
    const names: string[] = [];
    const buffer = new SharedArrayBuffer(METER_OCTETS);
    const meter = createSharedMeter({ buffer, announce: ({ name, slot }) => names.push(`${name} ${slot}`) });
    for (let i = 0; i < 3; i++) meter.counter(HITS, { zones: "." });
    meter.histogram(DURATION, { zone: "." });
    meter.gauge(ENTRIES, {});
    expect(names.map((text) => text.split(" ")[0])).toEqual([HITS, DURATION, ENTRIES]);
    expect(new Set(names).size).toBe(3);
  });

  test("refuses what the catalogue does not have, and another type than it has", () => {
    const { meter } = started().worker();
    expect(() => meter.counter("coredns_made_up_total")).toThrow("the catalogue has no metric coredns_made_up_total");
    expect(() => meter.gauge(HITS)).toThrow(`${HITS} is a counter, not a gauge`);
  });

  test("shows no series that have no room, and says how many they are", () => {
    const { worker, sample } = started(40 * Float64Array.BYTES_PER_ELEMENT);
    const { meter } = worker();
    for (let i = 0; i < 100; i++) meter.counter(HITS, { zones: String(i) }).add();
    meter.histogram(DURATION).observe(1);
    const first = sample(HITS, { zones: "0" })?.value;
    const dropped = sample(DROPPED)?.value ?? 0;
    expect(first).toBe(1);
    expect(sample(HITS, { zones: "99" })).toBeUndefined();
    expect(sample(DURATION)).toBeUndefined();
    expect(dropped).toBeGreaterThan(50);
    expect(dropped).toBeLessThan(101);
  });

  test("needs some room at least", () => {
    const announce = () => undefined;
    expect(() => createSharedMeter({ buffer: new SharedArrayBuffer(8), announce })).toThrow("at least");
  });
});

describe("a histogram", () => {
  test("counts a value in every bucket whose bound is not below it", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { maxLength: 50 }), (values) => {
        const { worker, sample } = started();
        const histogram = worker().meter.histogram(DURATION);
        for (const value of values) histogram.observe(value);
        const shown = sample(DURATION);
        if (shown?.type !== "histogram") throw new Error("no histogram");
        expect(shown.value).toBe(values.length);
        expect(shown.sum).toBeCloseTo(
          values.reduce((sum, value) => sum + value, 0),
          6,
        );
        expect(shown.buckets).toHaveLength(16);
        for (const { upTo, count } of shown.buckets) {
          expect(count).toBe(values.filter((value) => value <= upTo).length);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("counts a value at its bound in the bucket, and one beyond the last only in the whole", () => {
    const { worker, sample } = started();
    const histogram = worker().meter.histogram(DURATION);
    histogram.observe(8.192);
    histogram.observe(8.193);
    const shown = sample(DURATION);
    expect(shown).toMatchObject({ value: 2, type: "histogram" });
    expect(shown?.type === "histogram" && shown.buckets.at(-1)).toEqual({ upTo: 8.192, count: 1 });
  });
});

describe("the collector", () => {
  test("adds up what workers counted, by name and labels", () => {
    const { worker, sample } = started();
    const [a, b] = [worker(), worker()];
    a.meter.counter(HITS, { zones: "." }).add();
    b.meter.counter(HITS, { zones: "." }).add(2);
    b.meter.counter(HITS, { zones: "x." }).add(5);
    expect(sample(HITS, { zones: "." })).toMatchObject({ value: 3, type: "counter" });
    expect(sample(HITS, { zones: "x." })?.value).toBe(5);
  });

  test("adds gauges up, or takes the largest where every worker finds the same", () => {
    const { worker, sample } = started();
    for (const value of [3, 4]) {
      const { meter } = worker();
      meter.gauge(ENTRIES).set(value);
      meter.gauge(ENTRIES).add(1);
      meter.gauge("coredns_hosts_entries").set(value);
    }
    expect(sample(ENTRIES)?.value).toBe(9);
    expect(sample("coredns_hosts_entries")?.value).toBe(4);
  });

  test("keeps the counts of a worker that is gone, and not its gauges", () => {
    const { worker, sample } = started();
    const first = worker();
    first.meter.counter(HITS).add(7);
    first.meter.histogram(DURATION).observe(0.001);
    first.meter.gauge(ENTRIES).set(9);
    first.retire();
    first.retire();
    expect(sample(HITS)?.value).toBe(7);
    expect(sample(DURATION)?.value).toBe(1);
    expect(sample(ENTRIES)).toBeUndefined();
    const second = worker();
    second.meter.counter(HITS).add(1);
    second.meter.histogram(DURATION).observe(0.001);
    expect(sample(HITS)?.value).toBe(8);
    expect(sample(DURATION)).toMatchObject({ value: 2, sum: 0.002 });
    expect(sample(HITS)?.value).toBe(8);
  });

  test("counts what a worker announces after its end", () => {
    const collector = createCollector();
    const buffer = new SharedArrayBuffer(METER_OCTETS);
    const worker = collector.add(buffer);
    const late: Parameters<typeof worker.announced>[0][] = [];
    createSharedMeter({ buffer, announce: (series) => late.push(series) })
      .counter(HITS)
      .add(4);
    worker.retire();
    for (const series of late) worker.announced(series);
    expect(collector.samples().find(({ name }) => name === HITS)?.value).toBe(4);
  });

  test("shows from the start what alerts look at", () => {
    const zeros = started()
      .collector.samples()
      .map(({ name, value }) => [name, value]);
    for (const name of [
      "coredns_panics_total",
      "coredns_health_request_failures_total",
      "coredns_forward_healthcheck_broken_total",
      "coredns_forward_max_concurrent_rejects_total",
      "coredns_reload_failed_total",
    ]) {
      expect(zeros).toContainEqual([name, 0]);
    }
  });
});
