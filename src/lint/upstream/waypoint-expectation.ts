import { coveringPatterns, havingAny } from "../../model/host-lookup.ts";
import type { Kinds } from "../../model/kinds.ts";
import { defineLookup } from "../../model/object-index.ts";
import type { Topology } from "../../model/topology.ts";
import { covers } from "../../model/transport.ts";
import { isAmbient, waypointBinding } from "../../model/waypoint-binding.ts";
import { isRouted } from "./plaintext-leak.ts";

type Entry = Kinds["ServiceEntry"];

/** What shows that somebody counts on a waypoint: the object that says so, and how a message names it. */
export type WaypointExpectation = { readonly by: Kinds[ExpectingKind]; readonly text: string };
type ExpectingKind =
  | "ServiceEntry"
  | "Namespace"
  | "AuthorizationPolicy"
  | "HTTPRoute"
  | "GRPCRoute"
  | "VirtualService";

/** Values of the namespace label `sluice.dev/egress` by which pods are sent through an egress gateway. */
const STEERED = new Set(["audit", "enabled", "strict"]);

/**
 * Why a ServiceEntry's traffic is meant to pass a waypoint; undefined when nothing says so. An entry behind an egress
 * gateway is told apart by its route: then only what can mean a waypoint and nothing else counts.
 */
export function waypointExpectation(entry: Entry, topology: Topology): WaypointExpectation | undefined {
  const binding = waypointBinding(entry, topology.objects);
  if (binding.status === "asked") return { by: binding.by, text: "its label" };
  const certain = targetedBy(entry, topology) ?? routedAt(entry, topology);
  if (certain !== undefined) return certain;
  const behindGateway = (entry.spec?.hosts ?? []).some((host) => isRouted(host, topology));
  return behindGateway ? undefined : (guardedBy(entry, topology) ?? steeredBy(entry, topology));
}

const targetsOf = ({ spec }: Kinds["AuthorizationPolicy"]) => [
  ...(spec?.targetRef === undefined ? [] : [spec.targetRef]),
  ...(spec?.targetRefs ?? []),
];

const POLICIES_BY_ENTRY = defineLookup({
  kinds: ["AuthorizationPolicy"],
  keysOf: (policy) =>
    targetsOf(policy)
      .filter(({ kind, name }) => kind === "ServiceEntry" && name !== undefined)
      .map(({ name }) => `${policy.metadata.namespace}/${name}`),
});

const ROUTES_BY_ENTRY = defineLookup({
  kinds: ["HTTPRoute", "GRPCRoute"],
  keysOf: ({ metadata, spec }) =>
    (spec?.parentRefs ?? [])
      .filter(({ kind, name }) => kind === "ServiceEntry" && name !== undefined)
      .map(({ namespace = metadata.namespace, name }) => `${namespace}/${name}`),
});

const withoutPort = (pattern: string): string => pattern.replace(/:[0-9*]+$/, "");

const operationHosts = ({ spec }: Kinds["AuthorizationPolicy"]): readonly string[] =>
  (spec?.rules ?? []).flatMap(({ to = [] }) => to.flatMap(({ operation }) => operation?.hosts ?? []));

/** Keys by which something that names hosts is found: its patterns, and what covers them. */
const keysOfPatterns = (patterns: readonly string[]): readonly string[] =>
  patterns
    .map(withoutPort)
    .filter((host) => host !== "*")
    .flatMap((host) => [`names ${host}`, ...coveringPatterns(host).map((pattern) => `under ${pattern}`)]);

const keysOfHosts = (hosts: readonly string[]): readonly string[] =>
  hosts.flatMap((host) => [...coveringPatterns(host).map((pattern) => `names ${pattern}`), `under ${host}`]);

const POLICIES_BY_HOST = defineLookup({
  kinds: ["AuthorizationPolicy"],
  keysOf: (policy) => keysOfPatterns(operationHosts(policy)),
});

const SERVICES_BY_HOST = defineLookup({
  kinds: ["VirtualService"],
  keysOf: ({ spec }) => keysOfPatterns(spec?.hosts ?? []),
});

/** An AuthorizationPolicy on the entry itself: only waypoints enforce one. */
function targetedBy(entry: Entry, { objects }: Topology): WaypointExpectation | undefined {
  const [by] = objects.having(POLICIES_BY_ENTRY, `${entry.metadata.namespace}/${entry.metadata.name}`);
  return by === undefined ? undefined : { by, text: `AuthorizationPolicy \`${by.metadata.name}\` targets it` };
}

/** A route whose parent is the entry: only waypoints carry one out. */
function routedAt(entry: Entry, { objects }: Topology): WaypointExpectation | undefined {
  const [by] = objects.having(ROUTES_BY_ENTRY, `${entry.metadata.namespace}/${entry.metadata.name}`);
  return by === undefined ? undefined : { by, text: `${by.kind} \`${by.metadata.name}\` is attached to it` };
}

/** An AuthorizationPolicy of a waypoint, or a VirtualService in an ambient namespace, that names the host. */
function guardedBy(entry: Entry, topology: Topology): WaypointExpectation | undefined {
  const { objects, waypoints } = topology;
  const names = (pattern: string): boolean => {
    const host = withoutPort(pattern);
    return host !== "*" && (entry.spec?.hosts ?? []).some((own) => covers(host, own) || covers(own, host));
  };
  const keys = keysOfHosts(entry.spec?.hosts ?? []);
  const policy = havingAny(POLICIES_BY_HOST, keys, objects).find((candidate) => {
    const onWaypoint = targetsOf(candidate).some(({ kind, name = "" }) => {
      if (kind !== "Gateway") return false;
      const gateway = objects.get("Gateway", candidate.metadata.namespace, name);
      return gateway === undefined ? isAmbient(candidate.metadata.namespace, objects) : waypoints.includes(gateway);
    });
    return onWaypoint && operationHosts(candidate).some(names);
  });
  if (policy !== undefined) return { by: policy, text: `AuthorizationPolicy \`${policy.metadata.name}\` names it` };
  const service = havingAny(SERVICES_BY_HOST, keys, objects).find(
    ({ metadata, spec }) =>
      metadata.namespace === entry.metadata.namespace &&
      isAmbient(metadata.namespace, objects) &&
      (spec?.gateways === undefined || spec.gateways.includes("mesh")) &&
      spec?.hosts?.some(names),
  );
  return service === undefined
    ? undefined
    : { by: service, text: `VirtualService \`${service.metadata.name}\` acts on it` };
}

/**
 * An ambient Namespace that is steered through egress, or that holds a wildcard host: ambient passes over wildcard
 * entries without a waypoint. A Namespace that is not in view says nothing.
 */
function steeredBy(entry: Entry, { objects }: Topology): WaypointExpectation | undefined {
  const by = objects.get("Namespace", "", entry.metadata.namespace);
  if (by === undefined || !isAmbient(entry.metadata.namespace, objects)) return undefined;
  if (STEERED.has(by.metadata.labels?.["sluice.dev/egress"] ?? "")) {
    return { by, text: "its Namespace is labelled for egress" };
  }
  return entry.spec?.hosts?.some((host) => host.startsWith("*")) ? { by, text: "its Namespace is ambient" } : undefined;
}
