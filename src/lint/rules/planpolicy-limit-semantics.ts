import type { Node } from "../../cel/ast.ts";
import {
  type AttributePath,
  formatAttributePath,
  namesOf,
  pathOf,
  pathRange,
  startsWithNames,
} from "../../cel/path.ts";
import { AUTHORINO_PRESENCE, type PathUse, pathUses } from "../../cel/path-uses.ts";
import { firstComment } from "../../cel/tokens.ts";
import type { Kinds } from "../../model/kinds.ts";
import { formatName } from "../../model/object-ref.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { type CelSite, celSites } from "../expressions/expression-sites.ts";
import { quote } from "../expressions/quote.ts";
import { defineRule, type Report } from "../rule.ts";

type PlanPolicy = Kinds["PlanPolicy"];
type Plan = NonNullable<NonNullable<PlanPolicy["spec"]>["plans"]>[number];

const hasLimits = ({ limits = {} }: Plan): boolean =>
  Object.values(limits).some((value) => (Array.isArray(value) ? value.length > 0 : value !== undefined));

/** Each tier has one budget, whoever is in it. Said once. */
function sharedQuota(plans: readonly Plan[]): readonly Report[] {
  const index = plans.findIndex(hasLimits);
  if (index < 0) return [];
  return [
    {
      path: ["spec", "plans", index, "limits"],
      at: "key",
      message: `the limits of a plan have no counters: all callers of tier \`${plans[index]?.tier ?? ""}\` share one quota`,
      hint: "Leave the limits out and use a RateLimitPolicy: `when: [{predicate: auth.kuadrant.plan == 'gold'}]` with the counter `auth.identity.username`. If sharing is meant, exempt this rule and say so.",
    },
  ];
}

/** `true`, or a test that every authenticated caller passes. */
function holdsForAll(tree: Node | undefined): boolean {
  if (tree?.kind === "literal") return tree.value === true;
  const path = tree === undefined ? undefined : pathOf(tree);
  return path?.test === true && namesOf(path).join(".") === "auth.identity";
}

function noLastPlan(plans: readonly Plan[], sites: readonly CelSite[]): readonly Report[] {
  if (plans.length === 0 || sites.some(({ tree }) => tree === undefined || holdsForAll(tree))) return [];
  return [
    {
      path: ["spec", "plans"],
      at: "key",
      message:
        "no plan is for everybody else: for a caller that matches none the generated expression reads beyond the end of a list, and its failure can take headers with it that the AuthPolicy injects",
      hint: 'Add a last plan `{tier: none, predicate: "true"}`.',
    },
  ];
}

/** Plans are asked in their order, and the first that matches is the caller's. */
function unreachable(sites: readonly CelSite[]): readonly Report[] {
  return sites.flatMap(({ path, text, owner }, position): readonly Report[] => {
    const before = sites
      .slice(0, position)
      .find((earlier) => holdsForAll(earlier.tree) || earlier.text.trim() === text.trim());
    if (before === undefined) return [];
    return [
      {
        path,
        message: `no caller gets tier \`${owner}\`: everybody who matches is in tier \`${before.owner}\` already`,
        hint: "Put the narrower plan first, or remove one of the two.",
      },
    ];
  });
}

/** Claims that every token has, and what is not a claim. */
const ALWAYS_THERE = new Set(["user", "metadata", "sub", "iss", "aud", "exp", "iat"]);
const SENT_ALWAYS = new Set([":authority", "host", ":method", ":path", "authorization"]);

/** How many names of a path lead to something that a caller may not have; undefined when it is always there. */
function mayBeMissing(path: AttributePath): number | undefined {
  const [, , third = "", fourth = "", fifth] = namesOf(path);
  if (startsWithNames(path, "request", "headers")) {
    return third === "" || SENT_ALWAYS.has(third.toLowerCase()) ? undefined : 3;
  }
  if (!startsWithNames(path, "auth", "identity") || third === "") return undefined;
  const isKey = third === "metadata" && (fourth === "annotations" || fourth === "labels");
  if (isKey && fifth !== undefined) return 5;
  return ALWAYS_THERE.has(third) ? undefined : 3;
}

