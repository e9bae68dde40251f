import type { FieldPath } from "../model/field-path.ts";
import { namespaceExclusion, optOutAllowed, podExclusion, virtualNodeMarker } from "./exclusions.ts";
import type { ClusterFacts, ResolverState } from "./facts.ts";
import { podHazards } from "./hazards.ts";
import { type PodDnsConfig, SEARCH_LIMITS } from "./limits.ts";
import { type InjectionMode, labelOf, modeOf, type NamespaceFacts } from "./mode.ts";
import { hazardNotice, type Notice, skipNotice } from "./notice.ts";
import { type PodReading, type ReadPod, readPod } from "./pod.ts";
import { type DnsPlan, dnsObstacle, limitsOf, planPodDns } from "./pod-dns.ts";
import type { FingerprintedProfile } from "./profile.ts";
import { HAZARDS, type InjectionReason, type RoutedReason, SKIP_REASONS, type SkipReason } from "./reasons.ts";

/** Annotation that an injected pod carries: evidence for people, never read as truth. */
export const DNS_ANNOTATION = "sluice.dev/dns";

/** Everything a decision depends on. All of it comes from memory. */
export type InjectionInput = {
  /** The pod as the API server sent it or a file holds it: untyped JSON, possibly not a pod at all. */
  readonly pod: unknown;
  /** The namespace of the request; the pod's own `metadata.namespace` may be empty and is not read. */
  readonly namespace: NamespaceFacts;
  readonly cluster: ClusterFacts;
  readonly profile: FingerprintedProfile;
  /** Addresses that our resolver had before; a pod that names one is stale, not a stranger. */
  readonly knownPreviousAddresses: readonly string[];
  readonly operation: string;
  readonly subResource: string;
  /** Groups of whoever creates the pod; only `system:nodes` plays a part. */
  readonly groups: readonly string[];
};

/** Values for the audit log; empty when an earlier round of the same request has already given them. */
export type InjectionAudit = Readonly<Record<string, string>>;

type Common = {
  readonly mode: InjectionMode;
  readonly warnings: readonly Notice[];
  readonly audit: InjectionAudit;
};

/**
 * What becomes of a pod. `cause` says why it is not routed; it is among the warnings where the creator should know.
 * `skip` with a `config` says what would have been set (audit). `deny` is `temporary` when the same pod will be let in
 * later.
 */
export type InjectionDecision =
  | (Common & {
      readonly action: "inject";
      readonly reason: RoutedReason;
      readonly config: PodDnsConfig;
      /** The dnsPolicy that makes room. */
      readonly replaced: string;
    })
  | (Common & { readonly action: "unchanged"; readonly reason: RoutedReason })
  | (Common & {
      readonly action: "skip";
      readonly reason: SkipReason;
      readonly cause: Notice;
      readonly config?: PodDnsConfig;
    })
  | (Common & {
      readonly action: "deny";
      readonly reason: InjectionReason;
      readonly cause: Notice;
      readonly temporary: boolean;
    });

/** A skip that has been found, before the namespace's mode is applied to it. */
type Skip = { readonly reason: SkipReason; readonly path: FieldPath; readonly detail?: string };

type Context = { readonly input: InjectionInput; readonly mode: InjectionMode; readonly notices: readonly Notice[] };

/**
 * Decides what becomes of one pod. Pure and total: the same input gives the same decision, and no input makes it throw.
 *
 * | the first that holds                                            | enabled        | strict          |
 * |-----------------------------------------------------------------|----------------|-----------------|
 * | UPDATE, DELETE, CONNECT, a subresource                          | skip           | skip            |
 * | not opted in; kube-system and the like; our own namespace       | skip           | skip            |
 * | no pod that the API server would accept                         | skip           | skip            |
 * | made by a node; static pod; our own, gateway's, cluster DNS pod | skip           | skip            |
 * | a namespace that we depend on; system-critical priority         | skip + warning | skip + warning  |
 * | opted out by label                                              | skip           | deny, or skip where the namespace allows it |
 * | Windows; virtual node                                           | skip + warning | deny            |
 * | DNS settings that the API server refuses                        | skip           | skip            |
 * | dnsPolicy Default; hostNetwork with ClusterFirst                | skip + warning | deny            |
 * | resolver without address                                        | skip + warning | deny for now    |
 * | resolver Service headless or ExternalName                       | skip + warning | deny            |
 * | None with our nameservers only                                  | unchanged      | unchanged       |
 * | None with an earlier nameserver of ours                         | inject + warning | inject + warning |
 * | None with a foreign nameserver, we had set others               | inject + warning | inject + warning |
 * | None with a foreign nameserver                                  | skip + warning | deny            |
 * | ClusterFirst, ClusterFirstWithHostNet; search list impossible   | skip + warning | deny            |
 * | ClusterFirst, ClusterFirstWithHostNet                           | inject         | inject          |
 *
 * Of a pod that is injected or unchanged, strict denies a mount over resolv.conf and ambient DNS capture, and both
 * warn. `audit` decides as `enabled` does, and says what would be set instead of setting it.
 */
