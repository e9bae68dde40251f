import type { Rule } from "../../src/lint/rule.ts";
import type { Kind } from "../../src/model/kinds.ts";
import type { ObjectIndex } from "../../src/model/object-index.ts";
import type { Topology } from "../../src/model/topology.ts";
import { topologyOf } from "./topology-of.ts";

/** The kinds that a part of the picture is made from, beside the objects that it lists. */
const MADE_FROM: Partial<Record<keyof Topology, readonly Kind[]>> = {
  attachments: ["Gateway", "HTTPRoute", "GRPCRoute"],
  attachmentsOf: ["Gateway"],
  attachmentsOn: ["HTTPRoute", "GRPCRoute"],
  egressGateways: ["Gateway", "HTTPRoute", "GRPCRoute", "Service", "DNSPolicy", "Secret"],
  waypoints: ["Gateway"],
  egressHostnames: ["Gateway", "HTTPRoute", "GRPCRoute", "Service", "EndpointSlice", "DNSPolicy", "Secret"],
  gatewayPodAddresses: ["Gateway", "HTTPRoute", "GRPCRoute", "Service", "EndpointSlice", "DNSPolicy", "Secret"],
};

/** A lookup may be over more kinds than a rule is concerned with: `asked` has all of them, `met` those that were found. */
type KindsRead = { readonly asked: ReadonlySet<Kind>; readonly met: ReadonlySet<Kind> };

/** A picture that remembers which kinds of objects somebody asked it for. */
function watched(topology: Topology, asked: Set<Kind>, met: Set<Kind>): Topology {
  const { objects } = topology;
  const remember = (kinds: readonly Kind[], found: readonly Kind[] = kinds): void => {
    for (const kind of kinds) asked.add(kind);
    for (const kind of found) met.add(kind);
  };
  const index: ObjectIndex = {
    of: (kind) => {
      remember([kind]);
      return objects.of(kind);
    },
    get: (kind, namespace, name) => {
      remember([kind]);
      return objects.get(kind, namespace, name);
    },
    having: (lookup, key) => {
      const found = objects.having(lookup, key);
      remember(lookup.kinds, lookup.kinds.length === 1 ? lookup.kinds : found.map(({ kind }) => kind));
      return found;
    },
  };
  return new Proxy(topology, {
    get(target, key, receiver) {
      if (key === "objects") return index;
      const kinds = MADE_FROM[key as keyof Topology] ?? [];
      remember(
        kinds,
        kinds.filter((kind) => objects.of(kind).length > 0),
      );
      return Reflect.get(target, key, receiver);
    },
  });
}

/** Other ways to write the same, so that a rule shows where it looks for those. */
const REWRITINGS: readonly (readonly [RegExp, string])[] = [
  [/(?<=targetRefs?:.*kind: )HTTPRoute/g, "GRPCRoute"],
  [/(?<=targetRefs?:.*kind: )HTTPRoute/g, "Gateway"],
  [/(?<=targetRefs?:.*)group: [\w.]+, kind: \w+/g, "kind: Service"],
  [/group: networking\.istio\.io, kind: Hostname/g, "kind: Service"],
  [/kind: RateLimitPolicy/g, "kind: TokenRateLimitPolicy"],
];

/** The kinds that a rule looks up while it judges its examples, also when they are written otherwise. */
export function kindsRead(rule: Rule): KindsRead {
  const asked = new Set<Kind>();
  const met = new Set<Kind>();
  const written = [...rule.bad, ...rule.good].map(({ yaml }) => yaml);
  const others = REWRITINGS.flatMap(([from, to]) => written.map((yaml) => yaml.replace(from, to)));
  for (const yaml of [...written, ...others]) {
    const topology = topologyOf(yaml);
    const picture = watched(topology, asked, met);
    for (const { object } of topology.decoded) if (rule.kinds.includes(object.kind)) rule.check(object, picture);
  }
  return { asked, met };
}
