import type { Decision } from "../../decide.ts";
import type { GuardEvent } from "../../guard.ts";
import type { Counter, Meter } from "../../metrics/meter.ts";
import type { EgressEntry, EgressTable } from "../../table.ts";
import { TYPE } from "../../wire/codes.ts";

/** What the `sluice` directive counts. Labels hold gateways and listeners, never a name that was asked for. */
export type EgressCounts = {
  decision(decision: Decision, type: number, table: EgressTable): void;
  guarded(events: readonly GuardEvent[]): void;
  gatewayClient(): void;
  /** A rewritten name that would have led past the table. */
  rewritten(): void;
};

const RESULTS = ["steered", "nodata", "passthrough", "closed"] as const;
type Result = (typeof RESULTS)[number];

/** Pairs of gateway and listener that are counted apart; later ones share one series. Bounds the label set. */
const MAX_CLAIMS = 512;

const resultOf = (decision: Decision): Result | undefined => {
  if (decision.action === "passthrough") return "passthrough";
  if (decision.action === "resolve") return "steered";
  if (decision.action === "fail") return decision.entry === undefined ? undefined : "closed";
  if (decision.action === "forward") return undefined;
  return decision.reason === "steered" || decision.alias !== undefined ? "steered" : "nodata";
};

const preventedCounters = (meter: Meter) => {
  const kind = (name: string): Counter => meter.counter("sluice_dns_bypass_prevented_total", { kind: name });
  return {
    aaaa: kind("aaaa"),
    https: kind("https"),
    cname: kind("cname"),
    additional: kind("additional"),
    svcb_target: kind("svcb_target"),
    rewrite: kind("rewrite"),
  };
};

/** The counters of one claim, in the order of RESULTS. */
type ClaimCounters = { readonly [R in Result]: Counter };

export function createEgressCounts(meter: Meter): EgressCounts {
  const prevented = preventedCounters(meter);
  const skipped = meter.counter("sluice_dns_guard_skipped_total", { kind: "wildcard_cname" });
  const gatewayClients = meter.counter("sluice_dns_gateway_client_queries_total");
  const claims = new Map<string, ClaimCounters>();
  let known = new Map<EgressEntry, ClaimCounters>();
  let counted: EgressTable | undefined;
  const countersOf = (entry: EgressEntry, table: EgressTable): ClaimCounters => {
    if (counted !== table) {
      counted = table;
      known = new Map();
    }
    const found = known.get(entry);
    if (found !== undefined) return found;
    const counters = claimCounters(meter, claims, entry);
    known.set(entry, counters);
    return counters;
  };
  return {
    decision(decision, type, table) {
      const result = resultOf(decision);
      if (result === undefined || !("entry" in decision) || decision.entry === undefined) return;
      countersOf(decision.entry, table)[result].add();
      if (result !== "nodata" || (decision.action === "answer" && decision.reason === "search-expansion")) return;
      if (type === TYPE.AAAA) prevented.aaaa.add();
      if (type === TYPE.HTTPS || type === TYPE.SVCB) prevented.https.add();
    },
    guarded(events) {
      for (const event of events) (event === "wildcard_cname" ? skipped : prevented[event]).add();
    },
    gatewayClient: () => gatewayClients.add(),
    rewritten: () => prevented.rewrite.add(),
  };
}

function claimCounters(meter: Meter, claims: Map<string, ClaimCounters>, entry: EgressEntry): ClaimCounters {
  const own = { gateway: `${entry.gateway.namespace}/${entry.gateway.name}`, listener: entry.listener };
  const full = claims.size >= MAX_CLAIMS && !claims.has(`${own.gateway} ${own.listener}`);
  const labels = full ? { gateway: "other", listener: "other" } : own;
  const name = `${labels.gateway} ${labels.listener}`;
  const made = claims.get(name) ?? {
    steered: meter.counter("sluice_dns_egress_total", { ...labels, result: "steered" }),
    nodata: meter.counter("sluice_dns_egress_total", { ...labels, result: "nodata" }),
    passthrough: meter.counter("sluice_dns_egress_total", { ...labels, result: "passthrough" }),
    closed: meter.counter("sluice_dns_egress_total", { ...labels, result: "closed" }),
  };
  claims.set(name, made);
  return made;
}
