import type { Mend } from "../../model/edit.ts";
import { type FieldPath, formatPath } from "../../model/field-path.ts";
import type { RelatedPlace } from "../../model/finding.ts";
import { isWildcard } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";
import { defineLookup } from "../../model/object-index.ts";
import { formatName } from "../../model/object-ref.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { isClusterHost } from "../../model/transport.ts";
import { USE_WAYPOINT_LABEL, type WaypointBinding, waypointBinding } from "../../model/waypoint-binding.ts";
import { waypointFault } from "../../model/waypoint-fitness.ts";
import { readLast } from "../arrival.ts";
import { resolvedByDns } from "../mends/dns-resolution.ts";
import { boundEntries } from "../mesh/bound-entries.ts";
import { defineRule, type Report } from "../rule.ts";
import { type WaypointExpectation, waypointExpectation } from "../upstream/waypoint-expectation.ts";

type Judged = Kinds["ServiceEntry" | "Namespace" | "Gateway"];

/** One entry whose traffic goes past its waypoint, and the fields that make it so: the last read one is reported. */
type Unbound = {
  readonly entry: Kinds["ServiceEntry"];
  readonly waypoint: string;
  readonly reason: string;
  readonly remedy: string;
  readonly fields: readonly { readonly object: Judged; readonly path: FieldPath }[];
  readonly expectation: WaypointExpectation;
  /** For a report on the entry itself. */
  readonly mend?: Mend | undefined;
};

/**
 * The binding hangs on the ServiceEntry, its Namespace and the Gateway; a fault is reported on the one of them that
 * completes it (arrival.ts), so that taking a Namespace's label away warns about all its entries at once.
 */
