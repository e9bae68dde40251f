import { join } from "node:path";
import { measureThroughput } from "../load/dnsperf.ts";
import { askUnique } from "../load/many-clients.ts";
import { median } from "../load/statistics.ts";
import { FORWARDED_ZONE, QUERIES } from "../setup/data.ts";
import { COREDNS_HOSTS_CACHE, SLUICE_CACHE, SLUICE_EGRESS } from "../setup/peers.ts";
import { startServer } from "../setup/servers.ts";
import { inTurns, type Workload, withServers } from "./workload.ts";

const FULL_CACHE = 10_000;
/** At most; it ends when every name is answered. */
const FILL_SECONDS = 30;

/** Resident memory with ten thousand egress names and ten thousand answers in the cache, after load. */
export const memory: Workload = {
  name: "memory",
  run: (bench) =>
    withServers(
      bench,
      [SLUICE_CACHE, COREDNS_HOSTS_CACHE],
      async (servers) => {
        const figures = await inTurns({ ...bench, rounds: 1 }, servers, async ({ port, residentMebibytes }) => {
          await askUnique({ port, seconds: FILL_SECONDS, count: FULL_CACHE, zone: FORWARDED_ZONE });
          const queries = join(bench.largeData, QUERIES.egress);
          await measureThroughput({ port, queries, seconds: bench.seconds });
          return residentMebibytes();
        });
        return [
          {
            workload: "resident memory, 10,000 egress names and a full cache",
            unit: "MiB",
            sluice: median(figures.get(SLUICE_CACHE) ?? []),
            peer: { name: COREDNS_HOSTS_CACHE.name, value: median(figures.get(COREDNS_HOSTS_CACHE) ?? []) },
            wanted: { most: 120 },
            wantedRatio: { most: 1.5 },
          },
        ];
      },
      { data: bench.largeData },
    ),
};

/** From the start of the process to its first egress answer, a thousand egress names read from a file. */
export const start: Workload = {
  name: "start",
  run: async (bench) => {
    const seconds: number[] = [];
    for (let round = 0; round < bench.rounds; round += 1) {
      const server = await startServer(bench.children, SLUICE_EGRESS, { data: bench.data, upstream: bench.upstream });
      seconds.push(server.startedInSeconds);
      await server.stop();
    }
    return [{ workload: "start to first egress answer", unit: "s", sluice: median(seconds), wanted: { most: 1 } }];
  },
};
