import { isIPv6 } from "node:net";
import type { FieldPath } from "../model/field-path.ts";
import {
  dnsProblem,
  MAX_NAMESERVERS,
  type PodDnsConfig,
  type PodDnsOption,
  SEARCH_LIMITS,
  type SearchLimits,
  searchesFit,
} from "./limits.ts";
import { hazardNotice, type Notice } from "./notice.ts";
import type { ReadPod } from "./pod.ts";
import type { DnsOption, InjectionProfile } from "./profile.ts";
import type { RoutedReason, SkipReason } from "./reasons.ts";

/** What is to become of a pod's DNS. */
export type DnsPlan =
  | {
      readonly plan: "inject";
      readonly reason: RoutedReason;
      readonly config: PodDnsConfig;
      readonly replaced: string;
      readonly notices: readonly Notice[];
    }
  | { readonly plan: "keep"; readonly reason: RoutedReason; readonly notices: readonly Notice[] }
  | { readonly plan: "leave"; readonly reason: SkipReason; readonly path: FieldPath; readonly detail?: string };

export type DnsPlanInput = {
  readonly pod: ReadPod;
  readonly namespace: string;
  /** Our own addresses, one to three. */
  readonly nameservers: readonly string[];
  readonly previous: readonly string[];
  readonly profile: InjectionProfile;
  readonly limits: SearchLimits;
  /** Whether the pod carries our annotation: evidence that we have set its DNS before. */
  readonly annotated: boolean;
};

const POLICY = ["spec", "dnsPolicy"] as const;
const NAMESERVERS = ["spec", "dnsConfig", "nameservers"] as const;

const leave = (reason: SkipReason, path: FieldPath, detail?: string): DnsPlan =>
  detail === undefined ? { plan: "leave", reason, path } : { plan: "leave", reason, path, detail };

/** The pod's dnsPolicy; Kubernetes' default where it is not written. */
export const dnsPolicyOf = ({ spec }: ReadPod): string => spec.dnsPolicy || "ClusterFirst";

/**
 * What of the pod's own DNS settings stands against routing it, whatever the resolver's state is. What the API server
 * refuses anyway is left alone, so that the user sees the true error.
 */
export function dnsObstacle(pod: ReadPod): Extract<DnsPlan, { plan: "leave" }> | undefined {
  const { nameservers = [], options = [] } = pod.spec.dnsConfig ?? {};
  const obstacle = (reason: SkipReason, path: FieldPath, detail?: string) =>
    leave(reason, path, detail) as Extract<DnsPlan, { plan: "leave" }>;
  if (nameservers.length > MAX_NAMESERVERS) return obstacle("invalid-dns", NAMESERVERS, "more than three");
  const unnamed = options.findIndex(({ name }) => name === undefined || name === "");
  if (unnamed >= 0) return obstacle("invalid-dns", ["spec", "dnsConfig", "options", unnamed, "name"], "empty");
  switch (dnsPolicyOf(pod)) {
    case "ClusterFirst":
      return pod.spec.hostNetwork === true ? obstacle("host-network", ["spec", "hostNetwork"]) : undefined;
    case "ClusterFirstWithHostNet":
      return undefined;
    case "Default":
      return obstacle("dns-policy-default", POLICY);
    case "None":
      return nameservers.length === 0 ? obstacle("invalid-dns", NAMESERVERS, "None needs a nameserver") : undefined;
    default:
      return obstacle("invalid-dns", POLICY, "unknown policy");
  }
}

/** Decides about the DNS of a pod without obstacle. */
export function planPodDns(input: DnsPlanInput): DnsPlan {
  return dnsPolicyOf(input.pod) === "None" ? planNone(input) : planClusterFirst(input);
}

/** ClusterFirst: everything the pod asked for is kept, except nameservers that are not ours. */
function planClusterFirst(input: DnsPlanInput): DnsPlan {
  const { foreign, stale } = classify(input);
  const dropped = [...foreign, ...stale];
  const reason = dnsPolicyOf(input.pod) === "ClusterFirst" ? "cluster-first" : "cluster-first-with-host-net";
  const notices = dropped.length > 0 ? [hazardNotice("nameservers-dropped", NAMESERVERS, dropped.join(", "))] : [];
  return inject(input, reason, notices);
}

/**
 * None: the author's choice, or our own work. Only the author's choice of a foreign nameserver is respected; our
 * annotation can turn that into an injection (somebody changed what we had set), never an injection into less.
 */
function planNone(input: DnsPlanInput): DnsPlan {
  const { foreign, stale } = classify(input);
  if (foreign.length > 0) {
    if (!input.annotated) return leave("dns-policy-none", POLICY, foreign.join(", "));
    const notice = hazardNotice("dns-changed-by-another-webhook", ["spec", "dnsConfig"]);
    return inject(input, "dns-changed-by-another-webhook", [notice]);
  }
  if (stale.length > 0) {
    return inject(input, "stale-nameserver", [hazardNotice("stale-nameserver", NAMESERVERS, stale.join(", "))]);
  }
  if (sameDns(input.pod.spec.dnsConfig ?? {}, buildPodDns(input))) {
    return { plan: "keep", reason: "already-injected", notices: [] };
  }
  const missing = missingSettings(input);
  const notices =
    missing.length > 0 ? [hazardNotice("dns-settings-missing", ["spec", "dnsConfig"], missing.join(", "))] : [];
  return { plan: "keep", reason: "nameserver-ours", notices };
}

