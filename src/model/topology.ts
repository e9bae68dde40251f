import { type Attachment, buildAttachments } from "./attachment.ts";
import type { Decoded } from "./decode.ts";
import type { EgressView } from "./egress.ts";
import { findEgressGateways, isWaypoint } from "./egress-gateway.ts";
import { buildEgressHostnames, type ConflictMode, type GatewayView } from "./egress-hostnames.ts";
import { type GatewayAddressMode, gatewayPodAddresses, gatewayState } from "./gateway-address.ts";
import type { LabelSelector } from "./kinds/metadata.ts";
import type { Kind, Kinds } from "./kinds.ts";
import { buildObjectIndex, type ObjectIndex } from "./object-index.ts";
import { identityOf, type ObjectRef } from "./object-ref.ts";

/**
 * The whole picture at one moment: immutable, built whole from objects, replaced whole. Everything that decides
 * (resolver, injection, linter, explain) is a function of it.
 */
export type Topology = EgressView & {
  readonly objects: ObjectIndex;
  /** What it was built from, in the order given. */
  readonly decoded: readonly Decoded[];
  readonly settings: TopologySettings;
  /** Every route attached to a listener, waypoints included. */
  readonly attachments: readonly Attachment[];
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
  const attachments = buildAttachments(objects);
  const egressGateways = findEgressGateways(attachments, objects, settings.gateways);
  const waypoints = objects.of("Gateway").filter(isWaypoint);
  const lookup = { objects, clusterDomain: settings.clusterDomain, mode: settings.gatewayAddress };
  const views: readonly GatewayView[] = egressGateways.map((gateway) => ({
    gateway,
    ref: refOf(gateway),
    state: gatewayState(gateway, lookup),
    attachments: attachments.filter((attachment) => attachment.gateway === gateway),
  }));
  return {
    objects,
    decoded,
    settings,
    attachments,
    egressGateways,
    waypoints,
    egressHostnames: buildEgressHostnames(views, settings.conflict, refOf),
    gatewayPodAddresses: gatewayPodAddresses([...egressGateways, ...waypoints], objects),
  };
}

/** The picture as it would be with one object created or changed. */
export function withObject(topology: Topology, decoded: Decoded): Topology {
  const identity = identityOf(decoded.ref);
  const others = topology.decoded.filter(({ ref }) => identityOf(ref) !== identity);
  return buildTopology([...others, decoded], topology.settings);
}

/** The picture as it would be without one object. */
export function withoutObject(topology: Topology, ref: ObjectRef): Topology {
  const identity = identityOf(ref);
  return buildTopology(
    topology.decoded.filter((decoded) => identityOf(decoded.ref) !== identity),
    topology.settings,
  );
}
