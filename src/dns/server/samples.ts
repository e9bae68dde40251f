import type { MetricSample } from "../../observe/sample.ts";
import type { EgressTable } from "../table.ts";
import { rcodeName } from "../wire/codes.ts";
import type { Family, Protocol } from "./client.ts";
import {
  type ClaimSlots,
  COUNTED_PLUGINS,
  COUNTED_PREVENTED,
  COUNTED_RCODES,
  COUNTED_RESULTS,
  COUNTED_RETRIES,
  COUNTED_TYPES,
  COUNTER_COUNT,
  type CountedSingle,
  MAX_CLAIM_SLOTS,
  slotOf,
} from "./counters.ts";

/** What the series are made from, at the moment of a scrape. */
export type SampleInput = {
  /** Each worker's counters, those of workers that are gone included. */
  readonly counters: readonly Float64Array[];
  readonly slots: ClaimSlots;
  readonly table: EgressTable;
  readonly tableAgeSeconds: number;
  readonly looping: boolean;
  /** The `server` label, `dns://:53`. */
  readonly server: string;
};

type Counts = (slot: number) => number;

const counter = (
  name: string,
  help: string,
  labels: Readonly<Record<string, string>>,
  value: number,
): MetricSample => ({
  name,
  help,
  type: "counter",
  labels,
  value,
});
const gauge = (name: string, help: string, labels: Readonly<Record<string, string>>, value: number): MetricSample => ({
  ...counter(name, help, labels, value),
  type: "gauge",
});

const FAMILIES: readonly Family[] = [1, 2];
const PROTOCOLS: readonly Protocol[] = ["udp", "tcp"];

function requestSamples(count: Counts, server: string): MetricSample[] {
  const help = "Counter of DNS requests made per zone, protocol and family.";
  const made: MetricSample[] = [];
  for (const family of FAMILIES) {
    for (const proto of PROTOCOLS) {
      const labels = { family: String(family), proto, server, view: "" };
      COUNTED_TYPES.forEach((type, index) => {
        const value = count(slotOf.requestOfType(family, proto, index));
        if (value > 0) made.push(counter("coredns_dns_requests_total", help, { ...labels, type, zone: "." }, value));
      });
      const dropped = count(slotOf.droppedRequest(family, proto));
      const zone = { ...labels, type: "other", zone: "dropped" };
      if (dropped > 0) made.push(counter("coredns_dns_requests_total", help, zone, dropped));
    }
  }
  return made;
}

function responseSamples(count: Counts, server: string): MetricSample[] {
  const help = "Counter of response status codes, by the part that answered.";
  return COUNTED_PLUGINS.flatMap((plugin) =>
    Array.from({ length: COUNTED_RCODES }, (_, rcode) => {
      const labels = { plugin, rcode: rcodeName(rcode), server, view: "", zone: plugin === "gate" ? "dropped" : "." };
      return counter("coredns_dns_responses_total", help, labels, count(slotOf.response(plugin, rcode)));
    }).filter((sample) => sample.value > 0),
  );
}

function egressSamples(count: Counts, slots: ClaimSlots): MetricSample[] {
  const help = "Questions for egress hostnames, by gateway, listener and what they were answered with.";
  const named = new Map([...slots].map(([name, slot]) => [slot, slot === MAX_CLAIM_SLOTS - 1 ? "other other" : name]));
  return [...named].flatMap(([slot, name]) => {
    const [gateway = "", listener = ""] = name.split(" ");
    return COUNTED_RESULTS.map((result) =>
      counter("sluice_dns_egress_total", help, { gateway, listener, result }, count(slotOf.egress(slot, result))),
    );
  });
}

/** Counters without labels that are read from a slot of their own. */
const SINGLES: readonly (readonly [CountedSingle, string, string])[] = [
  ["panic", "coredns_panics_total", "Faults that cost one answer."],
  [
    "overload",
    "coredns_forward_max_concurrent_rejects_total",
    "Counter of the number of queries rejected because the concurrent queries were at maximum.",
  ],
  [
    "gateway_client",
    "sluice_dns_gateway_client_queries_total",
    "Questions of gateway pods, which get the real addresses.",
  ],
  ["rate_limited", "sluice_dns_rate_limited_total", "Questions beyond their client's rate, refused or dropped."],
];

function workSamples(count: Counts, server: string): MetricSample[] {
  const zone = { server, view: "", zone: "." };
  const dnssecOk = "Counter of DNS requests with DO bit set per zone.";
  const prevented =
    "Answers that would have shown a pod the real address of an egress hostname, by what was held back.";
  const skipped = "Aliases into names that only a wildcard claims, which the guard lets pass.";
  const retries = "Further attempts at an upstream, by reason.";
  return [
    counter("coredns_dns_do_requests_total", dnssecOk, zone, count(slotOf.single("do"))),
    ...SINGLES.map(([single, name, help]) => counter(name, help, {}, count(slotOf.single(single)))),
    ...COUNTED_PREVENTED.map((kind) =>
      counter("sluice_dns_bypass_prevented_total", prevented, { kind }, count(slotOf.prevented(kind))),
    ),
    counter(
      "sluice_dns_guard_skipped_total",
      skipped,
      { kind: "wildcard_cname" },
      count(slotOf.single("wildcard_cname")),
    ),
    ...COUNTED_RETRIES.map((reason) =>
      counter("sluice_dns_upstream_retries_total", retries, { reason }, count(slotOf.retry(reason))),
    ),
  ];
}

function tableSamples(input: SampleInput): MetricSample[] {
  const { table, tableAgeSeconds, looping } = input;
  const entries = [...table.exact.values(), ...table.wildcard.values()];
  const closed = entries.filter((entry) => entry.status === "closed").length;
  const conflict = entries.filter((entry) => entry.losers.length > 0).length;
  const names = "Egress hostnames in the table: answered, without a usable address, claimed by more than one gateway.";
  return [
    gauge("sluice_dns_table_names", names, { state: "active" }, entries.length - closed),
    gauge("sluice_dns_table_names", names, { state: "closed" }, closed),
    gauge("sluice_dns_table_names", names, { state: "conflict" }, conflict),
    gauge("sluice_dns_table_version", "Rises with every replacement of the table.", {}, table.version),
    gauge("sluice_dns_table_age_seconds", "Time since the table was replaced.", {}, tableAgeSeconds),
    gauge("sluice_dns_loop_detected", "1 while the upstream sends our own questions back.", {}, looping ? 1 : 0),
  ];
}

/** All series of the resolver. No label holds a name that was asked for. */
export function buildSamples(input: SampleInput): readonly MetricSample[] {
  const sums = new Float64Array(COUNTER_COUNT);
  for (const counters of input.counters)
    for (let i = 0; i < COUNTER_COUNT; i++) sums[i] = (sums[i] ?? 0) + (counters[i] ?? 0);
  const count: Counts = (slot) => sums[slot] ?? 0;
  return [
    ...requestSamples(count, input.server),
    ...responseSamples(count, input.server),
    ...workSamples(count, input.server),
    ...egressSamples(count, input.slots),
    ...tableSamples(input),
  ];
}
