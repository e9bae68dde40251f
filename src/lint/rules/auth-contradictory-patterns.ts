import { parseExpression } from "../../cel/parse.ts";
import { selectorPaths } from "../../cel/selector.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type { Pattern } from "../../model/kinds/auth-policy.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import {
  type AuthBlockFlow,
  type AuthFlow,
  type AuthItem,
  authFlows,
  differentViews,
  holdsIn,
  itemsOf,
} from "../auth/auth-flow.ts";
import { anyOf, type Conjunct, conjunctsOf, contradict, selectorConjuncts, type TextTest } from "../auth/text-tests.ts";
import { defineRule, type Report } from "../rule.ts";

const POLICY = `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}`;

/** A conjunct and where it is written. */
type Placed = Conjunct & {
  readonly item: AuthItem<"authorization">;
  readonly path: FieldPath;
  /** The expression, for conjuncts of CEL. */
  readonly text?: string;
};

type Place = Pick<Placed, "item" | "path">;

/** Conjuncts that are compared with each other, per policy. A policy of the guides has two. */
const MAX_COMPARED = 500;

/** What certainly holds when all patterns of a list do. */
const ofPatterns = (
  list: readonly Pattern[],
  place: Place,
  flow: AuthFlow,
  open: readonly string[],
): readonly Placed[] =>
  list.flatMap((pattern, index) => ofPattern(pattern, { ...place, path: [...place.path, index] }, flow, open));

function ofPattern(pattern: Pattern, place: Place, flow: AuthFlow, open: readonly string[]): readonly Placed[] {
  const { predicate, selector, patternRef, all, any } = pattern;
  const below = (step: string): Place => ({ ...place, path: [...place.path, step] });
  const named = patternRef === undefined || open.includes(patternRef) ? undefined : flow.patterns.get(patternRef);
  return [
    ...(predicate === undefined ? [] : ofPredicate(predicate, below("predicate"))),
    ...(selector === undefined ? [] : ofSelector(pattern, below("value"))),
    ...(named === undefined || patternRef === undefined
      ? []
      : ofPatterns(named.allOf, { ...place, path: [...named.path, "allOf"] }, flow, [...open, patternRef])),
    ...(all === undefined ? [] : ofPatterns(all, below("all"), flow, open)),
    ...(any === undefined || any.length === 0 ? [] : ofAny(any, below("any"), flow, open)),
  ];
}

function ofPredicate(text: string, place: Place): readonly Placed[] {
  const parsed = parseExpression(text);
  return parsed.ok ? conjunctsOf(parsed.value).map((conjunct) => ({ ...conjunct, ...place, text })) : [];
}

const ofSelector = ({ selector: text = "", operator, value }: Pattern, place: Place): readonly Placed[] =>
  selectorConjuncts({
    paths: selectorPaths(text),
    text,
    ...(operator === undefined ? {} : { operator }),
    ...(value === undefined ? {} : { value }),
  }).map((conjunct) => ({ ...conjunct, ...place }));

function ofAny(list: readonly Pattern[], place: Place, flow: AuthFlow, open: readonly string[]): readonly Placed[] {
  const alternatives = list.map((pattern, index) =>
    ofPattern(pattern, { ...place, path: [...place.path, index] }, flow, open),
  );
  return anyOf(alternatives).map((conjunct) => ({ ...conjunct, ...place }));
}

/** Items that run under the same conditions are a conjunction; others need not run for the same request. */
function conjunctions(flow: AuthFlow): readonly (readonly Placed[])[] {
  const items = itemsOf(flow, "authorization").filter(({ value }) => value.patternMatching !== undefined);
  const groups = Map.groupBy(items, ({ when }) => JSON.stringify(when));
  return [...groups.values()].map((group) =>
    group
      .flatMap((item) => {
        const path = [...item.path, "patternMatching", "patterns"];
        return ofPatterns(item.value.patternMatching?.patterns ?? [], { item, path }, flow, []);
      })
      .slice(0, MAX_COMPARED),
  );
}

