import type { Route } from "./attachment.ts";
import type { AttachmentIndex } from "./attachment-index.ts";
import type { LabelSelector } from "./kinds/metadata.ts";
import type { BackendRef } from "./kinds/route.ts";
import type { Kinds } from "./kinds.ts";
import { selectorMatches } from "./label-selector.ts";
import { defineLookup, type ObjectIndex } from "./object-index.ts";

/** Label of a Gateway: "true" makes it an egress gateway, "false" forbids it. */
export const EGRESS_GATEWAY_LABEL = "sluice.dev/egress-gateway";

const EXTERNAL_BACKENDS = new Set(["networking.istio.io/Hostname", "gateway.networking.x-k8s.io/XBackend"]);

/** Whether a backend lies outside the cluster: an Istio Hostname, an XBackend, or a Service of type ExternalName. */
export function isExternalBackend(backend: BackendRef, route: Pick<Route, "metadata">, objects: ObjectIndex): boolean {
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
    return objects.having(DEFAULT_PROVIDERS, namespace);
  }
  return refs.map((ref) => objects.get("Secret", namespace, ref.name ?? "")).filter((secret) => secret !== undefined);
}

const isDefaultProvider = ({ metadata }: Kinds["Secret"]): boolean =>
  metadata.labels?.[DEFAULT_PROVIDER_LABEL] === "true";

const DEFAULT_PROVIDERS = defineLookup({
  kinds: ["Secret"],
  keysOf: (secret) => (isDefaultProvider(secret) ? [secret.metadata.namespace] : []),
});

/** DNSPolicies by the Gateway that they target, as `namespace/name`. */
export const DNS_POLICIES_BY_GATEWAY = defineLookup({
  kinds: ["DNSPolicy"],
  keysOf: ({ metadata, spec }) =>
    spec?.targetRef?.kind === "Gateway" && spec.targetRef.name !== undefined
      ? [`${metadata.namespace}/${spec.targetRef.name}`]
      : [],
});

/** Whether a DNSPolicy publishes the names of a Gateway in the cluster: pods are meant to go there. */
const isPublished = ({ metadata }: Kinds["Gateway"], objects: ObjectIndex): boolean =>
  objects
    .having(DNS_POLICIES_BY_GATEWAY, `${metadata.namespace}/${metadata.name}`)
    .some((policy) => providerSecrets(policy, objects).some(({ type }) => type === COREDNS_PROVIDER));

/**
 * The Gateways that are used for outbound traffic. Waypoints never are, nor those whose label forbids it. The others
 * are when a DNSPolicy publishes their names in the cluster, or when they are chosen: by `selector` if there is one,
 * else by the label, or because a route that leads out of the cluster is attached.
 */
export const findEgressGateways = (
  routing: Pick<AttachmentIndex, "onGateway">,
  objects: ObjectIndex,
  selector?: LabelSelector,
): readonly Kinds["Gateway"][] =>
  objects.of("Gateway").filter((gateway) => isEgressGateway(gateway, { routing, objects, selector }));

/** The same of one Gateway. */
export function isEgressGateway(
  gateway: Kinds["Gateway"],
  view: {
    readonly routing: Pick<AttachmentIndex, "onGateway">;
    readonly objects: ObjectIndex;
    readonly selector: LabelSelector | undefined;
  },
): boolean {
  const { routing, objects, selector } = view;
  const { labels = {} } = gateway.metadata;
  const label = labels[EGRESS_GATEWAY_LABEL];
  if (isWaypoint(gateway) || label === "false") return false;
  const chosen = selector === undefined ? label === "true" : selectorMatches(selector, labels);
  if (chosen || isPublished(gateway, objects)) return true;
  if (selector !== undefined) return false;
  // Of several attachments a route has one for each listener, one after the other.
  let last: Route | undefined;
  return routing.onGateway(gateway).some(({ route }) => {
    const seen = route === last;
    last = route;
    return !seen && isEgressRoute(route, objects);
  });
}
