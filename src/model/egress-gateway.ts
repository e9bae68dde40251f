import type { Attachment, Route } from "./attachment.ts";
import type { LabelSelector } from "./kinds/metadata.ts";
import type { BackendRef } from "./kinds/route.ts";
import type { Kinds } from "./kinds.ts";
import { selectorMatches } from "./label-selector.ts";
import type { ObjectIndex } from "./object-index.ts";

/** Label of a Gateway: "true" makes it an egress gateway, "false" forbids it. */
export const EGRESS_GATEWAY_LABEL = "sluice.dev/egress-gateway";

const EXTERNAL_BACKENDS = new Set(["networking.istio.io/Hostname", "gateway.networking.x-k8s.io/XBackend"]);

/** Whether a backend lies outside the cluster: an Istio Hostname, an XBackend, or a Service of type ExternalName. */
export function isExternalBackend(backend: BackendRef, route: Route, objects: ObjectIndex): boolean {
  const kind = backend.kind ?? "Service";
  const group = backend.group ?? "";
  if (EXTERNAL_BACKENDS.has(`${group}/${kind}`)) return true;
  if (kind !== "Service" || group !== "") return false;
  const service = objects.get("Service", backend.namespace ?? route.metadata.namespace, backend.name ?? "");
  return service?.spec?.type === "ExternalName";
}

/** A Gateway whose listeners are all HBONE: the mesh carries its traffic, names play no part (architecture decision 20). */
export function isWaypoint(gateway: Kinds["Gateway"]): boolean {
  const listeners = gateway.spec?.listeners ?? [];
  return listeners.length > 0 && listeners.every(({ protocol }) => protocol === "HBONE");
}

/** Whether a route leads out of the cluster: a backend is external, or its parent is a waypoint or a ServiceEntry. */
export function isEgressRoute(route: Route, objects: ObjectIndex): boolean {
  const backends = (route.spec?.rules ?? []).flatMap(({ backendRefs }) => backendRefs ?? []);
  return (
    backends.some((backend) => isExternalBackend(backend, route, objects)) ||
    (route.spec?.parentRefs ?? []).some((parent) => {
      if (parent.kind === "ServiceEntry") return true;
      const gateway = objects.get("Gateway", parent.namespace ?? route.metadata.namespace, parent.name ?? "");
      return (parent.kind ?? "Gateway") === "Gateway" && gateway !== undefined && isWaypoint(gateway);
    })
  );
}

/** Type of a Secret that lets Kuadrant publish a policy's names in its own CoreDNS instead of a public zone. */
export const COREDNS_PROVIDER = "kuadrant.io/coredns";
/** On a Secret: policies of its namespace that name no provider use it. */
const DEFAULT_PROVIDER_LABEL = "kuadrant.io/default-provider";

/** The Secrets in view that a DNSPolicy publishes its names with: those that it names, else its namespace's default. */
export function providerSecrets(policy: Kinds["DNSPolicy"], objects: ObjectIndex): readonly Kinds["Secret"][] {
  const { namespace } = policy.metadata;
  const refs = policy.spec?.providerRefs ?? [];
  if (refs.length === 0) {
    return objects.of("Secret").filter((one) => one.metadata.namespace === namespace && isDefaultProvider(one));
  }
  return refs.map((ref) => objects.get("Secret", namespace, ref.name ?? "")).filter((secret) => secret !== undefined);
}

const isDefaultProvider = ({ metadata }: Kinds["Secret"]): boolean =>
  metadata.labels?.[DEFAULT_PROVIDER_LABEL] === "true";

/** `namespace/name` of the Gateways whose names a DNSPolicy publishes in the cluster: pods are meant to go there. */
function publishedGateways(objects: ObjectIndex): ReadonlySet<string> {
  const targets = objects.of("DNSPolicy").flatMap((policy) => {
    const { kind, name } = policy.spec?.targetRef ?? {};
    if (kind !== "Gateway" || name === undefined) return [];
    const inCluster = providerSecrets(policy, objects).some(({ type }) => type === COREDNS_PROVIDER);
    return inCluster ? [`${policy.metadata.namespace}/${name}`] : [];
  });
  return new Set(targets);
}

/**
 * The Gateways that are used for outbound traffic. Waypoints never are, nor those whose label forbids it. The others
 * are when a DNSPolicy publishes their names in the cluster, or when they are chosen: by `selector` if there is one,
 * else by the label, or because a route that leads out of the cluster is attached.
 */
export function findEgressGateways(
  attachments: readonly Attachment[],
  objects: ObjectIndex,
  selector?: LabelSelector,
): readonly Kinds["Gateway"][] {
  const published = publishedGateways(objects);
  const leading = new Set<Kinds["Gateway"]>();
  for (const { gateway, route } of selector === undefined ? attachments : []) {
    if (!leading.has(gateway) && isEgressRoute(route, objects)) leading.add(gateway);
  }
  return objects.of("Gateway").filter((gateway) => {
    const { labels = {}, namespace, name } = gateway.metadata;
    const label = labels[EGRESS_GATEWAY_LABEL];
    if (isWaypoint(gateway) || label === "false") return false;
    const chosen =
      selector === undefined ? label === "true" || leading.has(gateway) : selectorMatches(selector, labels);
    return chosen || published.has(`${namespace}/${name}`);
  });
}
