import type { Kinds } from "../../model/kinds.ts";
import type { Topology } from "../../model/topology.ts";
import { waypointBinding } from "../../model/waypoint-binding.ts";

/** A Topology is immutable, and every policy asks for the entries of its waypoint. */
const known = new WeakMap<Topology, ReadonlyMap<string, readonly Kinds["ServiceEntry"][]>>();

function byWaypoint(topology: Topology): ReadonlyMap<string, readonly Kinds["ServiceEntry"][]> {
  const cached = known.get(topology);
  if (cached !== undefined) return cached;
  const grouped = Map.groupBy(topology.objects.of("ServiceEntry"), (entry) => {
    const binding = waypointBinding(entry, topology.objects);
    return binding.status === "asked" ? `${binding.namespace}/${binding.name}` : "";
  });
  known.set(topology, grouped);
  return grouped;
}

/** The ServiceEntries whose labels, or whose Namespace's, ask for a waypoint. */
export const boundEntries = ({ metadata }: Kinds["Gateway"], topology: Topology): readonly Kinds["ServiceEntry"][] =>
  byWaypoint(topology).get(`${metadata.namespace}/${metadata.name}`) ?? [];
