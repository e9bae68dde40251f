import { HEALTH } from "./health.ts";
import type { RandomInteger } from "./random.ts";
import { shuffled } from "./random-order.ts";
import type { Upstream } from "./upstream.ts";

/** Which upstream is asked first (`policy` of `forward`). */
export type Policy = "random" | "round_robin" | "sequential";

/** Gives the upstreams in the order in which one question tries them. */
export type Order = () => readonly Upstream[];

/**
 * The policy's order; those in doubt come behind the others, and those that are down behind these. When all are down,
 * the check itself may be what is broken: the order is then random, as in CoreDNS.
 */
export function createOrder(upstreams: readonly Upstream[], policy: Policy, random: RandomInteger): Order {
  if (upstreams.length === 1) return () => upstreams;
  const turns = upstreams.map((_, first) => [...upstreams.slice(first), ...upstreams.slice(0, first)]);
  let turn = -1;
  const preferred = (): readonly Upstream[] => {
    if (policy === "sequential") return upstreams;
    if (policy === "random") return shuffled(upstreams, random);
    turn = (turn + 1) % turns.length;
    return turns[turn] ?? upstreams;
  };
  return () => {
    if (upstreams.every(isGood)) return preferred();
    if (upstreams.every(isDown)) return shuffled(upstreams, random);
    return preferred().toSorted((a, b) => a.health.state() - b.health.state());
  };
}

const isGood = ({ health }: Upstream): boolean => health.state() === HEALTH.GOOD;

/** Probes have failed: the upstream is asked last. */
export const isDown = ({ health }: Upstream): boolean => health.state() === HEALTH.DOWN;
