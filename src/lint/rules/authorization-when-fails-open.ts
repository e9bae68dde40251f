import {
  type AuthBlockFlow,
  type AuthFlow,
  type AuthItem,
  type AuthView,
  authFlows,
  differentViews,
  formatItem,
  holdsIn,
  itemsOf,
} from "../auth/auth-flow.ts";
import { type ItemRead, itemReads } from "../auth/auth-sites.ts";
import { requestPath } from "../auth/dependence.ts";
import { POLICY } from "../auth/example-objects.ts";
import { readsBelow, spellPath } from "../expressions/attribute-reads.ts";
import { defineRule, type Report } from "../rule.ts";

type Authorization = AuthItem<"authorization">;

/** What a rule is about: values that were fetched, by item, the identity, or neither. */
type Subject = { readonly fetched: ReadonlySet<string>; readonly identity: boolean };

function subjectOf(item: Authorization, flow: AuthFlow): Subject {
  const reads = itemReads(item, flow).filter(({ part }) => part === "condition" || part === "value");
  return {
    fetched: new Set(
      reads.flatMap(({ read }) => (readsBelow(read, ["auth", "metadata"]) ? [read.names[2] ?? ""] : [])),
    ),
    identity: reads.some(({ read }) => readsBelow(read, ["auth", "identity"])),
  };
}

/** Rego and SpiceDB may ask for anything. */
const isOpaque = ({ value }: Authorization): boolean => value.opa !== undefined || value.spicedb !== undefined;

/** What the rules that always run are about; undefined for one that may ask for anything. */
const unconditional = (flow: AuthFlow): readonly (Subject | undefined)[] =>
  itemsOf(flow, "authorization")
    .filter(({ when }) => when.length === 0)
    .map((item) => (isOpaque(item) ? undefined : subjectOf(item, flow)));

/** Whether one of them protects the same thing. */
const isProtected = (own: Subject, others: readonly (Subject | undefined)[]): boolean =>
  others.some((other) => {
    if (other === undefined) return true;
    if (own.fetched.size > 0) return [...own.fetched].every((name) => other.fetched.has(name));
    return own.identity ? other.identity : true;
  });

const whenReads = (item: AuthItem, flow: AuthFlow): readonly ItemRead[] =>
  itemReads(item, flow).filter(({ part }) => part === "when");

const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  readsBelow({ names: requestPath(a) }, requestPath(b)) || readsBelow({ names: requestPath(b) }, requestPath(a));

/** Rules with conditions that are compared with each other. A policy of the guides has none. */
const MAX_CONDITIONAL = 64;

/** Whether another rule has a condition on the same value: the two may take turns. */
const hasCounterpart = ({ key }: Authorization, { read }: ItemRead, flow: AuthFlow): boolean =>
  itemsOf(flow, "authorization")
    .filter((other) => other.key !== key && other.when.length > 0)
    .slice(0, MAX_CONDITIONAL)
    .some((other) => whenReads(other, flow).some((place) => sameNames(place.read.names, read.names)));

const CALLER_FIELDS = new Set(["query", "user_agent", "useragent", "referer", "body"]);
/** Authentication and the gateway see to it that these are there. */
const GIVEN_HEADERS = new Set(["authorization", "host", ":authority", ":method", ":path"]);

const MAY_BE_ABSENT: readonly (readonly string[])[] = [
  ["auth", "identity", "metadata", "annotations"],
  ["auth", "identity", "metadata", "labels"],
];

/** Why the rule can be skipped when it must not be; undefined for a condition as it is meant to be used. */
function reasonOf({ read }: ItemRead, { fetched }: Subject): string | undefined {
  const names = requestPath(read.names);
  const [root, field = "", name = ""] = names;
  const value = `\`${spellPath(read.names)}\``;
  const fails = !read.selector && !read.tested && read.absence(read.names.length) !== "harmless";
  if (root === "auth" && field === "metadata") {
    if (fails) return `without ${value}, as after a failed lookup, it cannot be evaluated`;
    return fetched.has(name) ? `a failed lookup leaves ${value} out, and so the check of it` : undefined;
  }
  if (root === "request") {
    const isFree = field === "headers" ? !GIVEN_HEADERS.has(name.toLowerCase()) : CALLER_FIELDS.has(field);
    if (!isFree) return undefined;
    const whole = field === "headers" && name === "";
    return whole ? "the caller chooses the headers" : `the caller chooses ${value}`;
  }
  const optional = MAY_BE_ABSENT.some((prefix) => readsBelow(read, prefix));
  return fails && optional ? `where ${value} is missing it cannot be evaluated` : undefined;
}

type Context = { readonly flow: AuthFlow; readonly others: readonly (Subject | undefined)[] };

/** The paths in view, and the block alone. */
type Surroundings = {
  readonly flow: AuthBlockFlow;
  readonly views: readonly (Context & { readonly flow: AuthView })[];
  readonly alone: Context;
};

function judge(item: Authorization, { flow, views, alone }: Surroundings): readonly Report[] {
  const held = views.filter((view) => holdsIn(view.flow, item));
  const contexts: readonly Context[] = held.length > 0 ? held : [alone];
  const subject = subjectOf(item, flow);
  if (contexts.every(({ others }) => isProtected(subject, others))) return [];
  for (const place of whenReads(item, flow)) {
    const reason = reasonOf(place, subject);
    if (reason === undefined || hasCounterpart(item, place, flow)) continue;
    return [
      {
        path: place.site.path,
        range: { start: place.read.start, end: place.read.end },
        message: `if this \`when\` is false or cannot be evaluated, ${formatItem(item)} is skipped and the request is allowed; ${reason}`,
      },
    ];
  }
  return [];
}

