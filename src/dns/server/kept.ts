import type { Plan } from "../pipeline/plan.ts";

/** What the handlers of one server block keep over a reload, by names of their choice. */
type BlockKept = Map<string, unknown>;

/** What is kept of a configuration. */
export type Kept = {
  /** By the block's place in the Corefile. */
  readonly blocks: readonly BlockKept[];
  /** By what is served: a zone of a listener, which one block only can have. */
  readonly places: ReadonlyMap<string, BlockKept>;
};

export const NOTHING_KEPT: Kept = { blocks: [], places: new Map() };

/** What a server block serves: its zones, each at a listener. */
export const placesOf = ({ listeners }: Plan, index: number): readonly string[] =>
  listeners.flatMap(({ id, zones }) => zones.flatMap(([zone, server]) => (server === index ? [`${zone} ${id}`] : [])));

/**
 * Gives each server block what a block before kept that served one of its zones at the same listener. Blocks of the same
 * zone on other ports are strangers: their answers may come from elsewhere.
 */
export function inheritKept(plan: Plan, before: Kept): Kept {
  const taken = new Set<BlockKept>();
  const places = new Map<string, BlockKept>();
  const blocks = plan.servers.map((_server, index) => {
    const own = placesOf(plan, index);
    const inherited = own.flatMap((place) => before.places.get(place) ?? []).find((one) => !taken.has(one));
    const kept: BlockKept = inherited ?? new Map();
    taken.add(kept);
    for (const place of own) places.set(place, kept);
    return kept;
  });
  return { blocks, places };
}
