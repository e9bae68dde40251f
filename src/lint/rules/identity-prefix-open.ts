import { valueAt } from "../../model/field-path.ts";
import type { Pattern } from "../../model/kinds/auth-policy.ts";
import type { Kinds } from "../../model/kinds.ts";
import { type AuthItem, authFlows, itemsOf } from "../auth/auth-flow.ts";
import { type AuthSite, authSites } from "../auth/auth-sites.ts";
import { POLICY } from "../auth/example-objects.ts";
import {
  alsoPasses,
  closedBy,
  conjunctsOfPatterns,
  type OpenTest,
  openTests,
  USERNAME,
} from "../auth/username-tests.ts";
import { defineRule, type Report } from "../rule.ts";

const closedByItems = (items: readonly AuthItem<"authorization">[]): ReadonlySet<string> =>
  closedBy(items.flatMap(({ value }) => conjunctsOfPatterns(value.patternMatching?.patterns ?? [])));

function openAt({ owner, site }: AuthSite, closed: ReadonlySet<string>): readonly OpenTest[] {
  if ("tree" in site) return site.tree === undefined ? [] : openTests(site.tree, true, closed);
  const { operator, value = "" } = (valueAt(owner, site.path.slice(0, -1)) ?? {}) as Pattern;
  if (operator !== "matches" || site.text !== USERNAME || closed.has(USERNAME)) return [];
  const example = alsoPasses("matches", value);
  return example === undefined ? [] : [{ literal: value, example }];
}

const messageFor = ({ literal, example }: OpenTest): string => `\`${literal}\` also matches \`${example}\``;

function toReport({ site: { path } }: AuthSite, test: OpenTest): Report {
  const at = test.range === undefined ? { path: [...path.slice(0, -1), "value"] } : { path, range: test.range };
  return { ...at, message: messageFor(test) };
}

function policyReports(policy: Kinds["AuthPolicy"]): readonly Report[] {
  const reports = authFlows(policy).flatMap((flow) => {
    const items = itemsOf(flow, "authorization");
    // What every request has passed besides an item: the conditions of those that always run.
    const always = closedByItems(items.filter(({ when }) => when.length === 0));
    return items.flatMap((item) => {
      const closed = item.when.length === 0 ? always : new Set([...always, ...closedByItems([item])]);
      return authSites(item, flow)
        .filter(({ part }) => part === "condition")
        .flatMap((place) => openAt(place, closed).map((test) => toReport(place, test)));
    });
  });
  // Several items can refer to one named pattern.
  return [...new Map(reports.map((report) => [JSON.stringify([report.path, report.range]), report])).values()];
}

