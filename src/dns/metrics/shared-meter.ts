import { CATALOGUE, type MetricDefinition } from "./catalogue.ts";
import type { Counter, Gauge, Histogram, Labels, Meter } from "./meter.ts";
import { type AnnouncedSeries, DROPPED_SLOT, definitionOfType, seriesIdentity, slotsOf } from "./series.ts";

export type SharedMeterInput = {
  /** Zeroed; of `METER_OCTETS`, or less where few series are enough. Only this meter writes to it. */
  readonly buffer: SharedArrayBuffer;
  /** Called once for each series, before anything is counted in it. */
  readonly announce: (series: AnnouncedSeries) => void;
};

/** Series without room count here, behind the number of them, and are never shown. */
const OVERFLOW_SLOT = DROPPED_SLOT + 1;
const FIRST_SLOT = OVERFLOW_SLOT + Math.max(...[...CATALOGUE.values()].map(slotsOf));

/**
 * Counts in memory that another thread reads: counting is one addition. Each number has one writer; a reader may see a
 * histogram's bucket before its sum, never half a number. A buffer that is full takes no further series: those share
 * numbers that are not shown, and `sluice_dns_metric_series_dropped_total` says how often one was asked for.
 */
export function createSharedMeter({ buffer, announce }: SharedMeterInput): Meter {
  const numbers = new Float64Array(buffer);
  if (numbers.length < FIRST_SLOT) throw new Error(`a meter needs at least ${FIRST_SLOT} numbers`);
  let next = FIRST_SLOT;
  /** Memory for a series; undefined when there is none left. */
  const place = (name: string, labels: Labels, definition: MetricDefinition): number | undefined => {
    const slot = next;
    if (slot + slotsOf(definition) > numbers.length) {
      numbers[DROPPED_SLOT] = (numbers[DROPPED_SLOT] as number) + 1;
      return undefined;
    }
    next += slotsOf(definition);
    announce({ name, labels, slot });
    return slot;
  };
  return {
    counter: seriesOfType("counter", place, (slot) => counterAt(numbers, slot)),
    gauge: seriesOfType("gauge", place, (slot) => gaugeAt(numbers, slot)),
    histogram: seriesOfType("histogram", place, (slot, { buckets }) => histogramAt(numbers, slot, buckets)),
  };
}

type Place = (name: string, labels: Labels, definition: MetricDefinition) => number | undefined;
type OfType<T extends MetricDefinition["type"]> = Extract<MetricDefinition, { readonly type: T }>;

/** Gives the series of one type, each made once. */
function seriesOfType<T extends MetricDefinition["type"], S>(
  type: T,
  place: Place,
  make: (slot: number, definition: OfType<T>) => S,
): (name: string, labels?: Labels) => S {
  const known = new Map<string, S>();
  return (name, labels = {}) => {
    const identity = seriesIdentity(name, labels);
    const found = known.get(identity);
    if (found !== undefined) return found;
    const definition = definitionOfType(name, type);
    const slot = place(name, labels, definition);
    // Not remembered: there is no end to the series that have no room.
    if (slot === undefined) return make(OVERFLOW_SLOT, definition);
    const made = make(slot, definition);
    known.set(identity, made);
    return made;
  };
}

const counterAt = (numbers: Float64Array, slot: number): Counter => ({
  add(amount = 1) {
    numbers[slot] = (numbers[slot] as number) + amount;
  },
});

const gaugeAt = (numbers: Float64Array, slot: number): Gauge => ({
  add(amount) {
    numbers[slot] = (numbers[slot] as number) + amount;
  },
  set(value) {
    numbers[slot] = value;
  },
});

function histogramAt(numbers: Float64Array, slot: number, buckets: readonly number[]): Histogram {
  const bounds = Float64Array.from(buckets);
  const sum = slot + bounds.length + 1;
  return {
    observe(value) {
      let bucket = 0;
      // Most values lie in the first buckets, which a search by halves would reach last.
      while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
      numbers[slot + bucket] = (numbers[slot + bucket] as number) + 1;
      numbers[sum] = (numbers[sum] as number) + value;
    },
  };
}
