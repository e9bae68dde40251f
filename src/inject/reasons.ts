/**
 * What a strict namespace does where a lenient one skips: `deny` for good, `deny-now` until the cause has passed
 * (HTTP 503, the creator retries), `skip` as well.
 */
type Strict = "deny" | "deny-now" | "skip";

type Text = {
  /** What is the case, as it reads after a field path. With the code and path at most 120 characters. */
  readonly title: string;
  /** What the reader can do about it; empty where nothing needs doing. */
  readonly hint: string;
};

const skip = (title: string, hint = ""): Text & { readonly warn: boolean; readonly strict: Strict } => ({
  title,
  hint,
  warn: false,
  strict: "skip",
});

const warn = (strict: Strict, title: string, hint: string) => ({ title, hint, warn: true, strict });

/** Why a pod is left as it is. `warn`: the pod's creator is told; `strict`: what a strict namespace does instead. */
export const SKIP_REASONS = {
  "not-a-create": skip("only the creation of a pod is looked at, its DNS cannot change later"),
  subresource: skip("a subresource of a pod does not change its DNS"),
  "malformed-pod": skip("this is no pod that the API server would accept", "mend the field, the API server says how"),
  "invalid-dns": skip("the pod's own DNS settings are refused by the API server", "mend them, the API server says how"),
  "namespace-not-opted-in": skip(
    "the namespace is not opted in",
    "label the namespace: sluice.dev/egress=audit, enabled or strict",
  ),
  "namespace-terminating": skip("the namespace is being deleted"),
  "system-namespace": skip("pods of a Kubernetes system namespace are never injected"),
  "own-namespace": skip("Sluice's own pods are never injected"),
  "own-pod": skip("Sluice's own pods are never injected"),
  "node-identity": skip("a pod that a node creates is never injected"),
  "mirror-pod": skip("a static pod is changed on its node only"),
  "gateway-pod": skip("a gateway needs the real addresses, it would call itself"),
  "cluster-dns-pod": skip("Sluice's resolver asks cluster DNS, which must not ask Sluice"),
  "dependency-namespace": warn(
    "skip",
    "not routed: pods that Sluice depends on are never injected",
    "remove the label sluice.dev/egress from the namespace",
  ),
  "critical-priority": warn(
    "skip",
    "not routed: a system-critical pod must not depend on Sluice",
    "use another priority class, or another namespace for this pod",
  ),
  "opted-out": {
    ...skip(
      "the pod has opted out",
      "remove the label; in a strict namespace it counts only with sluice.dev/allow-opt-out=true on the namespace",
    ),
    strict: "deny" as Strict,
  },
  windows: warn(
    "deny",
    "not routed: dnsConfig has no effect on Windows nodes",
    "run the pod on Linux, or in a namespace that is not strict",
  ),
  "virtual-node": warn(
    "deny",
    "not routed: virtual nodes treat dnsConfig in their own way",
    "run the pod on a real node, or set virtualNodes: inject in the profile",
  ),
  "dns-policy-default": warn(
    "deny",
    "not routed: Default asks the node's DNS, not Sluice's resolver",
    "remove dnsPolicy, or set it to ClusterFirst",
  ),
  "dns-policy-none": warn(
    "deny",
    "not routed: dnsPolicy None with a foreign nameserver",
    "remove dnsPolicy and dnsConfig.nameservers; Sluice sets both",
  ),
  "host-network": warn(
    "deny",
    "not routed: ClusterFirst on the host network asks the node's DNS",
    "set dnsPolicy: ClusterFirstWithHostNet, or remove hostNetwork",
  ),
  "search-invalid": warn(
    "deny",
    "not routed: this search domain is no valid name",
    "use lower-case DNS names of at most 253 characters",
  ),
  "search-limit": warn(
    "deny",
    "not routed: search list over Kubernetes' limit",
    "remove search domains: three are the cluster's own, and 32 with 2048 characters is the limit",
  ),
  "resolver-missing": warn(
    "deny-now",
    "not routed: Sluice's resolver has no address yet",
    "wait for a Service labelled sluice.dev/dns=true with a ClusterIP in Sluice's namespace",
  ),
  "resolver-unusable": warn(
    "deny",
    "not routed: Sluice's resolver Service is headless or an ExternalName",
    "give the Service labelled sluice.dev/dns=true a ClusterIP",
  ),
  "audit-only": warn("skip", "audit only", "label the namespace sluice.dev/egress=enabled to have it done"),
} as const;

export type SkipReason = keyof typeof SKIP_REASONS;

/** Why a pod is injected, or is right as it stands. */
export const ROUTED_REASONS = {
  "cluster-first": "the pod asks cluster DNS and will ask Sluice's resolver",
  "cluster-first-with-host-net": "the pod asks cluster DNS from the host network and will ask Sluice's resolver",
  "stale-nameserver": "the pod names an earlier address of Sluice's resolver",
  "dns-changed-by-another-webhook": "Sluice had set the pod's DNS and another webhook changed it",
  "already-injected": "the pod asks Sluice's resolver already",
  "nameserver-ours": "the pod asks Sluice's resolver with settings of its own",
} as const;

export type RoutedReason = keyof typeof ROUTED_REASONS;

/** What a routed pod's creator should know. `deny`: a strict namespace refuses the pod. */
export const HAZARDS = {
  "nameservers-dropped": {
    title: "dropped, would lead around the gateway",
    hint: "remove the nameservers",
    deny: false,
  },
  "stale-nameserver": {
    title: "an earlier address of Sluice's resolver, replaced",
    hint: "remove dnsPolicy and dnsConfig from the source of this pod",
    deny: false,
  },
  "dns-changed-by-another-webhook": {
    title: "another webhook changed the DNS that Sluice had set, set again",
    hint: "keep the other webhook away from this namespace's dnsConfig",
    deny: false,
  },
  "dns-settings-missing": {
    title: "kept, but short service names may need",
    hint: "remove dnsPolicy and dnsConfig, or add what is missing",
    deny: false,
  },
  "resolver-not-ready": {
    title: "no replica of Sluice's resolver is ready, names will not resolve until one is",
    hint: "look at the pods behind the Service labelled sluice.dev/dns=true",
    deny: false,
  },
  "host-alias": {
    title: "a hosts entry wins over DNS",
    hint: "remove the entry",
    deny: false,
  },
  "resolv-conf-mounted": {
    title: "the mount hides the resolv.conf that routes the pod",
    hint: "mount it elsewhere",
    deny: true,
  },
  "mesh-dns-capture": {
    title: "the sidecar answers ServiceEntry hosts",
    hint: "set ISTIO_META_DNS_CAPTURE to false",
    deny: false,
  },
  "ambient-dns-capture": {
    title: "ztunnel answers DNS, Sluice is not asked",
    hint: 'set the pod annotation ambient.istio.io/dns-capture: "false"',
    deny: true,
  },
  "second-dns-injector": {
    title: "NodeLocal DNSCache injection claims the same fields, the order is undefined",
    hint: "remove the label node-local-dns-injection from the namespace",
    deny: false,
  },
  "opt-out-unclear": {
    title: "no opt-out, only the label with value false is",
    hint: 'set the label sluice.dev/inject: "false"',
    deny: false,
  },
  "namespace-label-invalid": {
    title: "unknown value of sluice.dev/egress on the namespace, taken as enabled",
    hint: "use audit, enabled, strict or disabled",
    deny: false,
  },
} as const;

export type Hazard = keyof typeof HAZARDS;

/** Every code that a decision's `reason` can hold: label values of metrics and audit annotations; never renamed. */
export type InjectionReason = SkipReason | RoutedReason | Hazard;
