import type { FieldPath } from "./field-path.ts";
import type { Kinds } from "./kinds.ts";
import { selectorMatches } from "./label-selector.ts";
import type { ObjectIndex } from "./object-index.ts";
import { isHboneListener } from "./waypoint-binding.ts";

/** Label of a waypoint: which traffic it carries. Default `service`, which ServiceEntries need. */
const WAYPOINT_FOR_LABEL = "istio.io/waypoint-for";

/** Classes of Istio that deploy something other than a waypoint. */
const OTHER_CLASSES = new Set(["istio", "istio-remote", "openshift-default"]);
const WAYPOINT_CLASS = "istio-waypoint";
const WAYPOINT_CONTROLLER = "istio.io/mesh-controller";
const GATEWAY_CONTROLLER = "istio.io/gateway-controller";

/** Why a Gateway cannot carry the traffic of a namespace's ServiceEntries, and the field that says so. */
export type WaypointFault = { readonly reason: string; readonly path: FieldPath; readonly remedy: string };

/**
 * What stops a Gateway from being the waypoint of ServiceEntries in a namespace; undefined when nothing does.
 * A class that is not Istio's may have listeners of its own, so only what is said for all classes is judged then.
 * Source: istio pilot/pkg/serviceregistry/ambient/waypoints.go.
 */
export function waypointFault(
  gateway: Kinds["Gateway"],
  namespace: string,
  objects: ObjectIndex,
): WaypointFault | undefined {
  const { gatewayClassName: name = "" } = gateway.spec ?? {};
  const controller = objects.get("GatewayClass", "", name)?.spec?.controllerName;
  if (controller === undefined ? OTHER_CLASSES.has(name) : controller === GATEWAY_CONTROLLER) {
    return {
      reason: `its class \`${name}\` makes no waypoints`,
      path: ["spec", "gatewayClassName"],
      remedy: `Use \`gatewayClassName: ${WAYPOINT_CLASS}\`.`,
    };
  }
  const isWaypointClass = controller === undefined ? name === WAYPOINT_CLASS : controller === WAYPOINT_CONTROLLER;
  if (isWaypointClass && !(gateway.spec?.listeners ?? []).some(isHboneListener)) {
    return {
      reason: "it has no listener for HBONE on port 15008",
      path: ["spec", "listeners"],
      remedy: "Add the listener `{name: mesh, port: 15008, protocol: HBONE}`.",
    };
  }
  return trafficFault(gateway) ?? namespaceFault(gateway, namespace, objects, isWaypointClass);
}

function trafficFault({ metadata }: Kinds["Gateway"]): WaypointFault | undefined {
  const carries = metadata.labels?.[WAYPOINT_FOR_LABEL];
  if (carries !== "workload" && carries !== "none") return undefined;
  return {
    reason: `its label \`${WAYPOINT_FOR_LABEL}: ${carries}\` leaves services out`,
    path: ["metadata", "labels", WAYPOINT_FOR_LABEL],
    remedy: `Set \`${WAYPOINT_FOR_LABEL}: service\`, or \`all\`.`,
  };
}

/** Whether a listener takes traffic of the namespace; one whose labels are not in view is taken to be allowed. */
function namespaceFault(
  gateway: Kinds["Gateway"],
  namespace: string,
  objects: ObjectIndex,
  isWaypointClass: boolean,
): WaypointFault | undefined {
  const listeners = gateway.spec?.listeners ?? [];
  const judged = listeners.filter((listener) => !isWaypointClass || isHboneListener(listener));
  const labels = objects.get("Namespace", "", namespace)?.metadata.labels;
  const seen = objects.get("Namespace", "", namespace) !== undefined;
  const admits = judged.some(({ allowedRoutes }) => {
    const { from = "Same", selector } = allowedRoutes?.namespaces ?? {};
    if (from === "Same") return gateway.metadata.namespace === namespace;
    if (from === "Selector") return !seen || selectorMatches(selector ?? {}, labels ?? {});
    return from === "All";
  });
  if (admits || judged.length === 0) return undefined;
  const index = listeners.indexOf(judged[0] as (typeof judged)[number]);
  const written = judged[0]?.allowedRoutes !== undefined;
  return {
    reason: `its \`allowedRoutes\` do not admit namespace \`${namespace}\``,
    path: ["spec", "listeners", index, ...(written ? ["allowedRoutes"] : [])],
    remedy: "Set `allowedRoutes.namespaces.from` to `All`, or to a `Selector` that matches the namespace.",
  };
}