function isUnguarded({ path, present }: PathUse): boolean {
  const depth = mayBeMissing(path);
  if (depth === undefined || path.segments.slice(0, depth).some(({ optional }) => optional)) return false;
  if (path.test && path.segments.length === depth) return false;
  const names = namesOf(path);
  return !names.some(
    (_, position) => position + 1 >= depth && present.has(JSON.stringify(names.slice(0, position + 1))),
  );
}

function missingKeys({ tree, path, owner }: CelSite): readonly Report[] {
  const use = tree === undefined ? undefined : pathUses(tree, AUTHORINO_PRESENCE).find(isUnguarded);
  if (use === undefined) return [];
  const spelt = formatAttributePath(use.path);
  return [
    {
      path,
      range: pathRange(use.path),
      message: `the predicates of all plans are evaluated for every caller: one without \`${spelt}\` fails that of tier \`${owner}\`, and gets no plan at all`,
      hint: "Test for it first: `has(a.b) && a.b == …` or `'k' in a && a['k'] == …`.",
    },
  ];
}

function unquotable(plans: readonly Plan[], sites: readonly CelSite[]): readonly Report[] {
  const tiers = plans.flatMap(({ tier = "" }, index): readonly Report[] =>
    tier.includes('"')
      ? [
          {
            path: ["spec", "plans", index, "tier"],
            message: `the tier is written between double quotes into an expression: with its own one ${quote(tier)} breaks it for all plans`,
            hint: "Use letters, digits and dashes.",
          },
        ]
      : [],
  );
  const comments = sites.flatMap(({ text, path, tree }): readonly Report[] => {
    const range = tree === undefined ? undefined : firstComment(text);
    const message = "line breaks are taken out of the generated expression: this comment hides everything after it";
    return range === undefined
      ? []
      : [{ path, range, message, hint: "Leave the comment out, or make it one of YAML: `# …`." }];
  });
  return [...tiers, ...comments];
}

/** Somebody's RateLimitPolicy of the plan's name. The operator's has a PlanPolicy as owner, or no limits but the tiers. */
function sameName(object: PlanPolicy, { objects }: Topology): readonly Report[] {
  const { namespace, name } = object.metadata;
  const limits = objects.get("RateLimitPolicy", namespace, name);
  const tiers = new Set((object.spec?.plans ?? []).map(({ tier = "" }) => tier));
  if (limits === undefined || limits.metadata.ownerReferences?.some(({ kind }) => kind === "PlanPolicy")) return [];
  const { spec = {} } = limits;
  const names = Object.keys(spec.limits ?? spec.defaults?.limits ?? spec.overrides?.limits ?? {});
  if (names.every((limit) => tiers.has(limit))) return [];
  return [
    {
      path: ["metadata", "name"],
      scope: "conflict",
      message: `the operator makes a RateLimitPolicy of this name from the plans: \`${formatName(limits.metadata)}\` and the plans overwrite each other`,
      hint: "Give one of the two another name.",
      related: [{ object: refOf(limits), path: ["metadata", "name"], message: "this policy is not the operator's" }],
    },
  ];
}

function check(object: PlanPolicy, topology: Topology): readonly Report[] {
  const plans = object.spec?.plans ?? [];
  const sites = celSites(object);
  return [
    ...sharedQuota(plans),
    ...noLastPlan(plans, sites),
    ...unreachable(sites),
    ...sites.flatMap(missingKeys),
    ...unquotable(plans, sites),
    ...sameName(object, topology),
  ];
}

const planned = (...plans: readonly string[]): string => `
        apiVersion: extensions.kuadrant.io/v1alpha1
        kind: PlanPolicy
        metadata: {namespace: gateway-system, name: plans}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}
          plans: [${plans.join(", ")}]`;

const plan = (predicate: string, tier = "gold"): string =>
  `{tier: ${JSON.stringify(tier)}, predicate: ${JSON.stringify(predicate)}}`;

