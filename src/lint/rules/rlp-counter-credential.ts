import { type Node, visit } from "../../cel/ast.ts";
import { type AttributePath, formatAttributePath, pathRange, startsWithNames } from "../../cel/path.ts";
import { carriedPaths, credentialIn } from "../expressions/counter-values.ts";
import { type CelSite, celSites } from "../expressions/expression-sites.ts";
import { defineRule, type Report } from "../rule.ts";

const isQuery = (path: AttributePath): boolean => startsWithNames(path, "request", "query");

/** What is cut out of a query is one parameter or part of one, and nobody can tell which. */
const CUTS = new Set(["split", "substring", "replace"]);

/** Where a header stands of which only the word before the credential is taken: `….split(' ')[0]`. */
function schemesIn(tree: Node): ReadonlySet<number> {
  const starts = new Set<number>();
  visit(tree, (node) => {
    if (node.kind !== "index" || node.target.kind !== "call" || node.target.name !== "split") return;
    const [separator] = node.target.args;
    const isFirst = node.key.kind === "literal" && node.key.value === 0n;
    if (isFirst && separator?.kind === "literal" && separator.value === " ") starts.add(node.start);
  });
  return starts;
}

const USES = {
  counter: "it is kept in the rate limiter's store, shown among its counters, and a new token is a new budget",
  label: "it is sent to the rate limiter with every request and becomes a label of its metrics",
} as const;

function reportsOn(site: CelSite): readonly Report[] {
  const { tree, role, path } = site;
  if (tree === undefined || (role !== "counter" && role !== "label")) return [];
  const schemes = schemesIn(tree);
  const [first] = [
    ...carriedPaths(tree, (read) => credentialIn(read) !== undefined).filter(({ start }) => !schemes.has(start)),
    ...carriedPaths(tree, isQuery, CUTS),
  ];
  if (first === undefined) return [];
  const spelt = formatAttributePath(first);
  const what = isQuery(first) ? `\`${spelt}\` can hold a credential` : `the value of \`${spelt}\` is a credential`;
  return [
    {
      path,
      range: pathRange(first),
      ...(credentialIn(first) === "possible" ? { severity: "warning" as const } : {}),
      message: `${what}: ${USES[role]}`,
    },
  ];
}

const counted = (counter: string): string => `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-token}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            per-token:
              rates: [{limit: 100, window: 1m}]
              counters: [{expression: ${JSON.stringify(counter)}}]`;

const COUNTER = 'spec.limits["per-token"].counters[0].expression';

const header = (name: string, severity: "error" | "warning") => ({
  name: `the header ${name}`,
  finds: [{ path: COUNTER, text: `request.headers['${name}']`, severity }],
  yaml: counted(`'${name}' in request.headers ? request.headers['${name}'] : 'none'`),
});

export const rule = defineRule({
  id: "rlp-counter-credential",
  kinds: ["RateLimitPolicy", "TokenRateLimitPolicy", "TelemetryPolicy"],
  reads: [],
  severity: "error",
  scope: "object",
  title: "A credential is sent to the rate limiter as a counter or a label",
  why: "The rate limiter keeps the values that it counts by, in memory, on disk or in Redis, and shows them to whoever asks for its counters. Tokens also rotate, and every new one starts with a full budget.",
  fix: "Count by what the credential stands for: `auth.identity.username`.",
  sources: [
    "limitador: a counter is stored with the values of its variables, and `/counters` lists them",
    "Kubernetes: projected ServiceAccount tokens are replaced before they expire",
    "kuadrant-operator `internal/wasm/action_spec.go`: labels travel in the rate-limit message",
  ],
  since: "0.2.0",

  check: (object) => celSites(object).flatMap(reportsOn),

  bad: [
    {
      name: "the bearer token",
      finds: [{ path: COUNTER, text: "request.headers.authorization" }],
      yaml: counted("request.headers.authorization"),
    },
    {
      name: "the token without its scheme",
      finds: [{ path: COUNTER, text: "request.headers['authorization']" }],
      yaml: counted("request.headers['authorization'].split(' ')[1]"),
    },
    header("proxy-authorization", "error"),
    header("cookie", "error"),
    header("set-cookie", "error"),
    header("x-vault-token", "error"),
    header("x-api-key", "warning"),
    header("api-key", "warning"),
    { name: "the whole query", finds: [{ path: COUNTER, text: "request.query" }], yaml: counted("request.query") },
    {
      name: "a label of a TelemetryPolicy",
      finds: [{ path: "spec.metrics.default.labels.who", text: "request.headers['authorization']" }],
      yaml: `
        apiVersion: extensions.kuadrant.io/v1alpha1
        kind: TelemetryPolicy
        metadata: {namespace: gateway-system, name: usage}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
          metrics: {default: {labels: {who: "request.headers['authorization']"}}}`,
    },
  ],
  good: [
    { name: "an identity", yaml: counted("auth.identity.username") },
    { name: "whether there is a token", yaml: counted("'authorization' in request.headers ? 'token' : 'none'") },
    { name: "the scheme alone", yaml: counted("request.headers['authorization'].split(' ')[0]") },
    { name: "a public client id in a header of its own", yaml: counted("request.headers['x-client-id']") },
    { name: "one parameter of the query", yaml: counted("request.query.split('tenant=')[1]") },
  ],
});