const VERBS: Readonly<Record<TextTest["relation"], string>> = {
  eq: "be",
  prefix: "start with",
  suffix: "end with",
  contains: "contain",
  incl: "include",
};

const describe = ({ tests }: Conjunct): string =>
  tests.map(({ relation, negated, value }) => `${negated ? "not " : ""}${VERBS[relation]} \`${value}\``).join(" or ");

function impossible(earlier: Placed, later: Placed): string {
  const [[a, ...moreA], [b, ...moreB]] = [earlier.tests, later.tests];
  const alike = a?.relation === b?.relation && !a?.negated && !b?.negated && moreA.length + moreB.length === 0;
  if (!alike || a === undefined) return `both ${describe(earlier)} and ${describe(later)}`;
  return `${VERBS[a.relation]} both \`${a.value}\` and \`${b?.value}\``;
}

const samePath = (a: FieldPath, b: FieldPath): boolean => JSON.stringify(a) === JSON.stringify(b);

function reasonOf(earlier: Placed, later: Placed): string {
  if (earlier.item !== later.item) return "authorization items are combined with AND";
  return samePath(earlier.path, later.path) ? "both sides of `&&` must hold" : "patterns are combined with AND";
}

/** The text of a conjunct's tests, where they stand together in one expression. */
function rangeOf({ tests }: Conjunct): { readonly start: number; readonly end: number } | undefined {
  const ranges = tests.flatMap(({ range }) => range ?? []);
  if (ranges.length < tests.length || ranges.length === 0) return undefined;
  return { start: Math.min(...ranges.map(({ start }) => start)), end: Math.max(...ranges.map(({ end }) => end)) };
}

function textOf(conjunct: Placed): string | undefined {
  const range = rangeOf(conjunct);
  return range === undefined ? undefined : conjunct.text?.slice(range.start, range.end);
}

function hintFor(earlier: Placed, later: Placed): string {
  const [one, other] = [textOf(earlier), textOf(later)];
  return one === undefined || other === undefined || one === other
    ? "If either is enough, list both under `any:`."
    : `If either is enough, join them in one predicate: \`${one} || ${other}\`, or use \`any:\`.`;
}

function toReport(earlier: Placed, later: Placed, flow: AuthBlockFlow, topology: Topology): readonly Report[] {
  const views = differentViews(flow.owner, topology);
  const together = earlier.item === later.item || views.length === 0;
  if (!together && !views.some((view) => holdsIn(view, earlier.item) && holdsIn(view, later.item))) return [];
  // Another policy may replace one of two items of a block that merges.
  const unsure = earlier.item !== later.item && views.length === 0 && flow.merges;
  const range = later.text === undefined ? undefined : rangeOf(later);
  const { when, name } = later.item;
  const everyone = when.length === 0 ? "every request" : `every request for which \`${name}\` runs`;
  return [
    {
      path: later.path,
      ...(range === undefined ? {} : { range }),
      ...(unsure ? { severity: "warning" as const } : {}),
      message: `${reasonOf(earlier, later)}; \`${later.words}\` cannot ${impossible(earlier, later)}, so ${everyone} gets 403`,
      hint: hintFor(earlier, later),
      related: [
        { object: refOf(earlier.item.owner), path: earlier.path, message: `it must also ${describe(earlier)}` },
      ],
    },
  ];
}

