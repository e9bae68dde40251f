import { availability } from "../../cel/attributes.ts";
import { parseExpression } from "../../cel/parse.ts";
import { type AttributePath, namesOf, startsWithNames } from "../../cel/path.ts";
import type { PathUse } from "../../cel/path-uses.ts";
import { selectorPaths } from "../../cel/selector.ts";
import { type StaticType, staticType } from "../../cel/static-type.ts";
import type { Route } from "../../model/attachment.ts";
import { declaredRules, type EffectivePolicy, effectivePolicy } from "../../model/effective-policy.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type { DynamicValue, ResponseItem } from "../../model/kinds/auth-policy.ts";
import type { TargetRef } from "../../model/kinds/policy-target.ts";
import type { Kinds } from "../../model/kinds.ts";
import { defineLookup } from "../../model/object-index.ts";
import { type RoutePath, waysOf } from "../../model/policy-target.ts";
import type { Topology } from "../../model/topology.ts";

/** Policies whose expressions the gateway evaluates after authentication. */
export type GatewayPolicy = Kinds["RateLimitPolicy"] | Kinds["TokenRateLimitPolicy"] | Kinds["TelemetryPolicy"];

/** An entry of `response.success.filters` that is effective, and where it stands. */
export type PublishedFilter = {
  readonly name: string;
  readonly item: ResponseItem;
  readonly policy: Kinds["AuthPolicy"];
  readonly path: FieldPath;
};

/** What the gateway knows as `auth` on one way through it. */
export type Publication = {
  /** Undefined where no AuthPolicy is effective: `auth` is then null. */
  readonly auth: EffectivePolicy | undefined;
  readonly filters: readonly PublishedFilter[];
  /** The route that it is said of; undefined when no way through the gateway is in view. */
  readonly route: Route | undefined;
};

const FILTER_KEY = "response.success.filters/";

/** Several rules ask the same about one policy; a Topology is immutable, so the answer holds as long as it does. */
const known = new WeakMap<Topology, WeakMap<GatewayPolicy, readonly Publication[]>>();

/** What is published on every way through the gateway that a policy is on. Empty when its target leads nowhere in view. */
export function publicationsFor(policy: GatewayPolicy, topology: Topology): readonly Publication[] {
  const answers = known.get(topology) ?? new WeakMap<GatewayPolicy, readonly Publication[]>();
  const publications = answers.get(policy) ?? publishedOnWays(policy, topology);
  known.set(topology, answers.set(policy, publications));
  return publications;
}

function publishedOnWays(policy: GatewayPolicy, topology: Topology): readonly Publication[] {
  return waysOfPolicy(policy, topology).map((way) => {
    const auth = effectivePolicy("AuthPolicy", way, topology.objects);
    return { auth, filters: filtersOf(auth), route: way.attachment.route };
  });
}

function waysOfPolicy(policy: GatewayPolicy, topology: Topology): readonly RoutePath[] {
  const ways = waysOf(policy, topology);
  if (policy.kind !== "TelemetryPolicy") return ways;
  // A label is part of the rate-limit message only, so that it matters where there is one.
  return ways.filter((way) =>
    (["RateLimitPolicy", "TokenRateLimitPolicy"] as const).some(
      (kind) => effectivePolicy(kind, way, topology.objects) !== undefined,
    ),
  );
}

function filtersOf(auth: EffectivePolicy | undefined): readonly PublishedFilter[] {
  return [...(auth?.rules.values() ?? [])].flatMap(({ key, value, policy, path }) =>
    key.startsWith(FILTER_KEY) && policy.kind === "AuthPolicy"
      ? [{ name: key.slice(FILTER_KEY.length), item: value as ResponseItem, policy, path }]
      : [],
  );
}

/** The filter that publishes `auth.<name>`: under its own name, or under the `key` that it asks for. */
export const filterNamed = (filters: readonly PublishedFilter[], name: string): PublishedFilter | undefined =>
  filters.find((filter) => filter.name === name || filter.item.key === name);

/** A property of a `json` filter. Maps read from objects have no prototype, so any name is only a name. */
export const propertyOf = (filter: PublishedFilter, property: string): DynamicValue | undefined =>
  Object.hasOwn(filter.item.json?.properties ?? {}, property) ? filter.item.json?.properties?.[property] : undefined;

