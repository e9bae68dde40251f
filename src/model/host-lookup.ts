import { compareNames } from "./age.ts";
import type { Route } from "./attachment.ts";
import { normalizeHostname } from "./hostname.ts";
import type { BackendRef } from "./kinds/route.ts";
import type { Kind, Kinds } from "./kinds.ts";
import { defineLookup, type Lookup, type ObjectIndex } from "./object-index.ts";

/** Far more than DNS allows, so that text which is no name at all cannot make its owner's keys many. */
const MAX_LENGTH = 512;

/**
 * Every text that covers a host name: itself, `*`, and its wildcards (`*.b.c` and `*.c` for `a.b.c`). Of a text that is
 * too long for a name only the first two.
 */
export function coveringPatterns(host: string): readonly string[] {
  if (host === "" || host === "*") return ["*"];
  const patterns = [host, "*"];
  if (host.length > MAX_LENGTH) return patterns;
  for (let dot = host.indexOf(".", 1); dot >= 0; dot = host.indexOf(".", dot + 1)) {
    const pattern = `*${host.slice(dot)}`;
    if (pattern !== host) patterns.push(pattern);
  }
  return patterns;
}

const hostsOf = ({ spec }: Kinds["ServiceEntry"]): readonly string[] => spec?.hosts ?? [];

const ENTRIES_BY_HOST = defineLookup({ kinds: ["ServiceEntry"], keysOf: hostsOf });

const ENTRIES_BY_NAME = defineLookup({
  kinds: ["ServiceEntry"],
  keysOf: (entry) => hostsOf(entry).map((host) => normalizeHostname(host) ?? host),
});

const ENTRIES_BY_PATTERN = defineLookup({
  kinds: ["ServiceEntry"],
  keysOf: (entry) => hostsOf(entry).flatMap(coveringPatterns),
});

const RULES_BY_HOST = defineLookup({ kinds: ["DestinationRule"], keysOf: ({ spec }) => [spec?.host ?? ""] });

/** Whether a backendRef is Istio's Hostname: the only form that names an external host itself. */
export const isHostnameBackend = ({ group, kind }: BackendRef): boolean =>
  kind === "Hostname" && group === "networking.istio.io";

/** Names of a route's Hostname backends. */
const backendNames = ({ spec }: Route): readonly string[] =>
  (spec?.rules ?? []).flatMap(({ backendRefs = [] }) =>
    backendRefs.filter(isHostnameBackend).map(({ name = "" }) => name),
  );

const ROUTES_BY_PATTERN = defineLookup({
  kinds: ["HTTPRoute", "GRPCRoute"],
  keysOf: (route) => backendNames(route).flatMap(coveringPatterns),
});

const normalKey = (host: string): string => `= ${normalizeHostname(host) ?? ""}`;

const ROUTES_BY_SPELLING = defineLookup({
  kinds: ["HTTPRoute", "GRPCRoute"],
  keysOf: (route) => backendNames(route).flatMap((name) => [normalKey(name), ...name.slice(0, MAX_LENGTH).split(".")]),
});

/** What any of the keys finds: each object once, in the order of the index. */
export function havingAny<K extends Kind>(
  lookup: Lookup<K>,
  keys: readonly string[],
  objects: ObjectIndex,
): readonly Kinds[K][] {
  const found = keys.map((key) => objects.having(lookup, key)).filter((list) => list.length > 0);
  const [first = [], ...more] = found;
  if (more.length === 0) return first;
  const all = new Set(found.flat());
  // Names order objects of one kind; kinds keep the order in which the lookup lists them.
  return lookup.kinds.flatMap((kind) =>
    [...all].filter((object) => object.kind === kind).sort((a, b) => compareNames(a, b)),
  );
}

/** ServiceEntries that list a host in just this spelling. */
export const entriesNaming = (host: string, objects: ObjectIndex): readonly Kinds["ServiceEntry"][] =>
  objects.having(ENTRIES_BY_HOST, host);

/** ServiceEntries of which a host covers a name, both as they are written. */
export const entriesCovering = (host: string, objects: ObjectIndex): readonly Kinds["ServiceEntry"][] =>
  havingAny(ENTRIES_BY_HOST, coveringPatterns(host), objects);

/** The same for a normal name and the entries' hosts in normal form. A host that is empty covers every name, `*` none. */
export const entriesCoveringName = (name: string, objects: ObjectIndex): readonly Kinds["ServiceEntry"][] =>
  havingAny(
    ENTRIES_BY_NAME,
    ["", ...coveringPatterns(name).filter((pattern) => pattern !== "*" || name === "*")],
    objects,
  );

/** ServiceEntries with a host that one of the patterns covers. */
export const entriesCoveredBy = (patterns: readonly string[], objects: ObjectIndex): readonly Kinds["ServiceEntry"][] =>
  havingAny(ENTRIES_BY_PATTERN, patterns, objects);

/** ServiceEntries with a host that one of the patterns covers, or that covers one of them. */
export const entriesNear = (patterns: readonly string[], objects: ObjectIndex): readonly Kinds["ServiceEntry"][] => {
  const near = new Set([
    ...entriesCoveredBy(patterns, objects),
    ...patterns.flatMap((pattern) => entriesCovering(pattern, objects)),
  ]);
  return [...near].sort(compareNames);
};

/** DestinationRules whose host covers a name. */
export const rulesCovering = (host: string, objects: ObjectIndex): readonly Kinds["DestinationRule"][] =>
  havingAny(RULES_BY_HOST, coveringPatterns(host), objects);

/** Routes with a Hostname backend that may be meant by a host name that is spelt otherwise, or by one label of its name. */
export const routesSpeltLike = (host: string, objects: ObjectIndex): readonly Route[] =>
  objects.having(ROUTES_BY_SPELLING, host.includes(".") ? normalKey(host) : host.toLowerCase());

/** Routes with a Hostname backend that one of the patterns covers. */
export const routesCoveredBy = (patterns: readonly string[], objects: ObjectIndex): readonly Route[] =>
  havingAny(ROUTES_BY_PATTERN, patterns, objects);
