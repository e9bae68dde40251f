import { definitionOf, type MetricDefinition } from "./catalogue.ts";
import type { Labels } from "./meter.ts";

/** Where a worker counts one series. Posted to the main thread once for each. */
export type AnnouncedSeries = {
  readonly name: string;
  readonly labels: Labels;
  /** The first of its numbers in the worker's buffer. */
  readonly slot: number;
};

/** The first number of a buffer: how many series found no room. */
export const DROPPED_SLOT = 0;

/** Octets of the buffer that one worker counts in. 65,536 numbers: a claim takes four, a zone about 250. */
export const METER_OCTETS = 65_536 * Float64Array.BYTES_PER_ELEMENT;

/** Numbers of one series. A histogram has each bucket's own, the one without a bound, then the sum. */
export const slotsOf = (definition: MetricDefinition): number =>
  definition.type === "histogram" ? definition.buckets.length + 2 : 1;

/** Series with equal name and labels have equal identities, whatever the order of the labels. */
export function seriesIdentity(name: string, labels: Labels): string {
  const keys = Object.keys(labels).sort();
  return JSON.stringify([name, ...keys.flatMap((key) => [key, labels[key]])]);
}

/** The definition of a metric of this type. Throws for another: that is a mistake of ours. */
export function definitionOfType<T extends MetricDefinition["type"]>(
  name: string,
  type: T,
): Extract<MetricDefinition, { readonly type: T }> {
  const definition = definitionOf(name);
  if (definition.type !== type) throw new Error(`${name} is a ${definition.type}, not a ${type}`);
  return definition as Extract<MetricDefinition, { readonly type: T }>;
}