/** A prefix of a principal that ends inside of a name. A dash before the star is a convention. */
const OPEN_PRINCIPAL = /^([^*]*\/(ns|sa)\/[^/*]*[^/*-])\*$/;

function principalReports({ spec }: Kinds["AuthorizationPolicy"]): readonly Report[] {
  if ((spec?.action ?? "ALLOW") !== "ALLOW") return [];
  return (spec?.rules ?? []).flatMap(({ from = [], when = [] }, ruleIndex) => {
    const at = ["spec", "rules", ruleIndex] as const;
    const lists = [
      ...from.map(({ source }, index) => ({
        path: [...at, "from", index, "source", "principals"],
        list: source?.principals,
      })),
      ...when.map(({ key, values }, index) => ({
        path: [...at, "when", index, "values"],
        list: key === "source.principal" ? values : undefined,
      })),
    ];
    return lists.flatMap(({ path, list = [] }) =>
      list.flatMap((text, index) => principalReport(text, [...path, index])),
    );
  });
}

function principalReport(text: string, path: Report["path"]): readonly Report[] {
  const [, start, kind] = OPEN_PRINCIPAL.exec(text) ?? [];
  if (start === undefined) return [];
  const example = kind === "ns" ? `${start}2/sa/default` : `${start}2`;
  const closed = kind === "ns" ? `${start}/*` : start;
  return [{ path, message: messageFor({ literal: text, example }), hint: `Write \`${closed}\`.` }];
}

export const rule = defineRule({
  id: "identity-prefix-open",
  kinds: ["AuthPolicy", "AuthorizationPolicy"],
  reads: [],
  severity: "error",
  scope: "object",
  title: "A test of the caller's name admits other callers too",
  why: "Whoever may create a namespace or a ServiceAccount can choose a name that begins or ends like the one that was meant, and is let in.",
  fix: "Test the whole namespace with its closing colon: `startsWith('system:serviceaccount:team-a:')`.",
  sources: [
    "Kubernetes: the username of a ServiceAccount is system:serviceaccount:<namespace>:<name>",
    "Observed on Authorino 58fecc6c: without the closing colon a namespace whose name goes on gets 200",
    "Istio AuthorizationPolicy: a star at the end of a principal makes it a prefix",
  ],
  since: "0.2.0",

  check(object) {
    return object.kind === "AuthPolicy" ? policyReports(object) : principalReports(object);
  },

  bad: [
    {
      name: "a namespace without its closing colon",
      finds: [
        {
          path: "spec.rules.authorization.team.patternMatching.patterns[0].predicate",
          text: "auth.identity.user.username.startsWith('system:serviceaccount:team-a')",
        },
      ],
      yaml: `${POLICY}
          rules:
            authorization:
              team: {patternMatching: {patterns: [{predicate: "auth.identity.user.username.startsWith('system:serviceaccount:team-a')"}]}}`,
    },
    {
      name: "pieces of a name, in alternatives and in defaults",
      finds: [
        {
          path: "spec.defaults.rules.authorization.team.patternMatching.patterns[0].any[0].predicate",
          text: "auth.identity.user.username.contains('team-a')",
        },
        {
          path: "spec.defaults.rules.authorization.team.patternMatching.patterns[0].any[1].predicate",
          text: "auth.identity.user.username.endsWith(':team-b')",
        },
        {
          path: "spec.defaults.rules.authorization.team.patternMatching.patterns[0].any[2].predicate",
          text: "auth.identity.user.username.contains(':team-c')",
        },
      ],
      yaml: `${POLICY}
          defaults:
            rules:
              authorization:
                team:
                  patternMatching:
                    patterns:
                      - any:
                          - predicate: auth.identity.user.username.contains('team-a')
                          - predicate: "auth.identity.user.username.endsWith(':team-b')"
                          - predicate: "request.method == 'GET' && auth.identity.user.username.contains(':team-c')"`,
    },
    {
      name: "regular expressions, as CEL and by selector, through a named pattern",
      finds: [
        {
          path: "spec.patterns.team.allOf[0].predicate",
          text: "auth.identity.sub.matches('system:serviceaccount:team-a')",
        },
        { path: "spec.rules.authorization.team.patternMatching.patterns[1].value" },
      ],
      yaml: `${POLICY}
          patterns:
            team: {allOf: [{predicate: "auth.identity.sub.matches('system:serviceaccount:team-a')"}]}
          rules:
            authorization:
              team:
                patternMatching:
                  patterns:
                    - patternRef: team
                    - {selector: auth.identity.user.username, operator: matches, value: "^system:serviceaccount:team-a.*"}`,
    },
    {
      name: "principals of Istio",
      finds: [
        { path: "spec.rules[0].from[0].source.principals[0]" },
        { path: "spec.rules[0].from[0].source.principals[1]" },
        { path: "spec.rules[0].when[0].values[0]" },
      ],
      yaml: `
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {namespace: team-a, name: egress}
        spec:
          targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]
          rules:
            - from: [{source: {principals: ["cluster.local/ns/team-a*", "cluster.local/ns/team-a/sa/app*"]}}]
              when: [{key: source.principal, values: ["cluster.local/ns/team-b*"]}]`,
    },
  ],
  good: [
    {
      name: "the namespace with its colon, any ServiceAccount, and a convention",
      yaml: `${POLICY}
          rules:
            authorization:
              team:
                patternMatching:
                  patterns:
                    - any:
                        - predicate: "auth.identity.user.username.startsWith('system:serviceaccount:team-a:')"
                        - predicate: "auth.identity.user.username.startsWith('system:serviceaccount:')"
                        - predicate: "auth.identity.user.username.startsWith('system:serviceaccount:team-a-')"
                        - predicate: "auth.identity.user.username.contains(':team-a:')"
                        - predicate: "auth.identity.user.username.matches('^system:serviceaccount:team-a:.*')"
                        - {selector: auth.identity.user.username, operator: matches, value: "^system:serviceaccount:team-a-.*"}`,
    },
    {
      name: "a name in a namespace, and a refusal",
      yaml: `${POLICY}
          rules:
            authorization:
              writer:
                patternMatching:
                  patterns:
                    - predicate: "auth.identity.user.username.startsWith('system:serviceaccount:team-a:')"
                    - predicate: "auth.identity.user.username.endsWith(':writer') && !auth.identity.user.username.contains('test')"`,
    },
    {
      name: "whole namespaces as principals, any namespace, a convention, and a refusal",
      yaml: `
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {namespace: team-a, name: egress}
        spec:
          rules: [{from: [{source: {principals: ["cluster.local/ns/team-a/*", "cluster.local/ns/*", "cluster.local/ns/team-a-*", "*"]}}]}]
        ---
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {namespace: team-a, name: refused}
        spec:
          action: DENY
          rules: [{from: [{source: {principals: ["cluster.local/ns/test*"]}}]}]`,
    },
  ],
});