export function decideInjection(input: InjectionInput): InjectionDecision {
  const { mode, unclear } = modeOf(input.namespace);
  const notices =
    unclear === undefined ? [] : [hazardNotice("namespace-label-invalid", ["metadata", "namespace"], unclear)];
  const context: Context = { input, mode, notices };
  const outside = outsideReach(input, mode);
  if (outside !== undefined) return concludeSkip(outside, { ...context, notices: [] });
  const reading = readPod(input.pod);
  if (!reading.ok) return concludeSkip(malformed(reading), { ...context, notices: [] });
  return decidePod(reading.pod, context);
}

/** What needs no look at the pod. */
function outsideReach({ operation, subResource, namespace, profile }: InjectionInput, mode: InjectionMode) {
  if (operation !== "CREATE") return { reason: "not-a-create", path: [] } satisfies Skip;
  if (subResource !== "") return { reason: "subresource", path: [] } satisfies Skip;
  const excluded = namespaceExclusion(namespace, profile);
  if (excluded !== undefined) return excluded;
  return mode === "off" ? ({ reason: "namespace-not-opted-in", path: [] } satisfies Skip) : undefined;
}

const malformed = ({ path, problem }: Extract<PodReading, { ok: false }>): Skip => ({
  reason: "malformed-pod",
  path,
  detail: problem,
});

function decidePod(pod: ReadPod, context: Context): InjectionDecision {
  const { input } = context;
  const { namespace, cluster, profile, groups } = input;
  const excluded =
    podExclusion({ pod, namespace, groups, profile, gatewaySelectors: cluster.gatewaySelectors }) ?? dnsObstacle(pod);
  if (excluded !== undefined) return concludeSkip(excluded, context);
  const { resolver } = cluster;
  if (resolver.status !== "usable") return concludeSkip({ reason: `resolver-${resolver.status}`, path: [] }, context);
  const plan = planPodDns({
    pod,
    namespace: namespace.name,
    nameservers: resolver.nameservers,
    previous: input.knownPreviousAddresses,
    profile,
    limits: virtualNodeMarker(pod) === undefined ? limitsOf(profile) : SEARCH_LIMITS.legacy,
    annotated: labelOf(pod.metadata.annotations, DNS_ANNOTATION) !== undefined,
  });
  return plan.plan === "leave" ? concludeSkip(plan, context) : concludeRouted(plan, pod, { ...context, resolver });
}

/** Applies the mode to a pod that is left as it is. */
function concludeSkip(skip: Skip, { input, mode, notices }: Context): InjectionDecision {
  const { reason, path, detail } = skip;
  const { warn, strict } = SKIP_REASONS[reason];
  const notice = skipNotice(reason, path, detail);
  const pardoned = reason === "opted-out" && optOutAllowed(input.namespace);
  if (mode === "strict" && strict !== "skip" && !pardoned) {
    const audit = auditOf("denied", reason, input);
    return { action: "deny", reason, mode, warnings: notices, audit, cause: notice, temporary: strict === "deny-now" };
  }
  const warnings = warn ? [...notices, notice] : notices;
  return { action: "skip", reason, mode, cause: notice, warnings, audit: auditOf("skipped", reason, input) };
}

type RoutedContext = Context & { readonly resolver: Extract<ResolverState, { status: "usable" }> };

/** Adds what is wrong with a routed pod all the same, and applies the mode. */
function concludeRouted(
  plan: Exclude<DnsPlan, { plan: "leave" }>,
  pod: ReadPod,
  { input, mode, notices, resolver }: RoutedContext,
): InjectionDecision {
  const { reason } = plan;
  const hazards = podHazards({ pod, namespace: input.namespace, egressNames: input.cluster.egressNames });
  const fatal = mode === "strict" ? hazards.find(isFatal) : undefined;
  if (fatal !== undefined) {
    const audit = auditOf("denied", fatal.code, input);
    return { action: "deny", reason: fatal.code, mode, warnings: notices, audit, cause: fatal, temporary: false };
  }
  const unready = resolver.ready || plan.plan === "keep" ? [] : [hazardNotice("resolver-not-ready", [])];
  const warnings = [...notices, ...plan.notices, ...hazards, ...unready];
  if (plan.plan === "keep") {
    // In the second round of a request the pod is as the first round left it, whose audit values must stand unchanged.
    const second = labelOf(pod.metadata.annotations, DNS_ANNOTATION) !== undefined;
    return { action: "unchanged", reason, mode, warnings, audit: second ? {} : auditOf("unchanged", reason, input) };
  }
  const { config, replaced } = plan;
  if (mode !== "audit") {
    return { action: "inject", reason, mode, warnings, audit: auditOf("injected", reason, input), config, replaced };
  }
  const would = wouldSet(config);
  const audit = auditOf("skipped", "audit-only", input);
  return { action: "skip", reason: "audit-only", mode, cause: would, warnings: [would, ...warnings], audit, config };
}

const isFatal = ({ code }: Notice): boolean =>
  Object.hasOwn(HAZARDS, code) && HAZARDS[code as keyof typeof HAZARDS].deny;

const wouldSet = ({ nameservers }: PodDnsConfig): Notice => ({
  ...skipNotice("audit-only", ["spec", "dnsPolicy"]),
  title: `would set None with nameservers ${nameservers.join(", ")}`,
});

const auditOf = (
  decision: "injected" | "unchanged" | "skipped" | "denied",
  reason: InjectionReason,
  { profile }: InjectionInput,
): InjectionAudit => ({ decision, reason, profile: profile.fingerprint });
