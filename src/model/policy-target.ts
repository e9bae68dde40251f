import { compareNames } from "./age.ts";
import type { Attachment, Route } from "./attachment.ts";
import type { TargetRef } from "./kinds/policy-target.ts";
import type { Kinds } from "./kinds.ts";
import { defineLookup, type ObjectIndex } from "./object-index.ts";

/** Kinds of policies that attach by `targetRef`, always in their own namespace. */
export type PolicyKind =
  | "AuthPolicy"
  | "RateLimitPolicy"
  | "TokenRateLimitPolicy"
  | "DNSPolicy"
  | "TLSPolicy"
  | "PlanPolicy"
  | "TelemetryPolicy";

export type Policy = Kinds[PolicyKind];

/** One way a request can take: a rule of a route, through one listener. */
export type RoutePath = { readonly attachment: Attachment; readonly ruleIndex: number };

/** Every way through a topology's listeners. A route without rules has none. */
export const pathsOf = (attachments: readonly Attachment[]): readonly RoutePath[] =>
  attachments.flatMap((attachment) =>
    (attachment.route.spec?.rules ?? []).map((_, ruleIndex) => ({ attachment, ruleIndex })),
  );

/** The name by which a `sectionName` can mean a rule: its own, else `rule-<n>` counted from 1. */
export const ruleName = (route: Route, ruleIndex: number): string =>
  route.spec?.rules?.[ruleIndex]?.name ?? `rule-${ruleIndex + 1}`;

/** Where in the chain Gateway → Listener → Route → Rule a policy sits on a path; undefined when it is not on it. */
export function levelOn(policy: Policy, { attachment, ruleIndex }: RoutePath): 0 | 1 | 2 | 3 | undefined {
  const target: TargetRef = policy.spec?.targetRef ?? {};
  const { gateway, listener, route } = attachment;
  const names = (object: Kinds["Gateway"] | Route): boolean =>
    target.kind === object.kind &&
    target.name === object.metadata.name &&
    policy.metadata.namespace === object.metadata.namespace;
  if (names(gateway)) {
    if (target.sectionName === undefined) return 0;
    return target.sectionName === listener.name ? 1 : undefined;
  }
  if (!names(route)) return undefined;
  if (target.sectionName === undefined) return 2;
  return target.sectionName === ruleName(route, ruleIndex) ? 3 : undefined;
}

const POLICIES_BY_TARGET = defineLookup({
  kinds: [
    "AuthPolicy",
    "RateLimitPolicy",
    "TokenRateLimitPolicy",
    "DNSPolicy",
    "TLSPolicy",
    "PlanPolicy",
    "TelemetryPolicy",
  ],
  keysOf: ({ kind, metadata, spec }) => {
    const target: TargetRef = spec?.targetRef ?? {};
    return [`${kind} ${target.kind} ${metadata.namespace}/${target.name}`];
  },
});

/** The policies of one kind whose target is an object or a part of it, in the order of their names. */
export const policiesOn = <K extends PolicyKind>(
  kind: K,
  { kind: targetKind, metadata }: Kinds["Gateway"] | Route,
  objects: ObjectIndex,
): readonly Kinds[K][] =>
  objects.having(
    POLICIES_BY_TARGET,
    `${kind} ${targetKind} ${metadata.namespace}/${metadata.name}`,
  ) as readonly Policy[] as readonly Kinds[K][];

/** The policies of one kind that are on a path, on whichever level, in the order of their names. */
export function policiesOnPath<K extends PolicyKind>(
  kind: K,
  path: RoutePath,
  objects: ObjectIndex,
): readonly Kinds[K][] {
  const { gateway, route } = path.attachment;
  const [above, below] = [policiesOn(kind, gateway, objects), policiesOn(kind, route, objects)];
  const all = above.length > 0 && below.length > 0 ? [...above, ...below].sort(compareNames) : [...above, ...below];
  return all.filter((policy) => levelOn(policy as Policy, path) !== undefined);
}

/** Every way on which a policy is, on whichever level, in the order of the attachments. */
export function waysOf(
  policy: Policy,
  view: {
    readonly objects: ObjectIndex;
    attachmentsOf(route: Route): readonly Attachment[];
    attachmentsOn(gateway: Kinds["Gateway"]): readonly Attachment[];
  },
): readonly RoutePath[] {
  const { kind, name = "" } = policy.spec?.targetRef ?? {};
  if (kind !== "Gateway" && kind !== "HTTPRoute" && kind !== "GRPCRoute") return [];
  const target = view.objects.get(kind, policy.metadata.namespace, name);
  if (target === undefined) return [];
  const attached = target.kind === "Gateway" ? view.attachmentsOn(target) : view.attachmentsOf(target);
  return pathsOf(attached).filter((way) => levelOn(policy, way) !== undefined);
}

/** What a targetRef means, or why it means nothing. */
export type TargetLookup =
  | { readonly status: "found"; readonly object: Kinds["Gateway"] | Route }
  | { readonly status: "unsupported-kind" }
  | { readonly status: "missing"; readonly elsewhere: readonly string[] }
  | { readonly status: "missing-section"; readonly sections: readonly string[] };

const TARGETS_BY_NAME = defineLookup({
  kinds: ["Gateway", "HTTPRoute", "GRPCRoute"],
  keysOf: ({ kind, metadata }) => [`${kind} ${metadata.name}`],
});

/** Looks a policy's target up in its own namespace; `elsewhere` lists namespaces that have an object of that name. */
export function findTarget(policy: Policy, objects: ObjectIndex): TargetLookup {
  const { kind = "", name = "", sectionName } = policy.spec?.targetRef ?? {};
  if (kind !== "Gateway" && kind !== "HTTPRoute" && kind !== "GRPCRoute") return { status: "unsupported-kind" };
  const object = objects.get(kind, policy.metadata.namespace, name);
  if (object === undefined) {
    const elsewhere = objects.having(TARGETS_BY_NAME, `${kind} ${name}`).map(({ metadata }) => metadata.namespace);
    return { status: "missing", elsewhere };
  }
  if (sectionName === undefined) return { status: "found", object };
  const sections =
    object.kind === "Gateway"
      ? (object.spec?.listeners ?? []).map((listener) => listener.name ?? "")
      : (object.spec?.rules ?? []).map((_, index) => ruleName(object, index));
  return sections.includes(sectionName) ? { status: "found", object } : { status: "missing-section", sections };
}
