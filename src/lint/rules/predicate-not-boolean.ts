import type { Node } from "../../cel/ast.ts";
import { availability } from "../../cel/attributes.ts";
import { headerSubtractions } from "../../cel/header-names.ts";
import { type AttributePath, namesOf, pathOf, startsWithNames } from "../../cel/path.ts";
import { type StaticType, staticType } from "../../cel/static-type.ts";
import type { Mend } from "../../model/edit.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type { AuthenticationItem } from "../../model/kinds/auth-policy.ts";
import type { Kinds } from "../../model/kinds.ts";
import { type CelSite, celSites } from "../expressions/expression-sites.ts";
import { quote } from "../expressions/quote.ts";
import { replacing } from "../mends/text-changes.ts";
import { defineRule, type Report } from "../rule.ts";

type PredicateKind = "AuthPolicy" | "RateLimitPolicy" | "TokenRateLimitPolicy" | "PlanPolicy";

/** Types that are no truth value, as they are called in a message, and a comparison that makes a condition of them. */
const NAMES: Readonly<Record<Exclude<StaticType, "bool" | "unknown">, readonly [called: string, compared: string]>> = {
  string: ["a text", "{} == '…'"],
  number: ["a number", "{} > 0"],
  bytes: ["a sequence of bytes", "size({}) > 0"],
  duration: ["a duration", "{} > duration('0s')"],
  timestamp: ["a time", "{} > timestamp('…')"],
  list: ["a list", "size({}) > 0"],
  map: ["a map", "size({}) > 0"],
  message: ["a whole structure", "has({}.…)"],
  null: ["null", "… != null"],
  optional: ["an optional value", "{}.orValue(false)"],
  "not-bool": ["a text or a number", "{} == …"],
};

/** Methods whose identity may have any shape, so that no field below `auth.identity` has a certain type. */
const hasFreeIdentity = (item: AuthenticationItem): boolean =>
  [item.jwt, item.oauth2Introspection, item.plain, item.x509, item.overrides, item.defaults].some(
    (method) => method !== undefined,
  );

function isIdentityFree(object: Kinds[PredicateKind]): boolean {
  if (object.kind !== "AuthPolicy") return object.kind === "PlanPolicy";
  const blocks = [object.spec, object.spec?.defaults, object.spec?.overrides];
  return blocks.some((block) => Object.values(block?.rules?.authentication ?? {}).some(hasFreeIdentity));
}

/** The certain type of an attribute where the predicate is evaluated. */
function attributeType(path: AttributePath, { engine }: CelSite, identityIsFree: boolean): StaticType {
  if (engine === "authorino" && identityIsFree && startsWithNames(path, "auth", "identity")) return "unknown";
  // The gateway decodes a header that is selected with a dot: `true` is a truth value then.
  if (engine === "wasm" && path.segments[2]?.access === "dot" && startsWithNames(path, "request", "headers")) {
    return "unknown";
  }
  const found = availability(engine, namesOf(path));
  return found.status === "available" ? found.type : "unknown";
}

const CRASH =
  "the first request that evaluates it ends the whole Authorino process, and with it authorization for every gateway";

function consequence(object: Kinds[PredicateKind], { engine }: CelSite): string {
  if (object.kind === "PlanPolicy") return "the plan cannot be told, and no caller gets one";
  if (engine === "authorino") return CRASH;
  return "the operator drops it, or the gateway answers every evaluation with an error";
}

/** The values that a predicate may have: those of a ternary's branches, else its own. */
const outcomes = (node: Node): readonly Node[] =>
  node.kind === "ternary" ? [...outcomes(node.whenTrue), ...outcomes(node.whenFalse)] : [node];

/** What is true stays true; what is none no longer does damage. */
const comparing = (path: FieldPath, { start, end }: Node, text: string): Mend => ({
  title: "compare it with `true`",
  edits: replacing(path, [{ start, end, text: `${text} == true` }]),
});

function reportOn(object: Kinds[PredicateKind], site: CelSite, identityIsFree: boolean): readonly Report[] {
  if (site.tree === undefined || site.role !== "predicate") return [];
  return outcomes(site.tree).flatMap((node): readonly Report[] => {
    const type = staticType(node, (path) => attributeType(path, site, identityIsFree));
    const text = site.text.slice(node.start, node.end);
    const placed = { path: site.path, range: { start: node.start, end: node.end } };
    // A header name with dashes is meant: cel-header-access.
    if (type === "bool" || headerSubtractions(node, site.text).length > 0) return [];
    if (type !== "unknown") {
      const [called, compared] = NAMES[type];
      return [
        {
          ...placed,
          message: `this predicate is ${called}, not a condition: ${consequence(object, site)}`,
          hint: `Compare it with something: \`${compared.replace("{}", text)}\`.`,
        },
      ];
    }
    const path = pathOf(node);
    // An attribute that is certainly missing is the business of cel-unknown-attribute.
    if (path === undefined || availability(site.engine, namesOf(path)).status === "absent") return [];
    return [
      {
        ...placed,
        severity: "warning",
        message: `nothing says that ${quote(text)} is true or false: if it is anything else, ${consequence(object, site)}`,
        hint: `Compare it: \`${text} == true\`.`,
        ...(path.segments.some(({ optional }) => optional) ? {} : { mend: comparing(site.path, node, text) }),
      },
    ];
  });
}

const authorized = (predicate: string): string => `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: workload-identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          rules:
            authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress]}}}
            authorization: {who: {patternMatching: {patterns: [{predicate: "${predicate}"}]}}}`;

const PATTERN = "spec.rules.authorization.who.patternMatching.patterns[0].predicate";

export const rule = defineRule({
  id: "predicate-not-boolean",
  kinds: ["AuthPolicy", "RateLimitPolicy", "TokenRateLimitPolicy", "PlanPolicy"],
  reads: [],
  severity: "error",
  scope: "object",
  title: "A predicate is no condition, and evaluating it does damage",
  why: "Authorino takes the result for a truth value without looking and ends when it is none. Whoever may create an AuthPolicy can so stop authorization for every gateway of the cluster.",
  fix: "Compare the value with something: `auth.identity.user.username != ''`.",
  sources: [
    "Observed on Authorino 58fecc6c (`pkg/expressions/cel`): `panic: interface conversion: interface {} is string, not bool`, and the process was gone",
    'Observed on wasm-shim af0f9b4: `request.method` as a predicate gives a String("POST")',
  ],
  since: "0.1.0",

  check(object) {
    const identityIsFree = isIdentityFree(object);
    return celSites(object).flatMap((site) => reportOn(object, site, identityIsFree));
  },

  bad: [
    {
      name: "a username",
      finds: [{ path: PATTERN, text: "auth.identity.user.username" }],
      yaml: authorized("auth.identity.user.username"),
    },
    {
      name: "one branch of a ternary",
      finds: [{ path: PATTERN, text: "'no'" }],
      yaml: authorized("request.method == 'GET' ? true : 'no'"),
    },
    {
      name: "a value of unknown type",
      finds: [
        {
          path: PATTERN,
          text: "auth.identity.claims.admin",
          severity: "warning",
          mended: "auth.identity.claims.admin == true",
        },
      ],
      yaml: authorized("auth.identity.claims.admin"),
    },
  ],
  good: [
    { name: "a comparison", yaml: authorized("auth.identity.user.username != ''") },
    { name: "a test of existence", yaml: authorized("has(auth.identity.user.extra)") },
    { name: "a value compared with true", yaml: authorized("auth.identity.claims.admin == true") },
  ],
});
