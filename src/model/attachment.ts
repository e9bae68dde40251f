import { intersect, normalizeHostname } from "./hostname.ts";
import type { Listener } from "./kinds/gateway.ts";
import type { ParentRef } from "./kinds/route.ts";
import type { Kinds } from "./kinds.ts";
import { selectorMatches } from "./label-selector.ts";
import type { ObjectIndex } from "./object-index.ts";

export type Route = Kinds["HTTPRoute"] | Kinds["GRPCRoute"];

/** One route attached to one listener: all rules of the route are reachable through it. */
export type Attachment = {
  readonly gateway: Kinds["Gateway"];
  readonly listener: Listener;
  readonly route: Route;
  /** Position in `spec.parentRefs`. */
  readonly parentIndex: number;
  /** Names served here: the intersection of the listener's and the route's. [""] when neither names a host. */
  readonly hostnames: readonly string[];
};

const GATEWAY_GROUP = "gateway.networking.k8s.io";
const ROUTE_PROTOCOLS = new Set(["HTTP", "HTTPS", "HBONE"]);

export const allRoutes = (objects: ObjectIndex): readonly Route[] => [
  ...objects.of("HTTPRoute"),
  ...objects.of("GRPCRoute"),
];

/** Whether a parentRef means a Gateway, and which one. Its defaults: group and kind of Gateway, the route's namespace. */
export function gatewayOf(
  parent: ParentRef,
  route: Pick<Route, "metadata">,
  objects: ObjectIndex,
): Kinds["Gateway"] | undefined {
  if ((parent.kind ?? "Gateway") !== "Gateway" || (parent.group ?? GATEWAY_GROUP) !== GATEWAY_GROUP) return undefined;
  return objects.get("Gateway", parent.namespace ?? route.metadata.namespace, parent.name ?? "");
}

/**
 * Every listener that a route is attached to, in the order of parentRefs and listeners. `names` remembers what
 * listeners' hostnames look like: every route of a gateway asks for the same few.
 */
export function attachmentsOf(
  route: Route,
  objects: ObjectIndex,
  names: Map<string, string | undefined>,
): readonly Attachment[] {
  const own = ownHostnames(route);
  return (route.spec?.parentRefs ?? []).flatMap((parent, parentIndex) => {
    const gateway = gatewayOf(parent, route, objects);
    if (gateway === undefined || isRefused(route, parent)) return [];
    return (gateway.spec?.listeners ?? []).flatMap((listener) => {
      if (!selects(parent, listener) || admissionFault(listener, gateway, route, objects) !== undefined) return [];
      const hostnames = sharedHostnames(listener, own, names);
      return hostnames.length === 0 ? [] : [{ gateway, listener, route, parentIndex, hostnames }];
    });
  });
}

/** Whether the gateway's controller says that it refused the route. No status is no refusal: files carry none. */
function isRefused(route: Route, parent: ParentRef): boolean {
  const status = (route.status?.parents ?? []).filter(
    ({ parentRef }) =>
      parentRef?.name === parent.name &&
      (parentRef?.namespace ?? route.metadata.namespace) === (parent.namespace ?? route.metadata.namespace) &&
      parentRef?.sectionName === parent.sectionName &&
      parentRef?.port === parent.port,
  );
  const accepted = status.flatMap(({ conditions }) => conditions ?? []).filter(({ type }) => type === "Accepted");
  return accepted.length > 0 && accepted.every(({ status: value }) => value === "False");
}

const selects = (parent: ParentRef, listener: Listener): boolean =>
  (parent.sectionName === undefined || parent.sectionName === listener.name) &&
  (parent.port === undefined || parent.port === listener.port);

/** What of a listener keeps a route out: its protocol, or `allowedRoutes`. */
export type AdmissionFault = "protocol" | "kinds" | "namespaces";

/** The listener's protocol, `allowedRoutes.kinds` and `allowedRoutes.namespaces` (default: its own namespace only). */
function admissionFault(
  listener: Listener,
  gateway: Kinds["Gateway"],
  route: Route,
  objects: ObjectIndex,
): AdmissionFault | undefined {
  if (!ROUTE_PROTOCOLS.has(listener.protocol ?? "HTTP")) return "protocol";
  const kinds = listener.allowedRoutes?.kinds ?? [];
  if (kinds.length > 0 && !kinds.some(({ kind }) => kind === route.kind)) return "kinds";
  const { from = "Same", selector } = listener.allowedRoutes?.namespaces ?? {};
  if (from === "All") return undefined;
  if (from !== "Selector") return route.metadata.namespace === gateway.metadata.namespace ? undefined : "namespaces";
  const namespace = objects.get("Namespace", "", route.metadata.namespace);
  // A namespace that is not in view cannot be judged by its labels; it is taken to be allowed (architecture decision 17).
  const allowed = namespace === undefined || selectorMatches(selector ?? {}, namespace.metadata.labels ?? {});
  return allowed ? undefined : "namespaces";
}

/**
 * Why no listener of a Gateway takes a route by one of its parentRefs, with the reason of Gateway API's Accepted
 * condition. `listeners` are those that come into question.
 */
export type Refusal =
  | { readonly reason: "NoMatchingParent" }
  | { readonly reason: "NotAllowedByListeners"; readonly listener: Listener; readonly fault: AdmissionFault }
  | { readonly reason: "NoMatchingListenerHostname"; readonly listeners: readonly Listener[] };

/** Judged by the specs alone, whatever a status says; undefined when a listener takes the route. */
export function refusalOf(
  parent: ParentRef,
  gateway: Kinds["Gateway"],
  route: Route,
  objects: ObjectIndex,
): Refusal | undefined {
  const judged = (gateway.spec?.listeners ?? [])
    .filter((listener) => selects(parent, listener))
    .map((listener) => ({ listener, fault: admissionFault(listener, gateway, route, objects) }));
  const [first] = judged;
  if (first === undefined) return { reason: "NoMatchingParent" };
  const open = judged.filter(({ fault }) => fault === undefined).map(({ listener }) => listener);
  if (open.length === 0) {
    return { reason: "NotAllowedByListeners", listener: first.listener, fault: first.fault ?? "namespaces" };
  }
  const own = ownHostnames(route);
  const names = new Map<string, string | undefined>();
  return open.some((listener) => sharedHostnames(listener, own, names).length > 0)
    ? undefined
    : { reason: "NoMatchingListenerHostname", listeners: open };
}

/** A route's hostnames in comparable form; undefined when it names none and takes the listener's. */
function ownHostnames(route: Route): readonly string[] | undefined {
  const hostnames = route.spec?.hostnames ?? [];
  return hostnames.length === 0
    ? undefined
    : hostnames.map(normalizeHostname).filter((hostname) => hostname !== undefined);
}

function sharedHostnames(
  { hostname = "" }: Listener,
  own: readonly string[] | undefined,
  names: Map<string, string | undefined>,
): readonly string[] {
  if (!names.has(hostname)) names.set(hostname, normalizeHostname(hostname));
  const listens = names.get(hostname) ?? "";
  if (own === undefined) return [listens];
  return [...new Set(own.map((name) => intersect(name, listens)).filter((name) => name !== undefined))];
}
