import type { Route } from "../../model/attachment.ts";
import type { Mend } from "../../model/edit.ts";
import { isBefore, type Release } from "../../model/engine-versions.ts";
import type { FieldPath } from "../../model/field-path.ts";
import { formatName } from "../../model/object-ref.ts";
import type { TextRange } from "../../model/place.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { type GuardedWay, guardedWays } from "../attachment/enforced-policies.ts";
import { withoutBackslashes } from "../mends/plain-regex.ts";
import { changing } from "../mends/text-changes.ts";
import { defineRule, type Report } from "../rule.ts";

/** Up to here the plugin had the function that query matches become calls of. */
const QUERY_MAP_GONE: Release = [0, 12, 0];

/** A text that Kuadrant puts between single quotes as it is. */
type Quoted = {
  readonly value: string;
  readonly path: FieldPath;
  /** Whether it is the value of a match by regular expression. */
  readonly regex: boolean;
};

function check(object: Route, topology: Topology): readonly Report[] {
  const byRule = Map.groupBy(guardedWays(object, topology), ({ way }) => way.ruleIndex);
  return [...byRule].flatMap(([ruleIndex, ways]) => {
    const guarded = ways[0] as GuardedWay;
    const related = guarded.policies.slice(0, 1).map((policy) => ({
      object: refOf(policy),
      path: ["spec", "targetRef"],
      message: "with this policy the matches become expressions of the plugin",
    }));
    const gateway = formatName(guarded.way.attachment.gateway.metadata);
    return [
      ...quotedTexts(object, ruleIndex).flatMap((quoted) => breakIn(quoted, gateway)),
      ...(isBefore(topology.settings.engines, "wasm-shim", QUERY_MAP_GONE) ? [] : queryMatches(object, ruleIndex)),
    ].map((report) => ({ ...report, related }));
  });
}

type HeaderMatch = { readonly name?: string; readonly value?: string; readonly type?: string };

function quotedTexts(route: Route, ruleIndex: number): readonly Quoted[] {
  const at: FieldPath = ["spec", "rules", ruleIndex, "matches"];
  const found = (value: string | undefined, path: FieldPath, type?: string): readonly Quoted[] =>
    value === undefined ? [] : [{ value, path, regex: type === "RegularExpression" }];
  const headers = (list: readonly HeaderMatch[] = [], path: FieldPath): readonly Quoted[] =>
    list.flatMap(({ name, value, type }, index) => [
      ...found(name, [...path, "headers", index, "name"]),
      ...found(value, [...path, "headers", index, "value"], type),
    ]);
  if (route.kind === "GRPCRoute") {
    return (route.spec?.rules?.[ruleIndex]?.matches ?? []).flatMap((match, index) => [
      ...found(match.method?.service, [...at, index, "method", "service"], match.method?.type),
      ...found(match.method?.method, [...at, index, "method", "method"], match.method?.type),
      ...headers(match.headers, [...at, index]),
    ]);
  }
  return (route.spec?.rules?.[ruleIndex]?.matches ?? []).flatMap((match, index) => [
    ...found(match.path?.value, [...at, index, "path", "value"], match.path?.type),
    ...headers(match.headers, [...at, index]),
  ]);
}

/** A quote, or a backslash with what follows it. */
const SPECIAL = /'|\\(.?)/su;

/** Letters that CEL takes after a backslash (langdef, ESCAPE), as far as they need no digits behind them. */
const ESCAPES = new Set([..."abfnrtv\\'\"`?"]);

/** The same regular expression, spelt with classes. */
function mendFor({ value, path, regex }: Quoted): Mend | undefined {
  const plain = regex ? withoutBackslashes(value) : undefined;
  return plain === undefined
    ? undefined
    : { title: "write character classes in place of backslashes", edits: [changing(path, value, plain)] };
}

