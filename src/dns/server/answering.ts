import { NO_RECORD_ZONES, type RecordZones } from "../directives/kuadrant/record-zones.ts";
import type { Plan } from "../pipeline/plan.ts";
import { compileTable, type EgressTable } from "../table.ts";
import { placesOf } from "./kept.ts";
import type { BlockData } from "./worker-messages.ts";

/**
 * What the blocks of one configuration answer from. Blocks of another one have their own: tables go by a block's place in
 * its Corefile, so that with those of another Corefile an egress name could be nobody's.
 */
export type Answering = {
  readonly plan: Plan;
  data: BlockData;
  /** What has taken over since; what was under way by then is answered here still. */
  next: Answering | undefined;
};

/** Stands in for the table of a server block without `sluice`, which nobody reads. */
const NO_TABLE = compileTable({ egressHostnames: [], gatewayPodAddresses: [] });

/** The block of another plan that serves a zone of this one at the same listener; -1 when none does. */
function heirOf(plan: Plan, index: number, other: Plan): number {
  const places = new Set(placesOf(plan, index));
  return other.servers.findIndex((_server, heir) => placesOf(other, heir).some((place) => places.has(place)));
}

/**
 * The egress table of a block. A question that was under way when another configuration took over is judged by the table
 * of the block that has its zone by then, which is kept up to date: a name that is egress by now must not be shown.
 */
export function tableOf({ plan, data, next }: Answering, index: number): EgressTable {
  const heir = next === undefined ? -1 : heirOf(plan, index, next.plan);
  if (next !== undefined && next.data.tables[heir] !== undefined) return tableOf(next, heir);
  return data.tables[index] ?? NO_TABLE;
}

/** The DNSRecords' zones of a block. */
export const recordZonesOf = ({ data }: Answering, index: number): RecordZones =>
  data.recordZones[index] ?? NO_RECORD_ZONES;

/** Takes newer data. Data that was compiled for other server blocks does not fit these, and is left alone. */
export function takeData(answering: Answering, data: BlockData): boolean {
  if (data.blocks !== answering.data.blocks) return false;
  answering.data = data;
  return true;
}
