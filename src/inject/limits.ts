import { isIP } from "node:net";
import type { FieldPath } from "../model/field-path.ts";
import type { SkipReason } from "./reasons.ts";

/** A complete `spec.dnsConfig`. Option values are strings, as the API wants them. Fields we do not know are kept. */
export type PodDnsConfig = {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly PodDnsOption[];
  readonly [laterField: string]: unknown;
};

export type PodDnsOption = { readonly name?: string; readonly value?: string };

export type SearchLimits = { readonly count: number; readonly characters: number };

/** Kubernetes pkg/apis/core/validation: MaxDNSSearchPaths and MaxDNSSearchListChars, before and since expanded DNS (1.28). */
export const SEARCH_LIMITS: Readonly<Record<"expanded" | "legacy", SearchLimits>> = {
  expanded: { count: 32, characters: 2048 },
  legacy: { count: 6, characters: 256 },
};

/** MaxDNSNameservers in the same file; resolv.conf(5) says the same. */
export const MAX_NAMESERVERS = 3;

/** RFC 1035 section 2.3.4, as DNS1123SubdomainMaxLength in Kubernetes. */
const MAX_SEARCH_CHARACTERS = 253;

/** A DNS-1123 label, with the underscores that Kubernetes allows in search domains since relaxed validation (KEP-4427). */
const SEARCH_LABEL = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/;

/** Whether Kubernetes accepts a search domain: a name with or without the root dot, or the root alone. */
export function isSearchDomain(search: string): boolean {
  if (search === ".") return true;
  const name = search.endsWith(".") ? search.slice(0, -1) : search;
  if (name.length === 0 || name.length > MAX_SEARCH_CHARACTERS) return false;
  return name.split(".").every((label) => SEARCH_LABEL.test(label));
}

/** Whether the search list passes: at most `count` domains, joined by spaces at most `characters` long. */
export const searchesFit = (searches: readonly string[], { count, characters }: SearchLimits): boolean =>
  searches.length <= count && searches.join(" ").length <= characters;

/** Why Kubernetes would refuse a pod with this DNS. */
export type DnsProblem = {
  readonly reason: Extract<SkipReason, "search-invalid" | "search-limit" | "invalid-dns">;
  readonly path: FieldPath;
  readonly detail: string;
};

const AT = ["spec", "dnsConfig"] as const;

/**
 * The first thing about a dnsConfig of a pod with dnsPolicy None that Kubernetes' own validation would refuse. A patch
 * that gives such a pod fails the user's request whatever the failurePolicy says, so every patch is checked first.
 * Source: kubernetes pkg/apis/core/validation, validatePodDNSConfig.
 */
export function dnsProblem(config: PodDnsConfig, limits: SearchLimits): DnsProblem | undefined {
  const { nameservers, searches, options } = config;
  if (nameservers.length === 0 || nameservers.length > MAX_NAMESERVERS || !nameservers.every(isNameserver)) {
    return { reason: "invalid-dns", path: [...AT, "nameservers"], detail: "one to three IP addresses are needed" };
  }
  const invalid = searches.find((search) => !isSearchDomain(search));
  if (invalid !== undefined) return { reason: "search-invalid", path: [...AT, "searches"], detail: invalid };
  if (!searchesFit(searches, limits)) {
    const detail = `${searches.length} domains, ${searches.join(" ").length} characters`;
    return { reason: "search-limit", path: [...AT, "searches"], detail };
  }
  const unnamed = options.findIndex(({ name }) => name === undefined || name === "");
  if (unnamed < 0) return undefined;
  return { reason: "invalid-dns", path: [...AT, "options", unnamed, "name"], detail: "an option needs a name" };
}

/** An IP literal without a zone index; Kubernetes refuses zones. */
export const isNameserver = (text: string): boolean => isIP(text) !== 0 && !text.includes("%");