export const rule = defineRule({
  id: "serviceentry-waypoint-unbound",
  kinds: ["ServiceEntry", "Namespace", "Gateway"],
  reads: ["GatewayClass", "AuthorizationPolicy", "VirtualService", "HTTPRoute", "GRPCRoute"],
  severity: "error",
  scope: "absence",
  title: "The host's traffic does not pass the waypoint",
  why: "Without the binding ztunnel sends the traffic straight to the Internet: no policy of the waypoint sees it, and nothing fails.",
  fix: "Label the ServiceEntry `istio.io/use-waypoint` with the waypoint's name.",
  sources: [
    "istio pilot/pkg/serviceregistry/ambient: getUseWaypoint, fetchWaypointForTarget, waypoints.go",
    "Istio issues 54981, 54896, 59576, 60781",
  ],
  since: "0.1.0",

  check(object, topology) {
    const unbound = entriesOf(object, topology)
      .flatMap((entry) => unboundIn(entry, topology))
      .filter(
        ({ fields }) =>
          readLast(
            fields.map((field) => field.object),
            topology,
          ) === object,
      );
    const byPlace = Map.groupBy(unbound, (item) => formatPath(pathIn(object, item)));
    return [...byPlace.values()].map((same) => reportOn(object, same));
  },

  bad: [
    {
      name: "an entry that was applied again without its label",
      finds: [{ path: "metadata.labels" }],
      yaml: `
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {name: httpbin, namespace: istio-egress}
        spec:
          targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: egress-waypoint}]
          action: ALLOW
          rules: [{to: [{operation: {hosts: [httpbin.org], methods: [GET]}}]}]
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {name: httpbin.org, namespace: istio-egress}
        spec:
          hosts: [httpbin.org]
          ports: [{number: 80, name: http, protocol: HTTP, targetPort: 443}]
          resolution: DNS`,
    },
    {
      name: "an entry without the label, beside its only waypoint",
      finds: [{ path: "metadata.labels", mended: 'metadata.labels["istio.io/use-waypoint"]: egress-waypoint' }],
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {name: egress-waypoint, namespace: istio-egress}
        spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {name: httpbin.org, namespace: istio-egress}
        spec: {hosts: [httpbin.org], ports: [{number: 80, name: http, protocol: HTTP, targetPort: 443}], resolution: DNS}
        ---
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {name: httpbin, namespace: istio-egress}
        spec:
          targetRefs: [{group: networking.istio.io, kind: ServiceEntry, name: httpbin.org}]
          rules: [{to: [{operation: {methods: [GET]}}]}]`,
    },
    {
      name: "a waypoint that does not admit the entry's namespace",
      finds: [{ path: 'metadata.labels["istio.io/use-waypoint"]' }],
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {name: egress-waypoint, namespace: istio-egress}
        spec:
          gatewayClassName: istio-waypoint
          listeners: [{name: mesh, port: 15008, protocol: HBONE}]
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata:
          name: httpbin.org
          namespace: team-a
          labels: {istio.io/use-waypoint: egress-waypoint, istio.io/use-waypoint-namespace: istio-egress}
        spec: {hosts: [httpbin.org], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}`,
    },
  ],
  good: [
    {
      name: "a labelled entry and its waypoint",
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {name: egress-waypoint, namespace: istio-egress}
        spec:
          gatewayClassName: istio-waypoint
          listeners: [{name: mesh, port: 15008, protocol: HBONE}]
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {name: httpbin.org, namespace: istio-egress, labels: {istio.io/use-waypoint: egress-waypoint}}
        spec:
          hosts: [httpbin.org]
          ports: [{number: 80, name: http, protocol: HTTP, targetPort: 443}]
          resolution: DNS`,
    },
    {
      name: "an entry that nothing says is meant for a waypoint",
      yaml: `
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {name: httpbin, namespace: gateway-system}
        spec: {hosts: [httpbin.org], ports: [{number: 443, name: https, protocol: HTTPS}], resolution: DNS}`,
    },
  ],
});

const ENTRIES_BY_NAMESPACE = defineLookup({ kinds: ["ServiceEntry"], keysOf: ({ metadata }) => [metadata.namespace] });

/** The entries whose binding hangs on an object. */
function entriesOf(object: Judged, topology: Topology): readonly Kinds["ServiceEntry"][] {
  if (object.kind === "ServiceEntry") return [object];
  const { objects } = topology;
  if (object.kind === "Namespace") return objects.having(ENTRIES_BY_NAMESPACE, object.metadata.name);
  return boundEntries(object, topology);
}

function unboundIn(entry: Kinds["ServiceEntry"], topology: Topology): readonly Unbound[] {
  const { hosts = [], location, resolution } = entry.spec ?? {};
  if (location === "MESH_INTERNAL" || hosts.every((host) => isClusterHost(host, topology.settings.clusterDomain))) {
    return [];
  }
  const expectation = waypointExpectation(entry, topology);
  if (expectation === undefined) return [];
  const binding = waypointBinding(entry, topology.objects);
  const fault =
    binding.status === "asked"
      ? faultOf(entry, binding, expectation, topology)
      : unlabelled(entry, binding, expectation, topology);
  if (resolution !== undefined && resolution !== "NONE") return fault === undefined ? [] : [fault];
  const unresolved: Unbound = {
    entry,
    expectation,
    waypoint: binding.status === "asked" ? `waypoint \`${binding.namespace}/${binding.name}\`` : "any waypoint",
    reason: "with `resolution: NONE` the waypoint has no address to send it to",
    remedy: "Set `resolution: DNS`, or `DYNAMIC_DNS` for a wildcard host.",
    fields: [{ object: entry, path: resolution === undefined ? ["spec"] : ["spec", "resolution"] }],
    mend: resolvedByDns(entry),
  };
  return fault === undefined ? [unresolved] : [fault, unresolved];
}

const labelPath = ({ metadata }: Judged): FieldPath =>
  metadata.labels?.[USE_WAYPOINT_LABEL] === undefined
    ? ["metadata", "labels"]
    : ["metadata", "labels", USE_WAYPOINT_LABEL];

/** Labels that ask for a waypoint which is not there, or cannot do it. */
function faultOf(
  entry: Kinds["ServiceEntry"],
  { name, namespace, by }: Extract<WaypointBinding, { readonly status: "asked" }>,
  expectation: WaypointExpectation,
  { objects }: Topology,
): Unbound | undefined {
  const gateway = objects.get("Gateway", namespace, name);
  const waypoint = `waypoint \`${namespace}/${name}\``;
  const labelled = [entry, ...(by.kind === "Namespace" ? [by] : [])].map((object) => ({
    object,
    path: labelPath(object),
  }));
  if (gateway === undefined) {
    const remedy = `Create the waypoint, or correct the label${namespace === entry.metadata.namespace ? "; a waypoint elsewhere needs `istio.io/use-waypoint-namespace` as well" : ""}.`;
    return { entry, waypoint, reason: "there is no such Gateway", remedy, fields: labelled, expectation };
  }
  const fault = waypointFault(gateway, entry.metadata.namespace, objects);
  if (fault === undefined) return undefined;
  const { reason, remedy, path } = fault;
  return { entry, waypoint, reason, remedy, fields: [...labelled, { object: gateway, path }], expectation };
}

/** No label, or one that says none. */
function unlabelled(
  entry: Kinds["ServiceEntry"],
  binding: Exclude<WaypointBinding, { readonly status: "asked" }>,
  expectation: WaypointExpectation,
  { objects, waypoints }: Topology,
): Unbound {
  const namespace = objects.get("Namespace", "", entry.metadata.namespace);
  const near = waypoints.find(({ metadata }) => metadata.namespace === entry.metadata.namespace);
  const ignored = (entry.spec?.hosts ?? []).some(isWildcard) ? "; ambient passes over a wildcard host then" : "";
  const reason =
    binding.status === "refused"
      ? `the label of ${binding.by.kind} \`${binding.by.metadata.name}\` says \`none\``
      : binding.namespaceSeen
        ? `neither it nor its Namespace has the label \`${USE_WAYPOINT_LABEL}\``
        : `it has no label \`${USE_WAYPOINT_LABEL}\`, and Namespace \`${entry.metadata.namespace}\` is not in view: taken to be ambient and without it`;
  const ownSays = entry.metadata.labels?.[USE_WAYPOINT_LABEL] !== undefined;
  return {
    entry,
    expectation,
    waypoint: near === undefined ? "any waypoint" : `waypoint \`${formatName(near.metadata)}\``,
    reason: `${reason}${ignored}`,
    remedy: `Label the ServiceEntry, or its Namespace, \`${USE_WAYPOINT_LABEL}: ${near?.metadata.name ?? "<waypoint>"}\`, with \`istio.io/use-waypoint-namespace\` when the waypoint is in another namespace.`,
    fields: [
      { object: entry, path: labelPath(entry) },
      ...(namespace === undefined || ownSays ? [] : [{ object: namespace, path: labelPath(namespace) }]),
    ],
    mend: ownSays || binding.status === "refused" ? undefined : labelled(entry, near, { objects, waypoints }),
  };
}

/** The label, where one waypoint is in view, in the entry's own namespace, and can do it. */
function labelled(
  { metadata }: Kinds["ServiceEntry"],
  near: Kinds["Gateway"] | undefined,
  { objects, waypoints }: Pick<Topology, "objects" | "waypoints">,
): Mend | undefined {
  if (near === undefined || waypoints.length > 1) return undefined;
  if (waypointFault(near, metadata.namespace, objects) !== undefined) return undefined;
  const { name } = near.metadata;
  return {
    title: `add the label \`${USE_WAYPOINT_LABEL}: ${name}\``,
    edits: [{ op: "set", path: ["metadata", "labels", USE_WAYPOINT_LABEL], value: name }],
  };
}

const pathIn = (object: Judged, { fields }: Unbound): FieldPath =>
  fields.find((field) => field.object === object)?.path ?? ["metadata"];

const MOST_HOSTS = 3;

/** One report for all entries at one place: a Namespace's label may bind many. */
function reportOn(object: Judged, items: readonly Unbound[]): Report {
  const [first] = items as readonly [Unbound, ...Unbound[]];
  const hosts = [...new Set(items.flatMap(({ entry }) => entry.spec?.hosts ?? []))];
  const shown = hosts.slice(0, MOST_HOSTS).join(", ");
  const more = hosts.length > MOST_HOSTS ? ` and ${hosts.length - MOST_HOSTS} more hosts` : "";
  const places = items.flatMap(({ fields, expectation }): readonly RelatedPlace[] => [
    ...fields
      .filter((field) => field.object !== object)
      .map((field) => ({ object: refOf(field.object), path: field.path, message: "this takes part" })),
    ...(expectation.by.kind === "ServiceEntry" || expectation.by.kind === "Namespace"
      ? []
      : [{ object: refOf(expectation.by), path: ["spec"], message: `a waypoint is expected: ${expectation.text}` }]),
  ]);
  const key = (place: RelatedPlace): string => JSON.stringify([place.object, place.path]);
  return {
    path: pathIn(object, first),
    message: `traffic to ${shown}${more} does not pass ${first.waypoint} (${first.reason}): ztunnel sends it straight to the Internet and no egress policy applies`,
    hint: first.remedy,
    ...(object === first.entry && items.length === 1 && first.mend !== undefined ? { mend: first.mend } : {}),
    related: [...new Map(places.map((place) => [key(place), place])).values()],
  };
}
