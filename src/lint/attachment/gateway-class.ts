import type { Kinds } from "../../model/kinds.ts";
import type { ObjectIndex } from "../../model/object-index.ts";

/**
 * Who runs a Gateway. `istio`: istiod, which also deploys it. `istio-other`: Istio's, but deployed by somebody else.
 * `unknown`: the GatewayClass is not in view and its name says nothing.
 */
export type GatewayClassVerdict = "istio" | "istio-other" | "istio-waypoint" | "other" | "unknown";

const BY_CONTROLLER: ReadonlyMap<string, GatewayClassVerdict> = new Map([
  ["istio.io/gateway-controller", "istio"],
  ["istio.io/mesh-controller", "istio-waypoint"],
  ["istio.io/unmanaged-gateway", "istio-other"],
  ["openshift.io/gateway-controller/v1", "istio-other"],
]);

const BY_NAME: ReadonlyMap<string, GatewayClassVerdict> = new Map([
  ["istio", "istio"],
  ["istio-remote", "istio-other"],
  ["istio-waypoint", "istio-waypoint"],
  ["openshift-default", "istio-other"],
  ["cilium", "other"],
  ["eg", "other"],
  ["envoy-gateway", "other"],
  ["kgateway", "other"],
  ["nginx", "other"],
]);

/** Who runs a Gateway: by the controller of its GatewayClass if that is in view, else by the class's name. */
export function gatewayClassOf({ spec }: Kinds["Gateway"], objects: ObjectIndex): GatewayClassVerdict {
  const name = spec?.gatewayClassName ?? "";
  const controller = objects.get("GatewayClass", "", name)?.spec?.controllerName;
  if (controller !== undefined) {
    return BY_CONTROLLER.get(controller) ?? (controller.startsWith("istio.io/") ? "istio-other" : "other");
  }
  return BY_NAME.get(name) ?? (name.startsWith("gke-") ? "other" : "unknown");
}