function breakIn(quoted: Quoted, gateway: string): readonly Report[] {
  const { value, path } = quoted;
  const found = SPECIAL.exec(value);
  if (found === null) return [];
  const range: TextRange = { start: found.index, end: found.index + found[0].length };
  const [text, escaped] = found;
  const loads = escaped !== undefined && ESCAPES.has(escaped);
  const meaning = loads
    ? `Kuadrant copies \`${text}\` unescaped into a CEL string, where it means another character: policies select other requests than the route`
    : `Kuadrant copies \`${text}\` unescaped into a quoted CEL string, which then does not parse: the policy plugin of gateway \`${gateway}\` fails to load and all its routes answer 500`;
  const mend = mendFor(quoted);
  return [{ path, range, message: meaning, ...(mend === undefined ? {} : { mend }) }];
}

/** Query matches, which become calls of `queryMap`: the plugin has no such function any more. */
function queryMatches(route: Route, ruleIndex: number): readonly Report[] {
  if (route.kind === "GRPCRoute") return [];
  return (route.spec?.rules?.[ruleIndex]?.matches ?? []).flatMap(({ queryParams = [] }, index): readonly Report[] =>
    queryParams.length === 0
      ? []
      : [
          {
            path: ["spec", "rules", ruleIndex, "matches", index, "queryParams"],
            message:
              "Kuadrant turns a query match into a call of `queryMap`, which the policy plugin does not have: requests that reach this match answer 500",
            hint: "Tell the requests apart by path or header instead of query.",
          },
        ],
  );
}

const GATEWAY = `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress}
        spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}`;

const route = (matches: string, kind = "HTTPRoute"): string => `
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: ${kind}
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          rules:
            - matches: ${matches}
              backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]`;

const LIMIT = `
        ---
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: limits}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
          limits: {all: {rates: [{limit: 10, window: 1m}]}}`;

const MATCH = "spec.rules[0].matches[0]";
const DIGITS = String.raw`[{path: {type: RegularExpression, value: '/v\d+/chat'}}]`;

export const rule = defineRule({
  id: "route-match-breaks-wasm",
  kinds: ["HTTPRoute", "GRPCRoute"],
  reads: ["Gateway", "AuthPolicy", "RateLimitPolicy", "TokenRateLimitPolicy", "PlanPolicy"],
  severity: "error",
  scope: "conflict",
  title: "A route match that the policy plugin cannot read",
  why: "Kuadrant writes a route's matches into expressions of the gateway's policy plugin as they are. One that does not parse keeps the plugin from loading, for every route of the gateway.",
  fix: "Use character classes (`[0-9]`, `[.]`) in place of backslashes, and no quotes.",
  sources: [
    "kuadrant-operator internal/wasm/utils.go: matches are put between single quotes unescaped",
    'Observed on wasm-shim: UndeclaredReference("queryMap"); releases before v0.12.0 register it (`data/cel.rs`)',
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "a class of digits in a path",
      finds: [{ path: `${MATCH}.path.value`, text: "\\d", mended: "/v[0-9]+/chat" }],
      yaml: GATEWAY + route(DIGITS) + LIMIT,
    },
    {
      name: "a quote in a header's value",
      finds: [{ path: `${MATCH}.headers[0].value`, text: "'" }],
      yaml: GATEWAY + route(`[{headers: [{name: x-team, value: "o'neill"}]}]`) + LIMIT,
    },
    {
      name: "a word boundary, which is a backspace in CEL",
      finds: [{ path: `${MATCH}.path.value`, text: "\\b" }],
      yaml: GATEWAY + route(String.raw`[{path: {type: RegularExpression, value: '/chat\b.*'}}]`) + LIMIT,
    },
    {
      name: "a match of a query parameter",
      finds: [{ path: `${MATCH}.queryParams` }],
      yaml: GATEWAY + route("[{queryParams: [{name: model, value: small}]}]") + LIMIT,
    },
    {
      name: "an escaped dot in a gRPC service",
      finds: [{ path: `${MATCH}.method.service`, text: "\\.", mended: "models[.]v1" }],
      yaml:
        GATEWAY +
        route(String.raw`[{method: {type: RegularExpression, service: 'models\.v1', method: Chat}}]`, "GRPCRoute") +
        LIMIT,
    },
  ],
  good: [
    {
      name: "a character class",
      yaml: GATEWAY + route("[{path: {type: RegularExpression, value: '/v[0-9]+/chat'}}]") + LIMIT,
    },
    { name: "the same match without any policy, for which nothing is generated", yaml: GATEWAY + route(DIGITS) },
  ],
});
