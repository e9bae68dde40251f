import type { Topology } from "./topology.ts";

/** Holds the newest Topology. It is replaced whole; subscribers are told after it has been. */
export type Snapshot = {
  current(): Topology;
  /** Whether every source has delivered its objects once. Before that, absence of an object proves nothing. */
  synced(): boolean;
  /** Calls back with each new Topology, from the next one on. Returns the way to stop. */
  subscribe(listener: (topology: Topology) => void): () => void;
};
