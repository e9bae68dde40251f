import { GATEWAY_NAME_LABEL } from "../model/gateway-address.ts";
import { isWildcard } from "../model/hostname.ts";
import type { Kinds } from "../model/kinds.ts";
import type { ObjectIndex } from "../model/object-index.ts";
import type { Topology } from "../model/topology.ts";
import { isNameserver, MAX_NAMESERVERS } from "./limits.ts";
import type { NamespaceFacts } from "./mode.ts";

/** Label of our own Services that pods may ask. */
export const DNS_SERVICE_LABEL = "sluice.dev/dns";

/**
 * Where pods reach our resolver. `missing`: no Service, or none with an address yet, which may pass. `unusable`: only
 * headless or ExternalName Services, which somebody must mend. `ready` is false when no replica can answer.
 */
export type ResolverState =
  | { readonly status: "usable"; readonly nameservers: readonly string[]; readonly ready: boolean }
  | { readonly status: "missing" | "unusable" };

/** The labels by which a gateway's Service finds the gateway's pods; never empty. */
export type GatewaySelector = {
  readonly namespace: string;
  readonly labels: readonly (readonly [key: string, value: string])[];
};

/** Egress hostnames, for asking about one name: exact ones, and the `.example.com` of `*.example.com`. */
export type EgressNames = { readonly exact: ReadonlySet<string>; readonly suffixes: readonly string[] };

/** What a decision needs to know of the cluster beside the pod and its namespace. */
export type ClusterFacts = {
  readonly resolver: ResolverState;
  readonly gatewaySelectors: readonly GatewaySelector[];
  readonly egressNames: EgressNames;
};

/** Whether a normalised host name is one that must go through a gateway. A wildcard does not cover its own base. */
export const isEgressName = (hostname: string, { exact, suffixes }: EgressNames): boolean =>
  exact.has(hostname) || suffixes.some((suffix) => hostname.endsWith(suffix));

/** A resolver whose addresses were given by hand, at most three IP literals. */
export const fixedResolver = (nameservers: readonly string[]): ResolverState =>
  nameservers.length === 0 ? { status: "missing" } : { status: "usable", nameservers, ready: true };

/** Reads the facts out of a Topology. Costs a pass over the Services: once for each Topology, not for each pod. */
export function clusterFactsOf(
  topology: Topology,
  given: { readonly ownNamespace: string; readonly resolver?: ResolverState },
): ClusterFacts {
  const names = topology.egressHostnames.map(({ hostname }) => hostname);
  return {
    resolver: given.resolver ?? resolverStateOf(topology.objects, given.ownNamespace),
    gatewaySelectors: topology.egressGateways.flatMap((gateway) => selectorsOf(gateway, topology.objects)),
    egressNames: {
      exact: new Set(names.filter((name) => !isWildcard(name))),
      suffixes: names.filter(isWildcard).map((name) => name.slice(1)),
    },
  };
}

/** What is known of one namespace. Without the Namespace in view `labels` stays out. */
export function namespaceFactsOf(topology: Topology, name: string): NamespaceFacts {
  const namespace = topology.objects.get("Namespace", "", name);
  if (namespace === undefined) return { name };
  const { labels = {}, deletionTimestamp } = namespace.metadata;
  return { name, labels, terminating: deletionTimestamp !== undefined || namespace.status?.phase === "Terminating" };
}

/**
 * The addresses of our Services, in the order of their names, at most three: one of each Service's own (its primary
 * family), because a second family adds no redundancy and takes a place.
 */
export function resolverStateOf(objects: ObjectIndex, ownNamespace: string): ResolverState {
  const services = objects
    .of("Service")
    .filter(({ metadata }) => metadata.namespace === ownNamespace && metadata.labels?.[DNS_SERVICE_LABEL] === "true");
  const usable = services.filter((service) => isNameserver(addressOf(service)));
  if (usable.length === 0) {
    return { status: services.some(neverUsable) && services.every(neverUsable) ? "unusable" : "missing" };
  }
  const nameservers = [...new Set(usable.map(addressOf))].slice(0, MAX_NAMESERVERS);
  return { status: "usable", nameservers, ready: usable.some((service) => hasReadyEndpoint(service, objects)) };
}

const addressOf = ({ spec }: Kinds["Service"]): string =>
  spec?.type === "ExternalName" ? "" : (spec?.clusterIPs?.[0] ?? spec?.clusterIP ?? "");

const neverUsable = (service: Kinds["Service"]): boolean =>
  service.spec?.type === "ExternalName" || addressOf(service) === "None";

function hasReadyEndpoint({ metadata }: Kinds["Service"], objects: ObjectIndex): boolean {
  return objects
    .of("EndpointSlice")
    .some(
      (slice) =>
        slice.metadata.namespace === metadata.namespace &&
        slice.metadata.labels?.["kubernetes.io/service-name"] === metadata.name &&
        (slice.endpoints ?? []).some(
          ({ addresses = [], conditions }) => addresses.length > 0 && conditions?.ready !== false,
        ),
    );
}

/** Selectors of the Services that are a gateway's: made for it by its controller, or named as its address. */
function selectorsOf(gateway: Kinds["Gateway"], objects: ObjectIndex): readonly GatewaySelector[] {
  const { namespace, name } = gateway.metadata;
  const addresses = new Set((gateway.status?.addresses ?? []).map(({ value = "" }) => value));
  return objects
    .of("Service")
    .filter((service) => {
      const own = service.metadata.namespace === namespace && service.metadata.labels?.[GATEWAY_NAME_LABEL] === name;
      const host = `${service.metadata.name}.${service.metadata.namespace}.svc`;
      const named = [...addresses].some((address) => address === host || address.startsWith(`${host}.`));
      return own || named || (service.spec?.clusterIPs ?? []).some((address) => addresses.has(address));
    })
    .map((service) => ({
      namespace: service.metadata.namespace,
      labels: Object.entries(service.spec?.selector ?? {}),
    }))
    .filter(({ labels }) => labels.length > 0);
}
