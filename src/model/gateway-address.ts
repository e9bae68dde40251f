import { isListed, usableAddress } from "./address.ts";
import type { EgressState } from "./egress.ts";
import { DNS_POLICIES_BY_GATEWAY } from "./egress-gateway.ts";
import { normalizeHostname } from "./hostname.ts";
import type { Kinds } from "./kinds.ts";
import { defineLookup, type ObjectIndex } from "./object-index.ts";

/** How gateway addresses are found: from the Gateway's status, or always from the Service that carries its name. */
export type GatewayAddressMode = "status" | "service";

export const GATEWAY_NAME_LABEL = "gateway.networking.k8s.io/gateway-name";

type Lookup = { readonly objects: ObjectIndex; readonly clusterDomain: string; readonly mode: GatewayAddressMode };

/** Whether the gateway can be answered with, and with which addresses. Decides nothing about listeners. */
export function gatewayState(gateway: Kinds["Gateway"], lookup: Lookup): EgressState {
  const accepted = (gateway.status?.conditions ?? []).find(({ type }) => type === "Accepted");
  if (accepted?.status === "False") return closed("the gateway is not accepted by its controller");
  if (lookup.mode === "service") return stateOfServices(servicesNamedAfter(gateway, lookup.objects), gateway, lookup);

  const addresses = gateway.status?.addresses ?? [];
  const literals = addresses.filter(({ type = "IPAddress" }) => type === "IPAddress").map(({ value = "" }) => value);
  const usable = keepUsable(literals, gateway, lookup.objects);
  if (usable.length > 0) return { status: "ready", addresses: usable };

  const names = keepNames(
    addresses.filter(({ type }) => type === "Hostname").map(({ value = "" }) => value),
    gateway,
    lookup.objects,
  );
  if (names.length > 0) return stateOfHostnames(names, gateway, lookup);
  const given = addresses.map(({ value = "" }) => value);
  return closed(
    given.length > 0 ? `none of its addresses can be used: ${given.join(", ")}` : "the gateway has no address yet",
  );
}

const closed = (reason: string): EgressState => ({ status: "closed", reason });

/** What DNSPolicies on the gateway keep out of its addresses (`excludeAddresses`): host names, addresses, CIDRs. */
const excludedBy = (gateway: Kinds["Gateway"], objects: ObjectIndex): readonly string[] =>
  objects
    .having(DNS_POLICIES_BY_GATEWAY, `${gateway.metadata.namespace}/${gateway.metadata.name}`)
    .flatMap(({ spec }) => spec?.excludeAddresses ?? []);

/** Drops what pods could not reach, and what is excluded. */
function keepUsable(values: readonly string[], gateway: Kinds["Gateway"], objects: ObjectIndex): readonly string[] {
  const excluded = excludedBy(gateway, objects);
  const usable = values.map(usableAddress).filter((address) => address !== undefined);
  return [...new Set(usable)].filter((address) => !isListed(address, excluded));
}

/** Drops host names that are excluded, whatever their case and root dot. */
function keepNames(names: readonly string[], gateway: Kinds["Gateway"], objects: ObjectIndex): readonly string[] {
  const excluded = new Set(names.length === 0 ? [] : excludedBy(gateway, objects).map(normalizeHostname));
  return names.filter((name) => !excluded.has(normalizeHostname(name) ?? name));
}

/**
 * Istio gives an in-cluster gateway the name of its Service as address: answered from the Service itself, so it holds
 * while cluster DNS is down. Other names are looked up by the resolver. Where no Service at all is in view (files
 * that hold only gateways), a Service's name is looked up too: nothing can be concluded from its absence.
 */
