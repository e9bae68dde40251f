import type { Attachment, Route } from "./attachment.ts";
import type { BackendRef } from "./kinds/route.ts";
import type { Kinds } from "./kinds.ts";
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

/** Whether a Gateway is used for outbound traffic: by its label, else because an egress route is attached. */
export function isEgressGateway(
  gateway: Kinds["Gateway"],
  attachments: readonly Attachment[],
  objects: ObjectIndex,
): boolean {
  if (isWaypoint(gateway)) return false;
  const label = gateway.metadata.labels?.[EGRESS_GATEWAY_LABEL];
  if (label === "true" || label === "false") return label === "true";
  return attachments.some((attachment) => attachment.gateway === gateway && isEgressRoute(attachment.route, objects));
}
