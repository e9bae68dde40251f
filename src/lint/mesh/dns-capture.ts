import type { FieldPath } from "../../model/field-path.ts";
import { normalizeHostname } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";
import type { ObjectIndex } from "../../model/object-index.ts";
import type { TextRange } from "../../model/place.ts";
import type { Topology } from "../../model/topology.ts";
import { isExportedTo } from "../../model/transport.ts";
import { waypointBinding } from "../../model/waypoint-binding.ts";
import { egressOwner } from "../attachment/egress-owners.ts";
import { type CaptureSetting, hasSidecars, namespaceCapture, podSidecarCapture } from "./sidecar-dns.ts";

/** Label by which a Namespace opts in to Sluice's resolver, and its one value that does not. */
const EGRESS_LABEL = "sluice.dev/egress";
const OPTED_OUT = "disabled";

const DATAPLANE_LABEL = "istio.io/dataplane-mode";
const AMBIENT_DNS_ANNOTATION = "ambient.istio.io/dns-capture";

/** A Namespace whose pods ask Sluice's resolver, while the mesh answers them first; `by` is what turns that on. */
type Captured = {
  readonly namespace: Kinds["Namespace"];
  readonly by: Kinds["Namespace" | "Pod" | "ProxyConfig" | "ConfigMap"];
  readonly path: FieldPath;
  /** The stretch of the text at `path` that says so. */
  readonly range?: TextRange;
  /** Pods keep their DNS in this mode, so that nothing is lost yet. */
  readonly audit: boolean;
};

/** A ServiceEntry by which the mesh answers for egress hosts itself. */
type Answering = { readonly entry: Kinds["ServiceEntry"]; readonly hosts: readonly string[] };

/** A captured Namespace and an entry that is visible there. */
export type Bypass = Captured & Answering;

/** Every opted-in Namespace in view whose pods' questions the mesh answers. */
function capturedNamespaces({ objects }: Topology): readonly Captured[] {
  const pods = Map.groupBy(objects.of("Pod"), ({ metadata }) => metadata.namespace);
  return objects.of("Namespace").flatMap((namespace): readonly Captured[] => {
    const { labels = {}, name } = namespace.metadata;
    const mode = labels[EGRESS_LABEL];
    if (mode === undefined || mode === OPTED_OUT) return [];
    const audit = mode === "audit";
    const own = pods.get(name) ?? [];
    if (labels[DATAPLANE_LABEL] === "ambient") {
      const spared = own.length > 0 && own.every((pod) => isSpared(pod));
      return spared ? [] : [{ namespace, by: namespace, path: ["metadata", "labels", DATAPLANE_LABEL], audit }];
    }
    const setting = own.length === 0 ? unseenCapture(namespace, objects) : firstCapture(own, namespace, objects);
    return setting === undefined ? [] : [{ namespace, ...setting, audit }];
  });
}

/** Of a Namespace whose pods are not in view: what holds for any pod with a sidecar. */
const unseenCapture = (namespace: Kinds["Namespace"], objects: ObjectIndex): CaptureSetting | undefined =>
  hasSidecars(namespace) ? namespaceCapture(namespace, objects) : undefined;

function firstCapture(
  pods: readonly Kinds["Pod"][],
  namespace: Kinds["Namespace"],
  objects: ObjectIndex,
): CaptureSetting | undefined {
  for (const pod of pods) {
    const capture = ambientCapture(pod) ?? podSidecarCapture(pod, namespace, objects);
    if (capture !== undefined) return capture;
  }
  return undefined;
}

/** Whether a pod of an ambient Namespace keeps its own DNS. */
const isSpared = ({ metadata, spec }: Kinds["Pod"]): boolean =>
  metadata.labels?.[DATAPLANE_LABEL] === "none" ||
  metadata.annotations?.[AMBIENT_DNS_ANNOTATION] === "false" ||
  spec?.hostNetwork === true;

/** A pod that is in the ambient mesh by itself. */
function ambientCapture(pod: Kinds["Pod"]): CaptureSetting | undefined {
  const isIn = pod.metadata.labels?.[DATAPLANE_LABEL] === "ambient" && !isSpared(pod);
  return isIn ? { by: pod, path: ["metadata", "labels", DATAPLANE_LABEL] } : undefined;
}

/**
 * Whether the mesh has an address to answer with: one of the entry's, or one that istiod allocates. That is not done
 * for `resolution: NONE`, nor where the label forbids it.
 */
function hasAddress({ metadata, spec, status }: Kinds["ServiceEntry"]): boolean {
  if ((spec?.addresses ?? []).length + (status?.addresses ?? []).length > 0) return true;
  const { resolution = "NONE" } = spec ?? {};
  return resolution !== "NONE" && metadata.labels?.["networking.istio.io/enable-autoallocate-ip"] !== "false";
}

/** The entries that make the mesh answer for hosts of egress gateways; what a waypoint carries is looked after there. */
function answeringEntries(topology: Topology): readonly Answering[] {
  return topology.objects.of("ServiceEntry").flatMap((entry): readonly Answering[] => {
    if (entry.spec?.location === "MESH_INTERNAL" || !hasAddress(entry)) return [];
    const hosts = (entry.spec?.hosts ?? []).filter(
      (host) => normalizeHostname(host)?.startsWith("*.") === false && egressOwner(host, topology) !== undefined,
    );
    if (hosts.length === 0 || waypointBinding(entry, topology.objects).status === "asked") return [];
    return [{ entry, hosts }];
  });
}

/** Every pair of the two in which the entry is visible in the Namespace. */
export function dnsBypasses(topology: Topology): readonly Bypass[] {
  const captured = capturedNamespaces(topology);
  if (captured.length === 0) return [];
  return answeringEntries(topology).flatMap(({ entry, hosts }) =>
    captured
      .filter(({ namespace }) => isExportedTo(entry.spec?.exportTo, entry.metadata.namespace, namespace.metadata.name))
      .map((one) => ({ ...one, entry, hosts })),
  );
}