function stateOfHostnames(names: readonly string[], gateway: Kinds["Gateway"], lookup: Lookup): EgressState {
  const servicesKnown = lookup.objects.of("Service").length > 0;
  const refs = names.map((name) => serviceRef(name, lookup.clusterDomain));
  const inCluster = refs.filter((ref) => ref !== undefined);
  if (inCluster.length === 0 || !servicesKnown) {
    const outside = names.map(normalizeHostname).filter((name) => name !== undefined);
    return outside.length > 0
      ? { status: "unresolved", hostnames: outside }
      : closed(`its address is no host name: ${names.join(", ")}`);
  }
  const services = inCluster.map(({ namespace, name }) => lookup.objects.get("Service", namespace, name));
  const missing = inCluster.find((_, index) => services[index] === undefined);
  const found = services.filter((service) => service !== undefined);
  if (found.length === 0) return closed(`Service ${missing?.namespace}/${missing?.name} does not exist`);
  return stateOfServices(found, gateway, lookup);
}

function stateOfServices(
  services: readonly Kinds["Service"][],
  gateway: Kinds["Gateway"],
  { objects }: Lookup,
): EgressState {
  const addresses = services.flatMap((service) => {
    const clusterIPs = service.spec?.clusterIPs ?? (service.spec?.clusterIP ? [service.spec.clusterIP] : []);
    return clusterIPs.includes("None") ? readyEndpoints(service, objects) : clusterIPs;
  });
  const usable = keepUsable(addresses, gateway, objects);
  if (usable.length > 0) return { status: "ready", addresses: usable };
  const names = services.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(", ");
  return closed(names === "" ? "no Service carries the gateway's name" : `Service ${names} has no address yet`);
}

/** The Services that the gateway's controller made for it. */
const servicesNamedAfter = (gateway: Kinds["Gateway"], objects: ObjectIndex): readonly Kinds["Service"][] =>
  objects.having(NAMED_AFTER_GATEWAY, `${gateway.metadata.namespace}/${gateway.metadata.name}`);

const NAMED_AFTER_GATEWAY = defineLookup({
  kinds: ["Service"],
  keysOf: ({ metadata }) => {
    const name = metadata.labels?.[GATEWAY_NAME_LABEL];
    return name === undefined ? [] : [`${metadata.namespace}/${name}`];
  },
});

const SLICES_BY_SERVICE = defineLookup({
  kinds: ["EndpointSlice"],
  keysOf: ({ metadata }) => {
    const name = metadata.labels?.["kubernetes.io/service-name"];
    return name === undefined ? [] : [`${metadata.namespace}/${name}`];
  },
});

function readyEndpoints(service: Kinds["Service"], objects: ObjectIndex): readonly string[] {
  return objects
    .having(SLICES_BY_SERVICE, `${service.metadata.namespace}/${service.metadata.name}`)
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses ?? []);
}

/** `<name>.<namespace>.svc.<cluster domain>` → that Service. */
function serviceRef(hostname: string, clusterDomain: string): { namespace: string; name: string } | undefined {
  const name = normalizeHostname(hostname);
  const suffix = `.svc.${clusterDomain}`;
  if (name === undefined || !name.endsWith(suffix)) return undefined;
  const labels = name.slice(0, -suffix.length).split(".");
  const [service, namespace] = labels;
  return labels.length === 2 && service !== undefined && namespace !== undefined
    ? { namespace, name: service }
    : undefined;
}

/**
 * Addresses of the pods that are a gateway: endpoints of the EndpointSlices that carry its name (the slices inherit
 * the label from the Service that the controller makes).
 */
export const gatewayPodAddresses = (gateways: readonly Kinds["Gateway"][], objects: ObjectIndex): readonly string[] => {
  const names = new Set(gateways.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
  const addresses = objects
    .of("EndpointSlice")
    .filter(({ metadata }) => names.has(`${metadata.namespace}/${metadata.labels?.[GATEWAY_NAME_LABEL]}`))
    .flatMap(({ endpoints }) => endpoints ?? [])
    .flatMap(({ addresses: own }) => own ?? []);
  return [...new Set(addresses)].sort();
};