/** What is certain about the type of a value that an AuthPolicy computes. */
export function dynamicType({ value, selector, expression }: DynamicValue): StaticType {
  if (expression !== undefined) {
    const parsed = parseExpression(expression);
    return parsed.ok ? staticType(parsed.value, authorinoType) : "unknown";
  }
  if (selector !== undefined) return selectorType(selector);
  if (value === null || value === undefined) return "unknown";
  if (Array.isArray(value)) return "list";
  return typeof value === "object" ? "map" : typeof value === "boolean" ? "bool" : "string";
}

function selectorType(text: string): StaticType {
  const [path, ...others] = selectorPaths(text);
  if (path === undefined || others.length > 0 || path.start > 0) return "string";
  if (!path.plain || path.modifiers.length > 0) return "unknown";
  const found = availability(
    "selector",
    path.segments.map(({ name }) => name),
  );
  return found.status === "available" ? found.type : "unknown";
}

/** The type of an attribute below an AuthPolicy's `rules`, as far as the attribute table knows it. */
export function authorinoType(path: AttributePath): StaticType {
  const found = availability("authorino", namesOf(path));
  return found.status === "available" ? found.type : "unknown";
}

const SCALARS: ReadonlySet<StaticType> = new Set([
  "string",
  "number",
  "bool",
  "bytes",
  "duration",
  "timestamp",
  "null",
]);

/** Whether nothing can be selected from a value of this type, for certain. */
export const isScalar = (type: StaticType): boolean => SCALARS.has(type);

/** First names below `auth.identity` of the identities that Authorino has: TokenReview, JWT, API key. */
const AUTHORINO_IDENTITY = new Set(["user", "claims", "metadata", "sub"]);

/**
 * Whether the gateway is asked for a path of Authorino's own identity, at least two names below `auth.identity`, in a way
 * that fails when it is not there.
 */
export function isTokenReviewRead({ path, present }: PathUse): boolean {
  const [, , first, second] = path.segments;
  if (second === undefined || first === undefined || first.optional || first.access === "dynamic") return false;
  if (!startsWithNames(path, "auth", "identity") || !AUTHORINO_IDENTITY.has(first.name)) return false;
  return path.segments[1]?.optional !== true && !present.has(JSON.stringify(["auth", "identity", first.name]));
}

const isIdentity = ({ name, item }: PublishedFilter): boolean => name === "identity" || item.key === "identity";

const IDENTITY_PUBLISHERS = defineLookup({
  kinds: ["AuthPolicy"],
  keysOf: (auth) => (filtersOf({ rules: declaredRules(auth), policies: [auth] }).some(isIdentity) ? ["identity"] : []),
});

/**
 * Whether a filter in view publishes `auth.identity.<name>` as something that has fields. Without a way through the
 * gateway in view, every AuthPolicy in view is asked.
 */
export function publishesBelowIdentity(name: string, policy: GatewayPolicy, topology: Topology): boolean {
  const publications = publicationsFor(policy, topology);
  const filters =
    publications.length > 0
      ? publications.flatMap((publication) => publication.filters)
      : topology.objects
          .having(IDENTITY_PUBLISHERS, "identity")
          .flatMap((auth) => filtersOf({ rules: declaredRules(auth), policies: [auth] }));
  return filters.some((filter) => {
    if (!isIdentity(filter)) return false;
    const value = filter.item.json === undefined ? filter.item.plain : propertyOf(filter, name);
    return value !== undefined && !isScalar(dynamicType(value));
  });
}

const targetKey = ({ metadata, spec }: GatewayPolicy | Kinds["AuthPolicy"]): string => {
  const { kind, name, sectionName }: TargetRef = spec?.targetRef ?? {};
  return JSON.stringify([metadata.namespace, kind, name, sectionName]);
};

const AUTH_BY_TARGET = defineLookup({ kinds: ["AuthPolicy"], keysOf: (policy) => [targetKey(policy)] });

/** What AuthPolicies with the same target publish; for a policy whose target leads nowhere in view. */
export function publicationsBeside(policy: GatewayPolicy, topology: Topology): readonly Publication[] {
  return topology.objects
    .having(AUTH_BY_TARGET, targetKey(policy))
    .map((policy) => ({ rules: declaredRules(policy), policies: [policy] }))
    .map((auth) => ({ auth, filters: filtersOf(auth), route: undefined }));
}