function inject(input: DnsPlanInput, reason: RoutedReason, notices: readonly Notice[]): DnsPlan {
  const config = buildPodDns(input);
  const problem = dnsProblem(config, input.limits);
  if (problem !== undefined) return leave(problem.reason, problem.path, problem.detail);
  return { plan: "inject", reason, config, replaced: dnsPolicyOf(input.pod), notices };
}

/** One text for one address: IPv6 has many. */
const canonical = (address: string): string =>
  isIPv6(address) ? (URL.parse(`http://[${address}]`)?.hostname ?? address) : address;

function classify({ pod, nameservers, previous }: DnsPlanInput): { foreign: string[]; stale: string[] } {
  const named = pod.spec.dnsConfig?.nameservers ?? [];
  if (named.length === 0) return { foreign: [], stale: [] };
  const ours = new Set(nameservers.map(canonical));
  const once = new Set(previous.map(canonical));
  const others = named.filter((address) => !ours.has(canonical(address)));
  return {
    foreign: others.filter((address) => !once.has(canonical(address))),
    stale: others.filter((address) => once.has(canonical(address))),
  };
}

const clusterSearches = (namespace: string, domain: string): readonly string[] => [
  `${namespace}.svc.${domain}`,
  `svc.${domain}`,
  domain,
];

/**
 * The complete dnsConfig: our nameservers alone; the cluster's three search domains in the kubelet's order, the
 * profile's, then the pod's; options by name, the pod's value winning. The profile's search domains are dropped when
 * the list would be too long. Building it from its own result gives the same.
 */
export function buildPodDns({ pod, namespace, nameservers, profile, limits }: DnsPlanInput): PodDnsConfig {
  const { searches: own = [], options = [] } = pod.spec.dnsConfig ?? {};
  const cluster = clusterSearches(namespace, profile.clusterDomain);
  const all = distinct([...cluster, ...profile.extraSearches, ...own]);
  const searches = searchesFit(all, limits) ? all : distinct([...cluster, ...own]);
  const later = Object.entries(pod.rawDnsConfig).filter(([key]) => !KNOWN_FIELDS.has(key));
  return {
    ...Object.fromEntries(later),
    nameservers: nameservers.slice(0, MAX_NAMESERVERS),
    searches,
    options: mergeOptions(profile.options, options),
  };
}

/** Fields that we write, and a key that must never be copied. */
const KNOWN_FIELDS = new Set(["nameservers", "searches", "options", "__proto__"]);

/** Search domains once each, the first place counts; a root dot makes no other domain. */
function distinct(searches: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return searches.filter((search) => {
    const name = search.length > 1 && search.endsWith(".") ? search.slice(0, -1) : search;
    return seen.has(name) ? false : seen.add(name);
  });
}

/** Of two options with one name the later value counts, at the place of the first, as in the kubelet's own merge. */
function mergeOptions(defaults: readonly DnsOption[], own: readonly PodDnsOption[]): readonly PodDnsOption[] {
  const merged = new Map<string, PodDnsOption>();
  for (const option of [...defaults, ...own]) merged.set(option.name ?? "", option);
  return [...merged.values()].map(({ name, value }) => ({
    ...(name === undefined ? {} : { name }),
    ...(value === undefined ? {} : { value }),
  }));
}

type OwnDns = NonNullable<ReadPod["spec"]["dnsConfig"]>;

/** Whether two configs make the same resolv.conf; the order of nameservers and options plays no part. */
function sameDns(own: OwnDns, ours: PodDnsConfig): boolean {
  const addresses = new Set((own.nameservers ?? []).map(canonical));
  if (addresses.size !== ours.nameservers.length) return false;
  if (!ours.nameservers.every((address) => addresses.has(canonical(address)))) return false;
  const searches = own.searches ?? [];
  if (searches.length !== ours.searches.length || !searches.every((name, at) => name === ours.searches[at])) {
    return false;
  }
  const options = new Map((own.options ?? []).map(({ name, value }) => [name, value]));
  return options.size === ours.options.length && ours.options.every(({ name, value }) => options.get(name) === value);
}

/** What ClusterFirst would have given the pod and its own None does not. */
function missingSettings({ pod, namespace, profile }: DnsPlanInput): readonly string[] {
  const { searches = [], options = [] } = pod.spec.dnsConfig ?? {};
  const absent = clusterSearches(namespace, profile.clusterDomain).filter((name) => !searches.includes(name));
  return [
    ...(options.some(({ name }) => name === "ndots") ? [] : ["ndots:5"]),
    ...(absent.length === 0 ? [] : [`${absent.length} cluster search domains`]),
  ];
}

/** The search limits that hold for a profile. */
export const limitsOf = ({ searchLimits }: InjectionProfile): SearchLimits => SEARCH_LIMITS[searchLimits];
