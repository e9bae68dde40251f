import type { EgressHostname } from "../../model/egress.ts";
import { normalizeHostname } from "../../model/hostname.ts";
import type { Topology } from "../../model/topology.ts";

/** A Topology is immutable, and many objects ask for names in it. */
const known = new WeakMap<Topology, ReadonlyMap<string, EgressHostname>>();

function ownersOf(topology: Topology): ReadonlyMap<string, EgressHostname> {
  const cached = known.get(topology);
  if (cached !== undefined) return cached;
  const owners = new Map(topology.egressHostnames.map((owner) => [owner.hostname, owner]));
  known.set(topology, owners);
  return owners;
}

/**
 * The egress hostname that a host name falls under: its own, else the closest wildcard. A wildcard is looked up as it
 * stands. Undefined when no egress gateway claims it, or it is no host name.
 */
export function egressOwner(host: string, topology: Topology): EgressHostname | undefined {
  const name = normalizeHostname(host);
  if (name === undefined) return undefined;
  const owners = ownersOf(topology);
  const exact = owners.get(name);
  if (exact !== undefined || name.startsWith("*.")) return exact;
  const labels = name.split(".");
  for (let first = 1; first < labels.length; first += 1) {
    const owner = owners.get(`*.${labels.slice(first).join(".")}`);
    if (owner !== undefined) return owner;
  }
  return undefined;
}
