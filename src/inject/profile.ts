/** One resolv.conf option: `ndots:5` is `{ name: "ndots", value: "5" }`. */
export type DnsOption = { readonly name: string; readonly value?: string };

/** How pods are injected: the platform team's choices. The same profile gives the same patch on every replica. */
export type InjectionProfile = {
  /** The cluster's DNS domain, without dots at its ends. */
  readonly clusterDomain: string;
  /** Search domains after the cluster's three and before the pod's own, such as the nodes' own. Dropped when too long. */
  readonly extraSearches: readonly string[];
  /** Options of every injected pod; the pod's own value wins, name by name. */
  readonly options: readonly DnsOption[];
  /** `expanded`: 32 search domains, 2048 characters (Kubernetes 1.28 and later). `legacy`: 6 and 256. */
  readonly searchLimits: "expanded" | "legacy";
  /** Whether pods for virtual nodes are injected; they keep the legacy limits. */
  readonly virtualNodes: "skip" | "inject";
  /** Namespaces that Sluice or the gateway depends on: skipped with a warning when labelled. */
  readonly dependencyNamespaces: readonly string[];
  /** Sluice's own namespace. */
  readonly ownNamespace: string;
};

/** A profile with the fingerprint that the pod annotation and the audit annotations carry. */
export type FingerprintedProfile = InjectionProfile & { readonly fingerprint: string };

/**
 * ndots 5 is what ClusterFirst pods have and what dnsPolicy None takes away (Kubernetes pkg/kubelet/network/dns);
 * two seconds and three attempts let one lost packet or a restarting replica pass unnoticed.
 */
const DEFAULT_OPTIONS: readonly DnsOption[] = [
  { name: "ndots", value: "5" },
  { name: "timeout", value: "2" },
  { name: "attempts", value: "3" },
];

const DEFAULT_PROFILE: InjectionProfile = {
  clusterDomain: "cluster.local",
  extraSearches: [],
  options: DEFAULT_OPTIONS,
  searchLimits: "expanded",
  virtualNodes: "skip",
  dependencyNamespaces: [
    "istio-system",
    "istio-cni",
    "ztunnel",
    "cert-manager",
    "calico-system",
    "calico-apiserver",
    "tigera-operator",
    "kube-flannel",
    "cilium",
  ],
  ownNamespace: "sluice-system",
};

/** FNV-1a, 32 bits, as eight hexadecimal digits: tells profiles apart for a reader, protects nothing. */
function fingerprintOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/** The profile with every unset choice at its default. Options given replace the default of the same name. */
export function buildProfile(chosen: Partial<InjectionProfile> = {}): FingerprintedProfile {
  const given = chosen.options ?? [];
  const names = new Set(given.map(({ name }) => name));
  const options = [...DEFAULT_OPTIONS.filter(({ name }) => !names.has(name)), ...given];
  const profile: InjectionProfile = { ...DEFAULT_PROFILE, ...chosen, options };
  const { clusterDomain, extraSearches, searchLimits, virtualNodes } = profile;
  return {
    ...profile,
    fingerprint: fingerprintOf(JSON.stringify([clusterDomain, extraSearches, options, searchLimits, virtualNodes])),
  };
}
