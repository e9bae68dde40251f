import type { FieldPath } from "../model/field-path.ts";
import { normalizeHostname } from "../model/hostname.ts";
import { INJECT_LABEL } from "./exclusions.ts";
import { type EgressNames, isEgressName } from "./facts.ts";
import { labelOf, type NamespaceFacts } from "./mode.ts";
import { hazardNotice, type Notice } from "./notice.ts";
import type { ReadPod } from "./pod.ts";

type Input = { readonly pod: ReadPod; readonly namespace: NamespaceFacts; readonly egressNames: EgressNames };

/** What lets a routed pod's names or traffic slip past us all the same, or may. In the order of the table. */
export function podHazards(input: Input): readonly Notice[] {
  return [
    ...optOutAttempts(input.pod),
    ...resolvConfMounts(input.pod),
    ...ambientCapture(input),
    ...sidecarCapture(input.pod),
    ...hostAliases(input),
    ...secondInjector(input.namespace),
  ];
}

/** Anything that looks like an opt-out and is none: another value, or an annotation. */
function optOutAttempts({ metadata }: ReadPod): readonly Notice[] {
  const label = labelOf(metadata.labels, INJECT_LABEL);
  const annotation = labelOf(metadata.annotations, INJECT_LABEL);
  return [
    ...(label !== undefined && label !== "true"
      ? [hazardNotice("opt-out-unclear", ["metadata", "labels", INJECT_LABEL])]
      : []),
    ...(annotation !== undefined && annotation !== "true"
      ? [hazardNotice("opt-out-unclear", ["metadata", "annotations", INJECT_LABEL])]
      : []),
  ];
}

const RESOLV_CONF = ["etc", "resolv.conf"] as const;

/** Whether a mount at this path hides /etc/resolv.conf: the file itself, or a folder above it. */
function coversResolvConf(mountPath: string): boolean {
  const steps: string[] = [];
  for (const step of mountPath.split("/")) {
    if (step === "..") steps.pop();
    else if (step !== "" && step !== ".") steps.push(step);
  }
  return steps.length <= RESOLV_CONF.length && steps.every((step, at) => step === RESOLV_CONF[at]);
}

function resolvConfMounts({ spec }: ReadPod): readonly Notice[] {
  const found: Notice[] = [];
  for (const list of ["initContainers", "containers"] as const) {
    for (const [at, { volumeMounts = [] }] of (spec[list] ?? []).entries()) {
      const mount = volumeMounts.findIndex(({ mountPath }) => mountPath !== undefined && coversResolvConf(mountPath));
      if (mount < 0) continue;
      found.push(hazardNotice("resolv-conf-mounted", ["spec", list, at, "volumeMounts", mount, "mountPath"]));
    }
  }
  return found;
}

const DATAPLANE_LABEL = "istio.io/dataplane-mode";

/**
 * Since Istio 1.25 ztunnel captures the DNS of ambient pods unless the pod says otherwise; the pod's label wins over
 * the namespace's. Pods on the host network are never enrolled.
 */
function ambientCapture({ pod, namespace }: Input): readonly Notice[] {
  if (pod.spec.hostNetwork === true) return [];
  const own = labelOf(pod.metadata.labels, DATAPLANE_LABEL);
  if ((own ?? labelOf(namespace.labels, DATAPLANE_LABEL)) !== "ambient") return [];
  if (labelOf(pod.metadata.annotations, "ambient.istio.io/dns-capture") === "false") return [];
  const path: FieldPath = own === undefined ? ["metadata", "namespace"] : ["metadata", "labels", DATAPLANE_LABEL];
  return [hazardNotice("ambient-dns-capture", path)];
}

const CAPTURE = "ISTIO_META_DNS_CAPTURE";
const CAPTURE_IN_CONFIG = /ISTIO_META_DNS_CAPTURE["']?\s{0,20}:\s{0,20}["']?true/;

function sidecarCapture({ metadata, spec }: ReadPod): readonly Notice[] {
  const config = "proxy.istio.io/config";
  if (CAPTURE_IN_CONFIG.test(labelOf(metadata.annotations, config) ?? "")) {
    return [hazardNotice("mesh-dns-capture", ["metadata", "annotations", config])];
  }
  for (const list of ["initContainers", "containers"] as const) {
    for (const [at, { env = [] }] of (spec[list] ?? []).entries()) {
      const variable = env.findIndex(({ name, value }) => name === CAPTURE && value === "true");
      if (variable >= 0) return [hazardNotice("mesh-dns-capture", ["spec", list, at, "env", variable])];
    }
  }
  return [];
}

function hostAliases({ pod, egressNames }: Input): readonly Notice[] {
  return (pod.spec.hostAliases ?? []).flatMap(({ hostnames = [] }, alias) =>
    hostnames.flatMap((written, at) => {
      const hostname = normalizeHostname(written);
      if (hostname === undefined || !isEgressName(hostname, egressNames)) return [];
      return [hazardNotice("host-alias", ["spec", "hostAliases", alias, "hostnames", at], hostname)];
    }),
  );
}

function secondInjector({ labels }: NamespaceFacts): readonly Notice[] {
  const label = "node-local-dns-injection";
  return labelOf(labels, label) === "enabled" ? [hazardNotice("second-dns-injector", ["metadata", "namespace"])] : [];
}
