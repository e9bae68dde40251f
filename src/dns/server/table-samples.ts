import type { MetricSample } from "../../observe/sample.ts";
import { definitionOf } from "../metrics/catalogue.ts";
import type { EgressTable } from "../table.ts";
import type { ResolverData } from "./block-data.ts";
import type { Configuration } from "./worker-messages.ts";

export type TableSampleInput = {
  readonly configuration: Configuration;
  readonly source: ResolverData["source"];
  /** Since the table was replaced. */
  readonly ageSeconds: number;
  readonly looping: boolean;
};

const gauge = (name: string, value: number, labels: Readonly<Record<string, string>> = {}): MetricSample => ({
  name,
  help: definitionOf(name).help,
  type: "gauge",
  labels,
  value,
});

/** What the egress table holds, as series. Several server blocks with `sluice` share one set of names: the largest counts. */
export function tableSamples({
  configuration,
  source,
  ageSeconds,
  looping,
}: TableSampleInput): readonly MetricSample[] {
  const { tables, version } = configuration.data;
  const sizeOf = (table: EgressTable): number => table.exact.size + table.wildcard.size;
  const table = tables.reduce<EgressTable | undefined>(
    (largest, one) => (one !== undefined && (largest === undefined || sizeOf(one) > sizeOf(largest)) ? one : largest),
    undefined,
  );
  const entries = table === undefined ? [] : [...table.exact.values(), ...table.wildcard.values()];
  const closed = entries.filter((entry) => entry.status === "closed").length;
  const conflict = entries.filter((entry) => entry.losers.length > 0).length;
  return [
    gauge("sluice_dns_table_names", entries.length - closed, { state: "active" }),
    gauge("sluice_dns_table_names", closed, { state: "closed" }),
    gauge("sluice_dns_table_names", conflict, { state: "conflict" }),
    gauge("sluice_dns_table_version", version),
    gauge("sluice_dns_table_age_seconds", ageSeconds),
    gauge("sluice_dns_table_source", source === "watch" ? 1 : 0, { source: "watch" }),
    gauge("sluice_dns_table_source", source === "snapshot" ? 1 : 0, { source: "snapshot" }),
    gauge("sluice_dns_loop_detected", looping ? 1 : 0),
  ];
}
