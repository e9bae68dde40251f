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
  const table = tables.reduce<EgressTable | undefined>(
    (largest, one) =>
      one !== undefined && (largest === undefined || one.counts.names > largest.counts.names) ? one : largest,
    undefined,
  );
  const { names, closed, conflicts } = table?.counts ?? { names: 0, closed: 0, conflicts: 0 };
  return [
    gauge("sluice_dns_table_names", names - closed, { state: "active" }),
    gauge("sluice_dns_table_names", closed, { state: "closed" }),
    gauge("sluice_dns_table_names", conflicts, { state: "conflict" }),
    gauge("sluice_dns_table_version", version),
    gauge("sluice_dns_table_age_seconds", ageSeconds),
    gauge("sluice_dns_table_source", source === "watch" ? 1 : 0, { source: "watch" }),
    gauge("sluice_dns_table_source", source === "snapshot" ? 1 : 0, { source: "snapshot" }),
    gauge("sluice_dns_loop_detected", looping ? 1 : 0),
  ];
}
