import type { EgressView } from "../../model/egress.ts";
import type { Kinds } from "../../model/kinds.ts";
import { compileRecordZones } from "../directives/kuadrant/compile-record-zones.ts";
import { tableOptionsOf } from "../directives/sluice/table-options.ts";
import { type Plan, settingsOf } from "../pipeline/plan.ts";
import { compileTable } from "../table.ts";
import type { BlockData } from "./worker-messages.ts";

/** What the resolver answers from, as the sources have it. */
export type ResolverData = {
  readonly view: EgressView;
  /** Whether `view` is complete; until then names are not answered, lest a real address comes through. */
  readonly synced: boolean;
  /** Where `view` comes from. */
  readonly source: "watch" | "snapshot";
  /** Objects that `kuadrant` serves. */
  readonly records: readonly Kinds["DNSRecord"][];
  /** The only namespaces whose records count (Kuadrant's WATCH_NAMESPACES); empty: all. */
  readonly recordNamespaces: readonly string[];
  /** The cluster's domain for server blocks that name none. */
  readonly clusterDomain: string;
  /** Addresses besides this machine's under which others reach this resolver, such as its Service's ClusterIP. */
  readonly ownAddresses?: readonly string[];
};

export type CompiledBlockData = {
  readonly data: BlockData;
  /** What of the objects is not served, a sentence each. */
  readonly problems: readonly string[];
};

/** Compiles what each server block answers from; `blocks` is the plan's generation. Pure. */
export function compileBlockData(
  plan: Plan,
  input: ResolverData,
  { version, blocks }: Pick<BlockData, "version" | "blocks">,
): CompiledBlockData {
  const { view, synced, clusterDomain, records, recordNamespaces } = input;
  const tables = plan.servers.map((server) => {
    const [settings] = settingsOf(server, "sluice");
    if (settings === undefined) return undefined;
    return compileTable(view, { clusterDomain, ...tableOptionsOf(settings), version, synced });
  });
  const zones = plan.servers.map((server) => {
    const [settings] = settingsOf(server, "kuadrant");
    if (settings === undefined) return undefined;
    return compileRecordZones(records, settings.zones, { version, synced, namespaces: recordNamespaces });
  });
  return {
    data: { version, blocks, tables, recordZones: zones.map((compiled) => compiled?.recordZones) },
    problems: [...new Set(zones.flatMap((compiled) => compiled?.problems ?? []))],
  };
}
