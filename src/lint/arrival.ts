import type { Kind, Kinds } from "../model/kinds.ts";
import type { Topology } from "../model/topology.ts";

/**
 * Of the objects that make a mistake together, the one that was read last. A rule whose mistake shows in several
 * objects reports it on that one only: files then give one finding, at the document that completes the mistake, and
 * at admission the finding sits on the object being applied (`withObject` puts it last), whatever the order of
 * applying was.
 */
export function readLast(objects: readonly Kinds[Kind][], topology: Topology): Kinds[Kind] | undefined {
  const positions = objects.map((object) => topology.positionOf(object));
  const last = Math.max(-1, ...positions);
  return last < 0 ? undefined : objects[positions.indexOf(last)];
}