const REST = plan("true", "free");
const GOLD = "auth.identity.user.username.endsWith(':gold')";
const predicateAt = (index: number): string => `spec.plans[${index}].predicate`;

/** Two policies on one target are policy-shadowed's business. */
export const rule = defineRule({
  id: "planpolicy-limit-semantics",
  kinds: ["PlanPolicy"],
  reads: ["RateLimitPolicy"],
  severity: "warning",
  scope: "object",
  title: "The plans limit other callers, or fewer, than they say",
  why: "A PlanPolicy becomes one expression and one RateLimitPolicy. The limits have no counters, the first plan that matches wins, and one predicate that fails leaves the caller without any plan.",
  fix: "Order the plans from the narrowest to a last one with the predicate `true`, guard every key that may be missing, and count by identity in a RateLimitPolicy.",
  sources: [
    "kuadrant-operator `cmd/extensions/plan-policy/internal/controller/planpolicy_reconciler.go`: limits without counters, under the plan's name",
    "kuadrant-operator PlanPolicy `api/v1alpha1`, `BuildCelExpression`: every predicate is evaluated, the first true one indexes the tiers",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "a quota for all callers of a tier together",
      finds: [{ path: "spec.plans[0].limits" }],
      yaml: planned(`{tier: gold, predicate: "${GOLD}", limits: {daily: 1000}}`, REST),
    },
    { name: "no plan for everybody else", finds: [{ path: "spec.plans" }], yaml: planned(plan(GOLD)) },
    {
      name: "a plan behind one for everybody",
      finds: [{ path: predicateAt(1) }],
      yaml: planned(plan("has(auth.identity)", "free"), plan(GOLD)),
    },
    {
      name: "one predicate twice",
      finds: [{ path: predicateAt(1) }],
      yaml: planned(plan(GOLD), plan(GOLD, "silver"), REST),
    },
    {
      name: "a RateLimitPolicy of the same name",
      finds: [{ path: "metadata.name" }],
      yaml: `${planned(plan(GOLD), REST)}
        ---
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: plans}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: other}
          limits: {global: {rates: [{limit: 100, window: 1m}]}}`,
    },
    {
      name: "an annotation that a key may not have",
      finds: [{ path: predicateAt(0), text: "auth.identity.metadata.annotations['plan']" }],
      yaml: planned(plan("auth.identity.metadata.annotations['plan'] == 'gold'"), REST),
    },
    {
      name: "a header that a caller may leave out",
      finds: [{ path: predicateAt(0), text: "request.headers['x-plan']" }],
      yaml: planned(plan("request.headers['x-plan'] == 'gold'"), REST),
    },
    {
      name: "a claim that a token may not have",
      finds: [{ path: predicateAt(0), text: "auth.identity.groups" }],
      yaml: planned(plan("'gold' in auth.identity.groups"), REST),
    },
    {
      name: "a double quote in a tier",
      finds: [{ path: "spec.plans[0].tier" }],
      yaml: planned(plan(GOLD, 'the "gold" one'), REST),
    },
    {
      name: "a comment in a predicate",
      finds: [{ path: predicateAt(0), text: "// the paying ones" }],
      yaml: planned(plan(`${GOLD} // the paying ones`), REST),
    },
  ],
  good: [
    { name: "plans without limits, and one for everybody else", yaml: planned(plan(GOLD), REST) },
    {
      name: "keys that are tested before they are read",
      yaml: planned(
        plan("'x-plan' in request.headers && request.headers['x-plan'] == 'gold'"),
        plan("has(auth.identity.groups) && 'silver' in auth.identity.groups", "silver"),
        plan("has(auth.identity)", "free"),
      ),
    },
    {
      name: "two slashes inside a text",
      yaml: planned(plan("auth.identity.iss == 'https://issuer.example.com'"), REST),
    },
    {
      name: "the RateLimitPolicy that the operator made",
      yaml: `${planned(plan(GOLD), REST)}
        ---
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: plans}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}
          limits: {gold: {rates: [{limit: 100, window: 24h}]}}`,
    },
  ],
});