export const rule = defineRule({
  id: "authorization-when-fails-open",
  kinds: ["AuthPolicy"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute"],
  severity: "warning",
  scope: "object",
  title: "A condition can switch off the only check",
  why: "Authorino skips an authorization item whose `when` is false or cannot be evaluated, and what is skipped counts as passed.",
  fix: "Move the condition into the pattern, `!(condition) || requirement`, where an error denies the request.",
  sources: [
    "authorino 58fecc6c pkg/service/auth_pipeline.go: an item whose conditions fail is not evaluated, and authorization succeeds",
    "Observed on Authorino 58fecc6c: with a `when` that is false, a namespace that the rule refuses gets 200",
  ],
  since: "0.2.0",

  check(object, topology) {
    return authFlows(object).flatMap((flow) => {
      const conditional = itemsOf(flow, "authorization").filter(({ when }) => when.length > 0);
      if (conditional.length === 0) return [];
      const views = differentViews(object, topology).map((view) => ({ flow: view, others: unconditional(view) }));
      const alone: Context = { flow, others: unconditional(flow) };
      return conditional.flatMap((item) => judge(item, { flow, views, alone }));
    });
  },

  bad: [
    {
      name: "a check of a secret, only where there is one",
      finds: [
        { path: 'spec.rules.authorization["secret-ok"].when[0].predicate', text: "has(auth.metadata.secret.data)" },
      ],
      yaml: `${POLICY}
          rules:
            authorization:
              secret-ok:
                when: [{predicate: has(auth.metadata.secret.data)}]
                patternMatching: {patterns: [{predicate: "auth.metadata.secret.data.data.api_key != ''"}]}`,
    },
    {
      name: "a condition that cannot be evaluated without a header, in defaults",
      finds: [
        { path: "spec.defaults.rules.authorization.team.when[0].predicate", text: "request.headers['x-strict']" },
      ],
      yaml: `${POLICY}
          defaults:
            rules:
              authorization:
                team:
                  when: [{predicate: "request.headers['x-strict'] == 'yes'"}]
                  patternMatching: {patterns: [{predicate: "auth.identity.user.username.startsWith('system:serviceaccount:team-a:')"}]}
                secret: {patternMatching: {patterns: [{predicate: "has(auth.metadata.secret.data.data.api_key)"}]}}`,
    },
    {
      name: "what a lookup says, through a named pattern",
      finds: [{ path: "spec.patterns.limited.allOf[0].predicate", text: "auth.metadata.plan.limited" }],
      yaml: `${POLICY}
          patterns:
            limited: {allOf: [{predicate: "auth.metadata.plan.limited == true"}]}
          rules:
            authorization:
              team:
                when: [{patternRef: limited}]
                kubernetesSubjectAccessReview: {user: {expression: auth.identity.user.username}}`,
    },
    {
      name: "an annotation that an identity need not have, and a query",
      finds: [
        { path: "spec.rules.authorization.query.when[0].selector", text: "context.request.http.query" },
        { path: "spec.rules.authorization.tier.when[0].predicate", text: "auth.identity.metadata.annotations.tier" },
      ],
      yaml: `${POLICY}
          rules:
            authorization:
              tier:
                when: [{predicate: "auth.identity.metadata.annotations.tier == 'free'"}]
                patternMatching: {patterns: [{predicate: "auth.identity.metadata.labels.paid == 'yes'"}]}
              query:
                when: [{selector: context.request.http.query, operator: matches, value: admin}]
                patternMatching: {patterns: [{predicate: "auth.identity.metadata.labels.admin == 'yes'"}]}`,
    },
  ],
  good: [
    {
      name: "the condition in the pattern",
      yaml: `${POLICY}
          rules:
            authorization:
              secret-ok:
                patternMatching: {patterns: [{predicate: "has(auth.metadata.secret.data.data.api_key) && auth.metadata.secret.data.data.api_key != ''"}]}`,
    },
    {
      name: "a rule for a method and a rule for a path",
      yaml: `${POLICY}
          rules:
            authorization:
              writes:
                when: [{predicate: "request.method != 'GET'"}, {predicate: "request.url_path.startsWith('/v1/')"}]
                patternMatching: {patterns: [{predicate: "auth.identity.user.username.endsWith(':writer')"}]}`,
    },
    {
      name: "a further rule beside one that always runs, and two that take turns",
      yaml: `${POLICY}
          rules:
            authorization:
              team: {patternMatching: {patterns: [{predicate: "auth.identity.user.username.startsWith('system:serviceaccount:team-a:')"}]}}
              debug:
                when: [{predicate: "'x-debug' in request.headers"}]
                patternMatching: {patterns: [{predicate: "auth.identity.user.username == 'system:serviceaccount:team-a:admin'"}]}
        ---
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: turns}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: other}
          rules:
            authorization:
              keyed:
                when: [{predicate: "'x-key' in request.headers"}]
                patternMatching: {patterns: [{predicate: "auth.identity.sub == 'a'"}]}
              other:
                when: [{predicate: "!('x-key' in request.headers)"}]
                patternMatching: {patterns: [{predicate: "auth.identity.sub == 'b'"}]}`,
    },
  ],
});
