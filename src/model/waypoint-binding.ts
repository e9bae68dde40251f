import type { Listener } from "./kinds/gateway.ts";
import type { Kinds } from "./kinds.ts";
import type { ObjectIndex } from "./object-index.ts";

/** Label of a ServiceEntry, Service or Namespace: the waypoint that carries its traffic; the word `none` means no waypoint. */
export const USE_WAYPOINT_LABEL = "istio.io/use-waypoint";

/** Label beside it, when that waypoint lives in another namespace. */
export const USE_WAYPOINT_NAMESPACE_LABEL = "istio.io/use-waypoint-namespace";

/**
 * Which waypoint the labels ask for; the Gateway itself may be absent or unfit.
 * `asked`: `by` carries the label. `refused`: `by` says `none`. `unlabelled`: nobody says anything, and
 * `namespaceSeen` tells whether the Namespace was there to say it.
 */
export type WaypointBinding =
  | {
      readonly status: "asked";
      readonly namespace: string;
      readonly name: string;
      readonly by: Kinds["ServiceEntry"] | Kinds["Namespace"];
    }
  | { readonly status: "refused"; readonly by: Kinds["ServiceEntry"] | Kinds["Namespace"] }
  | { readonly status: "unlabelled"; readonly namespaceSeen: boolean };

/**
 * Reads the labels as ztunnel's control plane does: the object's own label wins, then its Namespace's; a name without
 * a namespace beside it means the labelled object's own namespace.
 * Source: istio pilot/pkg/serviceregistry/ambient, getUseWaypoint and fetchWaypointForTarget.
 */
export function waypointBinding(entry: Kinds["ServiceEntry"], objects: ObjectIndex): WaypointBinding {
  const own = readLabels(entry, entry.metadata.namespace);
  if (own !== undefined) return own;
  const namespace = objects.get("Namespace", "", entry.metadata.namespace);
  const inherited = namespace === undefined ? undefined : readLabels(namespace, entry.metadata.namespace);
  return inherited ?? { status: "unlabelled", namespaceSeen: namespace !== undefined };
}

function readLabels(by: Kinds["ServiceEntry"] | Kinds["Namespace"], home: string): WaypointBinding | undefined {
  const { labels = {} } = by.metadata;
  const name = labels[USE_WAYPOINT_LABEL];
  if (name === undefined) return undefined;
  if (name === "none") return { status: "refused", by };
  return { status: "asked", name, namespace: labels[USE_WAYPOINT_NAMESPACE_LABEL] ?? home, by };
}

/** Whether pods of a namespace are in the ambient mesh; a Namespace that is not in view is taken to be (decision 17). */
export function isAmbient(namespace: string, objects: ObjectIndex): boolean {
  const object = objects.get("Namespace", "", namespace);
  return object === undefined || object.metadata.labels?.["istio.io/dataplane-mode"] === "ambient";
}

/** The port and protocol on which ztunnel speaks to a waypoint (istio HBONE). */
export const isHboneListener = ({ port, protocol }: Listener): boolean => protocol === "HBONE" && port === 15008;
