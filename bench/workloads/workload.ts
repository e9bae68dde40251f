import type { Children } from "../../test/cluster/control-plane/children.ts";
import type { Peer } from "../setup/peers.ts";
import { type Running, type StartOptions, startServer } from "../setup/servers.ts";

/** What is asked of a figure: at least or at most this. */
export type Wanted = { readonly least: number } | { readonly most: number };

/** One line of the result: Sluice's figure, beside a peer's where there is one. */
export type Row = {
  readonly workload: string;
  readonly unit: string;
  readonly sluice: number;
  readonly peer?: { readonly name: string; readonly value: number };
  /** Asked of Sluice's figure divided by the peer's. */
  readonly wantedRatio?: Wanted;
  /** Asked of Sluice's figure itself. */
  readonly wanted?: Wanted;
};

/** What every workload gets. */
export type Bench = {
  readonly children: Children;
  /** Seconds of one measurement. */
  readonly seconds: number;
  readonly rounds: number;
  /** Folder with a thousand egress names. */
  readonly data: string;
  /** Folder with ten thousand. */
  readonly largeData: string;
  /** Port of the upstream, which runs on the client's core. */
  readonly upstream: number;
  readonly say: (line: string) => void;
};

export type Workload = { readonly name: string; run(bench: Bench): Promise<Row[]> };

/**
 * Starts servers that are measured in turns. One that cannot run is named and left out; without Sluice nothing is
 * measured.
 */
export async function withServers<T>(
  bench: Bench,
  peers: readonly Peer[],
  use: (servers: readonly Running[]) => Promise<T>,
  options: Partial<StartOptions> = {},
): Promise<T> {
  const servers: Running[] = [];
  try {
    for (const peer of peers) {
      try {
        servers.push(
          await startServer(bench.children, peer, { data: bench.data, upstream: bench.upstream, ...options }),
        );
      } catch (error) {
        if (peer === peers[0]) throw error;
        bench.say(`CANNOT RUN: ${(error as Error).message}`);
      }
    }
    return await use(servers);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** Figures of several rounds by server, in the order in which the servers were given. */
export type Rounds = ReadonlyMap<Peer, readonly number[]>;

/** Measures every server once a round, so that a slow moment of the machine meets all of them. */
export async function inTurns(
  bench: Bench,
  servers: readonly Running[],
  measure: (server: Running) => Promise<number>,
): Promise<Rounds> {
  const rounds = new Map<Peer, number[]>();
  for (let round = 0; round < bench.rounds; round += 1) {
    for (const server of servers) {
      const figure = await measure(server);
      rounds.set(server.peer, [...(rounds.get(server.peer) ?? []), figure]);
    }
  }
  return rounds;
}