export const rule = defineRule({
  id: "auth-contradictory-patterns",
  kinds: ["AuthPolicy"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute"],
  severity: "error",
  scope: "object",
  title: "Two patterns cannot both hold, so nobody passes",
  why: "Every pattern of an item, and every item, must hold. A second pattern for a second namespace admits neither of the two.",
  fix: "Join the tests with `||` in one predicate, or list them under `any:`.",
  sources: [
    "kuadrant egress gateway guide: several namespaces are joined with `||`",
    "Observed on Authorino 58fecc6c: with one pattern per namespace both namespaces get 403; under `any` both pass",
  ],
  since: "0.1.0",

  check(object, topology) {
    return authFlows(object).flatMap((flow) =>
      conjunctions(flow).flatMap((conjuncts) => {
        const bySubject = [...Map.groupBy(conjuncts, ({ subject }) => subject).values()];
        return bySubject.flatMap((tests) =>
          tests.flatMap((later, position) => {
            const earlier = tests.slice(0, position).find((candidate) => contradict(candidate, later));
            return earlier === undefined ? [] : toReport(earlier, later, flow, topology);
          }),
        );
      }),
    );
  },

  bad: [
    {
      name: "one pattern per namespace",
      finds: [
        {
          path: "spec.rules.authorization.teams.patternMatching.patterns[1].predicate",
          text: "auth.identity.user.username.startsWith('system:serviceaccount:team-b:')",
        },
      ],
      yaml: `${POLICY}
          rules:
            authorization:
              teams:
                patternMatching:
                  patterns:
                    - predicate: "auth.identity.user.username.startsWith('system:serviceaccount:team-a:')"
                    - predicate: "auth.identity.user.username.startsWith('system:serviceaccount:team-b:')"`,
    },
    {
      name: "one item per namespace, and an && inside one predicate, in defaults",
      finds: [
        { path: "spec.defaults.rules.authorization.b.patternMatching.patterns[0].value" },
        {
          path: "spec.defaults.rules.authorization.writers.patternMatching.patterns[0].predicate",
          text: "request.method == 'POST'",
        },
      ],
      yaml: `${POLICY}
          defaults:
            rules:
              authorization:
                a: {patternMatching: {patterns: [{selector: auth.identity.user.username, operator: eq, value: "system:serviceaccount:a:app"}]}}
                b: {patternMatching: {patterns: [{selector: auth.identity.user.username, operator: eq, value: "system:serviceaccount:b:app"}]}}
                writers:
                  when: [{predicate: "request.path.startsWith('/v1')"}]
                  patternMatching: {patterns: [{predicate: "request.method == 'PUT' && request.method == 'POST'"}]}`,
    },
    {
      name: "two names, neither of which is in the namespace that another pattern asks for",
      finds: [{ path: "spec.rules.authorization.team.patternMatching.patterns[1].any" }],
      yaml: `${POLICY}
          patterns:
            team-a: {allOf: [{selector: auth.identity.user.username, operator: matches, value: "^system:serviceaccount:team-a:.*"}]}
          rules:
            authorization:
              team:
                patternMatching:
                  patterns:
                    - patternRef: team-a
                    - any:
                        - predicate: "auth.identity.user.username == 'system:serviceaccount:team-b:reader'"
                        - predicate: "auth.identity.user.username == 'system:serviceaccount:team-b:writer'"`,
    },
  ],
  good: [
    {
      name: "the namespaces joined with ||",
      yaml: `${POLICY}
          rules:
            authorization:
              teams:
                patternMatching:
                  patterns:
                    - predicate: "auth.identity.user.username.startsWith('system:serviceaccount:team-a:') || auth.identity.user.username.startsWith('system:serviceaccount:team-b:')"`,
    },
    {
      name: "a namespace and a ServiceAccount, and items that run for different requests",
      yaml: `${POLICY}
          rules:
            authorization:
              team:
                patternMatching:
                  patterns:
                    - predicate: "auth.identity.user.username.startsWith('system:serviceaccount:team-a:')"
                    - predicate: "auth.identity.user.username.endsWith(':writer')"
              reading:
                when: [{predicate: "request.method == 'GET'"}]
                patternMatching: {patterns: [{predicate: "request.host == 'read.example.com'"}]}
              writing:
                when: [{predicate: "request.method == 'POST'"}]
                patternMatching: {patterns: [{predicate: "request.host == 'write.example.com'"}]}`,
    },
  ],
});
