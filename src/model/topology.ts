import type { Attachment, Route } from "./attachment.ts";
import { type AttachmentIndex, buildAttachmentIndex } from "./attachment-index.ts";
import type { Decoded } from "./decode.ts";
import type { EgressView } from "./egress.ts";
import { findEgressGateways, isWaypoint } from "./egress-gateway.ts";
import { buildEgressHostnames, type ConflictMode, type GatewayView } from "./egress-hostnames.ts";
import type { EngineVersions } from "./engine-versions.ts";
import { type GatewayAddressMode, gatewayPodAddresses, gatewayState } from "./gateway-address.ts";
import type { LabelSelector } from "./kinds/metadata.ts";
import type { Kind, Kinds } from "./kinds.ts";
import { buildObjectIndex, type ObjectChange, type ObjectIndex } from "./object-index.ts";
import type { ObjectRef } from "./object-ref.ts";

/**
 * The whole picture at one moment: immutable. Everything that decides (resolver, injection, linter, explain) is a function
 * of it.
 */
export type Topology = EgressView & {
  readonly objects: ObjectIndex;
  /** What it was built from, in the order given. */
  readonly decoded: readonly Decoded[];
  readonly settings: TopologySettings;
  /** The picture that this one was made from by changing one object (changed-topology.ts), and what was changed. */
  readonly origin?: { readonly topology: Topology; readonly change: ObjectChange };
  /** Where in `decoded` an object of the picture stands; one that stands later was read later. -1: it is not in it. */
  positionOf(object: Kinds[Kind]): number;
  /** Every route attached to a listener, waypoints included, in the order of routes, parentRefs and listeners. */
  readonly attachments: readonly Attachment[];
  /** Those of them that are one route's, in the same order. */
  attachmentsOf(route: Route): readonly Attachment[];
  /** Those of them that are on one Gateway, in the same order. */
  attachmentsOn(gateway: Kinds["Gateway"]): readonly Attachment[];
  readonly egressGateways: readonly Kinds["Gateway"][];
  readonly waypoints: readonly Kinds["Gateway"][];
};

export type TopologySettings = {
  /** The cluster's DNS domain, without dots at its ends. */
  readonly clusterDomain: string;
  readonly gatewayAddress: GatewayAddressMode;
  readonly conflict: ConflictMode;
  /** Labels of egress gateways; absent: the label `sluice.dev/egress-gateway`, or an attached route that leads out. */
  readonly gateways?: LabelSelector;
  /** Releases of the programs around it; absent: the heads that the rules were read from. */
  readonly engines?: EngineVersions;
};

export const DEFAULT_TOPOLOGY_SETTINGS: TopologySettings = {
  clusterDomain: "cluster.local",
  gatewayAddress: "status",
  conflict: "oldest",
};

export const refOf = ({ apiVersion, kind, metadata }: Kinds[Kind]): ObjectRef => ({
  apiVersion,
  kind,
  namespace: metadata.namespace,
  name: metadata.name,
});

/** Builds the picture. Never throws; of two objects with the same identity the later one counts. */
export function buildTopology(
  decoded: readonly Decoded[],
  settings: TopologySettings = DEFAULT_TOPOLOGY_SETTINGS,
): Topology {
  const objects = buildObjectIndex(decoded);
  const routing = buildAttachmentIndex(objects);
  const egressGateways = findEgressGateways(routing, objects, settings.gateways);
  const waypoints = objects.of("Gateway").filter(isWaypoint);
  let positions: ReadonlyMap<Kinds[Kind], number> | undefined;
  return {
    objects,
    decoded,
    positionOf: (object) => {
      positions ??= new Map(decoded.map((each, index) => [each.object, index]));
      return positions.get(object) ?? -1;
    },
    settings,
    attachments: routing.all(),
    attachmentsOf: routing.ofRoute,
    attachmentsOn: routing.onGateway,
    egressGateways,
    waypoints,
    egressHostnames: egressHostnamesOf({ objects, settings, routing, egressGateways }),
    gatewayPodAddresses: gatewayPodAddresses([...egressGateways, ...waypoints], objects),
  };
}

/** The names that egress gateways claim, from what a picture is made of. */
export function egressHostnamesOf(parts: {
  readonly objects: ObjectIndex;
  readonly settings: TopologySettings;
  readonly routing: Pick<AttachmentIndex, "onGateway">;
  readonly egressGateways: readonly Kinds["Gateway"][];
}): Topology["egressHostnames"] {
  const { objects, settings, routing, egressGateways } = parts;
  const lookup = { objects, clusterDomain: settings.clusterDomain, mode: settings.gatewayAddress };
  const views: readonly GatewayView[] = egressGateways.map((gateway) => ({
    gateway,
    ref: refOf(gateway),
    state: gatewayState(gateway, lookup),
    attachments: routing.onGateway(gateway),
  }));
  return buildEgressHostnames(views, settings.conflict, refOf);
}
