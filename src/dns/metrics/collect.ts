import type { MetricSample, SampleSource } from "../../observe/sample.ts";
import { CATALOGUE, definitionOf, type MetricDefinition } from "./catalogue.ts";
import type { Labels } from "./meter.ts";
import { type AnnouncedSeries, DROPPED_SLOT, seriesIdentity, slotsOf } from "./series.ts";

/** One meter's side of the collector. */
export type CountedMeter = {
  /** Takes note of a series of the meter. */
  announced(series: AnnouncedSeries): void;
  /**
   * The meter's thread is gone. What it counted stays, so that no counter goes backwards; its gauges end with it.
   * Announcements that come later still count.
   */
  retire(): void;
};

/** Adds up what meters counted. */
export type Collector = {
  /** A meter that counts in `buffer`: one for each start of each worker, or the main thread's own. */
  add(buffer: SharedArrayBuffer): CountedMeter;
  readonly samples: SampleSource;
};

/** One series over all meters. */
type Total = { readonly definition: MetricDefinition; readonly labels: Labels; readonly numbers: Float64Array };

const DROPPED = "sluice_dns_metric_series_dropped_total";

/** Makes a collector. `samples` reads the numbers at the moment of the call. */
export function createCollector(): Collector {
  /** What meters that are gone have counted, by identity of the series. */
  const kept = new Map<string, Total>();
  const meters = new Set<Meter>();
  return {
    add(buffer) {
      const meter: Meter = { numbers: new Float64Array(buffer), series: [] };
      let retired = false;
      meters.add(meter);
      return {
        announced(series) {
          if (retired) addSeries(kept, meter, series, false);
          else meter.series.push(series);
        },
        retire() {
          if (retired) return;
          retired = true;
          meters.delete(meter);
          addMeter(kept, meter, false);
        },
      };
    },
    samples() {
      const totals = new Map<string, Total>(
        [...kept].map(([identity, total]) => [identity, { ...total, numbers: total.numbers.slice() }]),
      );
      for (const meter of meters) addMeter(totals, meter, true);
      for (const definition of CATALOGUE.values()) {
        if (definition.type === "counter" && definition.fromStart) totalOf(totals, definition, {});
      }
      return [...totals.values()].map(sampleOf);
    },
  };
}

type Meter = { readonly numbers: Float64Array; readonly series: AnnouncedSeries[] };

function addMeter(totals: Map<string, Total>, meter: Meter, gauges: boolean): void {
  for (const series of meter.series) addSeries(totals, meter, series, gauges);
  const dropped = totalOf(totals, definitionOf(DROPPED), {}).numbers;
  dropped[0] = (dropped[0] as number) + (meter.numbers[DROPPED_SLOT] as number);
}

function addSeries(totals: Map<string, Total>, meter: Meter, series: AnnouncedSeries, gauges: boolean): void {
  const definition = definitionOf(series.name);
  if (definition.type === "gauge" && !gauges) return;
  const { numbers } = totalOf(totals, definition, series.labels);
  const largest = definition.type === "gauge" && definition.combine === "largest";
  for (let index = 0; index < numbers.length; index++) {
    const value = meter.numbers[series.slot + index] as number;
    const before = numbers[index] as number;
    numbers[index] = largest ? Math.max(before, value) : before + value;
  }
}

function totalOf(totals: Map<string, Total>, definition: MetricDefinition, labels: Labels): Total {
  const identity = seriesIdentity(definition.name, labels);
  const found = totals.get(identity);
  if (found !== undefined) return found;
  const made = { definition, labels, numbers: new Float64Array(slotsOf(definition)) };
  totals.set(identity, made);
  return made;
}

function sampleOf({ definition, labels, numbers }: Total): MetricSample {
  const { name, help } = definition;
  if (definition.type !== "histogram")
    return { name, help, type: definition.type, labels, value: numbers[0] as number };
  let count = 0;
  const buckets = definition.buckets.map((upTo, index) => {
    count += numbers[index] as number;
    return { upTo, count };
  });
  const value = count + (numbers[buckets.length] as number);
  return { name, help, type: "histogram", labels, value, sum: numbers[buckets.length + 1] as number, buckets };
}
