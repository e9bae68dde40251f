import { join } from "node:path";
import { measureLatency, measureThroughput } from "../load/dnsperf.ts";
import { median, percentile } from "../load/statistics.ts";
import { QUERIES } from "../setup/data.ts";
import { COREDNS_TEMPLATE, SLUICE_EGRESS } from "../setup/peers.ts";
import type { Running } from "../setup/servers.ts";
import { type Bench, inTurns, type Rounds, type Row, type Workload, withServers } from "./workload.ts";

const MICROSECONDS = 1_000_000;
const SHARE = 0.99;

const compared = (workload: string, figures: Rounds): Row => ({
  workload,
  unit: "µs",
  sluice: median(figures.get(SLUICE_EGRESS) ?? []),
  peer: { name: COREDNS_TEMPLATE.name, value: median(figures.get(COREDNS_TEMPLATE) ?? []) },
  wantedRatio: { most: 1 },
});

/** The latency that 99 of 100 egress answers keep to, at half of what each server can do and at the same rate. */
export const latency: Workload = {
  name: "latency",
  run: (bench) =>
    withServers(bench, [SLUICE_EGRESS, COREDNS_TEMPLATE], async (servers) => {
      const queries = join(bench.data, QUERIES.egress);
      const most = new Map<Running, number>();
      for (const server of servers)
        most.set(server, (await measureThroughput({ ...server, queries, seconds: bench.seconds })).perSecond);
      const p99At = (rate: (server: Running) => number) => measureAt(bench, servers, queries, rate);
      const own = await p99At((server) => (most.get(server) ?? 0) / 2);
      const slowest = Math.min(...most.values());
      const same = await p99At(() => slowest / 2);
      return [
        compared("99th percentile of latency at half of the own maximum", own),
        compared("99th percentile of latency at half of the slower maximum", same),
      ];
    }),
};

const measureAt = (
  bench: Bench,
  servers: readonly Running[],
  queries: string,
  rate: (server: Running) => number,
): Promise<Rounds> =>
  inTurns(bench, servers, async (server) => {
    const load = { port: server.port, queries, seconds: bench.seconds, rate: rate(server) };
    return percentile((await measureLatency(load)).latencySeconds, SHARE) * MICROSECONDS;
  });
