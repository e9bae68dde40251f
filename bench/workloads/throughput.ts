import { join } from "node:path";
import { measureThroughput } from "../load/dnsperf.ts";
import { askUnique } from "../load/many-clients.ts";
import { median } from "../load/statistics.ts";
import { CACHED_NAMES, FORWARDED_ZONE, QUERIES } from "../setup/data.ts";
import {
  COREDNS_CACHE,
  COREDNS_FORWARD,
  COREDNS_HOSTS,
  COREDNS_TEMPLATE,
  DNS2,
  ECHO,
  KNOT,
  type Peer,
  SLUICE_CACHE,
  SLUICE_EGRESS,
  SLUICE_TWO_WORKERS,
  UNBOUND,
} from "../setup/peers.ts";
import { BOTH_CPUS, type Running } from "../setup/servers.ts";
import { type Bench, inTurns, type Rounds, type Row, type Wanted, type Workload, withServers } from "./workload.ts";

const PER_SECOND = "answers/s";
/** A run before the first that counts: just-in-time compilers, caches, socket buffers. */
const WARM_UP_SECONDS = 2;
/** At most, for filling a cache; it ends when every name is answered. */
const FILL_SECONDS = 10;
/** Enough sockets that the kernel spreads them over two workers. */
const CLIENTS_OF_TWO_WORKERS = 32;

const WANTED_EGRESS: ReadonlyMap<Peer, Wanted> = new Map([
  [COREDNS_TEMPLATE, { least: 1.9 }],
  [COREDNS_HOSTS, { least: 1.4 }],
  [ECHO, { least: 0.8 }],
]);
/** Knot answers from C with batched system calls; this is how much more processor time Node may take. */
const WANTED_COST: ReadonlyMap<Peer, Wanted> = new Map([[KNOT, { most: 1.9 }]]);

function rowsOf(
  workload: string,
  unit: string,
  figures: Rounds,
  own: Peer,
  wanted: ReadonlyMap<Peer, Wanted> = new Map(),
): Row[] {
  const sluice = median(figures.get(own) ?? []);
  return [...figures].flatMap(([peer, values]): Row[] => {
    if (peer === own) return [];
    const wantedRatio = wanted.get(peer);
    return [
      { workload, unit, sluice, peer: { name: peer.name, value: median(values) }, ...(wantedRatio && { wantedRatio }) },
    ];
  });
}

async function warmUp(bench: Bench, servers: readonly Running[], queries: string): Promise<void> {
  const seconds = Math.min(WARM_UP_SECONDS, bench.seconds);
  for (const { port } of servers) await measureThroughput({ port, queries, seconds });
}

/** Answers for egress names, and the processor time that each took. */
export const egressAnswers: Workload = {
  name: "egress answers",
  run: (bench) =>
    withServers(bench, [SLUICE_EGRESS, COREDNS_TEMPLATE, COREDNS_HOSTS, KNOT, UNBOUND, DNS2, ECHO], async (servers) => {
      const queries = join(bench.data, QUERIES.egress);
      const costs = new Map<Peer, number[]>();
      await warmUp(bench, servers, queries);
      const figures = await inTurns(bench, servers, async (server) => {
        const before = await server.cpuSeconds();
        const { completed, perSecond } = await measureThroughput({
          port: server.port,
          queries,
          seconds: bench.seconds,
        });
        const microseconds = (((await server.cpuSeconds()) - before) / completed) * 1_000_000;
        costs.set(server.peer, [...(costs.get(server.peer) ?? []), microseconds]);
        return perSecond;
      });
      return [
        ...rowsOf("egress answers", PER_SECOND, figures, SLUICE_EGRESS, WANTED_EGRESS),
        ...rowsOf("processor time of an egress answer", "µs", costs, SLUICE_EGRESS, WANTED_COST),
      ];
    }),
};

/** Answers from a cache that holds every name. */
export const cachedAnswers: Workload = {
  name: "cached answers",
  run: (bench) =>
    withServers(bench, [SLUICE_CACHE, COREDNS_CACHE], async (servers) => {
      const queries = join(bench.data, QUERIES.cached);
      for (const { port } of servers)
        await askUnique({ port, seconds: FILL_SECONDS, count: CACHED_NAMES, zone: FORWARDED_ZONE });
      await warmUp(bench, servers, queries);
      const figures = await inTurns(bench, servers, async ({ port }) => {
        return (await measureThroughput({ port, queries, seconds: bench.seconds })).perSecond;
      });
      return rowsOf("cached answers", PER_SECOND, figures, SLUICE_CACHE, new Map([[COREDNS_CACHE, { least: 1.1 }]]));
    }),
};

/** Answers that are fetched from the upstream, each name asked once. */
export const forwardedAnswers: Workload = {
  name: "forwarded answers",
  run: (bench) =>
    withServers(bench, [SLUICE_EGRESS, COREDNS_FORWARD], async (servers) => {
      const load = { seconds: bench.seconds, count: Number.MAX_SAFE_INTEGER, zone: FORWARDED_ZONE };
      for (const { port } of servers) await askUnique({ ...load, port });
      const figures = await inTurns(bench, servers, ({ port }) => askUnique({ ...load, port }));
      return rowsOf(
        "forwarded answers",
        PER_SECOND,
        figures,
        SLUICE_EGRESS,
        new Map([[COREDNS_FORWARD, { least: 1 }]]),
      );
    }),
};

/** One worker and two, each free to use both cores, which they share with the load. */
export const workers: Workload = {
  name: "two workers",
  run: (bench) =>
    withServers(
      bench,
      [SLUICE_TWO_WORKERS, SLUICE_EGRESS],
      async (servers) => {
        const queries = join(bench.data, QUERIES.egress);
        await warmUp(bench, servers, queries);
        const figures = await inTurns(bench, servers, async ({ port }) => {
          const load = { port, queries, seconds: bench.seconds, clients: CLIENTS_OF_TWO_WORKERS };
          return (await measureThroughput(load)).perSecond;
        });
        return rowsOf("egress answers of two workers beside one", PER_SECOND, figures, SLUICE_TWO_WORKERS);
      },
      { cpus: BOTH_CPUS },
    ),
};
