import type { Route } from "./attachment.ts";
import { type AttachmentIndex, buildAttachmentIndex, changedAttachments } from "./attachment-index.ts";
import type { Decoded } from "./decode.ts";
import { isEgressGateway, isWaypoint } from "./egress-gateway.ts";
import { gatewayPodAddresses } from "./gateway-address.ts";
import type { Kind, Kinds } from "./kinds.ts";
import { changedIndex, type ObjectChange, type ObjectIndex } from "./object-index.ts";
import { identityOf, type ObjectRef } from "./object-ref.ts";
import { egressHostnamesOf, type Topology } from "./topology.ts";

type Gateway = Kinds["Gateway"];

/** The picture as it would be with one object created or changed. Made from the one before, only as far as it is asked. */
export const withObject = (topology: Topology, decoded: Decoded): Topology => changed(topology, decoded.ref, decoded);

/** The picture as it would be without one object. */
export const withoutObject = (topology: Topology, ref: ObjectRef): Topology => changed(topology, ref, undefined);

/** What decides where routes are attached, beside the routes themselves. */
const ATTACHING: ReadonlySet<Kind> = new Set(["Gateway", "Namespace"]);
/** What decides which Gateways are for outbound traffic, beside these and the routes. */
const CHOOSING: ReadonlySet<Kind> = new Set(["DNSPolicy", "Secret", "Service"]);
/** What decides the addresses of Gateways, beside all of these. */
const ADDRESSING: ReadonlySet<Kind> = new Set(["EndpointSlice"]);

const isRoute = (kind: Kind): kind is Route["kind"] => kind === "HTTPRoute" || kind === "GRPCRoute";

/** Runs once, when it is first asked. */
function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function changed(base: Topology, ref: ObjectRef, decoded: Decoded | undefined): Topology {
  const kind = ref.kind as Kind;
  const before = base.objects.get(kind, ref.namespace, ref.name) as Kinds[Kind] | undefined;
  const after = decoded?.object;
  const change: ObjectChange = {
    kind,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  };
  const objects = changedIndex(base.objects, change);
  const routing = changedRouting(base, change, objects);
  const egressGateways = lazily(() => changedEgress(base, { change, objects, routing }));
  const waypoints = lazily(() => (kind === "Gateway" ? objects.of("Gateway").filter(isWaypoint) : base.waypoints));
  const named = ATTACHING.has(kind) || CHOOSING.has(kind) || ADDRESSING.has(kind) || isRoute(kind);
  const hostnames = lazily(() =>
    named
      ? egressHostnamesOf({ objects, settings: base.settings, routing: routing(), egressGateways: egressGateways() })
      : base.egressHostnames,
  );
  const identity = identityOf(ref);
  const all = lazily(() => [
    ...base.decoded.filter((other) => other.object !== before && identityOf(other.ref) !== identity),
    ...(decoded === undefined ? [] : [decoded]),
  ]);
  const addresses = lazily(() =>
    named ? gatewayPodAddresses([...egressGateways(), ...waypoints()], objects) : base.gatewayPodAddresses,
  );
  return {
    objects,
    settings: base.settings,
    origin: { topology: base, change },
    get decoded() {
      return all();
    },
    positionOf: (object) => (object === after ? base.decoded.length : object === before ? -1 : base.positionOf(object)),
    get attachments() {
      return routing().all();
    },
    attachmentsOf: (route) => routing().ofRoute(route),
    attachmentsOn: (gateway) => routing().onGateway(gateway),
    get egressGateways() {
      return egressGateways();
    },
    get waypoints() {
      return waypoints();
    },
    get egressHostnames() {
      return hostnames();
    },
    get gatewayPodAddresses() {
      return addresses();
    },
  };
}

const routingOf = (topology: Topology): AttachmentIndex => ({
  all: () => topology.attachments,
  ofRoute: (route) => topology.attachmentsOf(route),
  onGateway: (gateway) => topology.attachmentsOn(gateway),
});

function changedRouting(base: Topology, { kind, before, after }: ObjectChange, objects: ObjectIndex) {
  return lazily((): AttachmentIndex => {
    if (ATTACHING.has(kind)) return buildAttachmentIndex(objects);
    if (!isRoute(kind)) return routingOf(base);
    const change = { before: before as Route | undefined, after: after as Route | undefined };
    return changedAttachments(routingOf(base), change, objects);
  });
}

type Changed = {
  readonly change: ObjectChange;
  readonly objects: ObjectIndex;
  readonly routing: () => AttachmentIndex;
};

/** The egress gateways after a change: a route and a DNSPolicy can only make a difference to their own gateways. */
function changedEgress(base: Topology, { change, objects, routing }: Changed): readonly Gateway[] {
  const { kind } = change;
  if (!ATTACHING.has(kind) && !CHOOSING.has(kind) && !isRoute(kind)) return base.egressGateways;
  const touched = touchedGateways(base, { change, objects, routing });
  const known = new Set(base.egressGateways);
  const view = { routing: routing(), objects, selector: base.settings.gateways };
  const isEgress = (gateway: Gateway): boolean =>
    touched === "all" || touched.has(gateway) ? isEgressGateway(gateway, view) : known.has(gateway);
  return objects.of("Gateway").filter(isEgress);
}

function touchedGateways(base: Topology, { change, objects, routing }: Changed): ReadonlySet<Gateway> | "all" {
  const { kind, before, after } = change;
  const both = [before, after].filter((object) => object !== undefined);
  if (isRoute(kind)) {
    const attached = [...base.attachmentsOf(before as Route), ...routing().ofRoute(after as Route)];
    return new Set(attached.map(({ gateway }) => gateway));
  }
  if (kind !== "DNSPolicy") return "all";
  const targets = (both as Kinds["DNSPolicy"][]).map(({ metadata, spec }) =>
    objects.get("Gateway", metadata.namespace, spec?.targetRef?.name ?? ""),
  );
  return new Set(targets.filter((gateway) => gateway !== undefined));
}
