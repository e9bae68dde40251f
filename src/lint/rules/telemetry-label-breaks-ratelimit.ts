import type { Node } from "../../cel/ast.ts";
import { type AttributePath, formatAttributePath, namesOf, pathKey, pathRange } from "../../cel/path.ts";
import { type PathUse, pathUses, wasmPresence } from "../../cel/path-uses.ts";
import type { Kinds } from "../../model/kinds.ts";
import type { Topology } from "../../model/topology.ts";
import { absentValues } from "../expressions/absent-values.ts";
import { COARSE_TIMES, carriedPaths, headerOf, isPerRequest } from "../expressions/counter-values.ts";
import { type CelSite, celSites } from "../expressions/expression-sites.ts";
import {
  isTokenReviewRead,
  type Publication,
  publicationsBeside,
  publicationsFor,
} from "../expressions/published-filters.ts";
import { quote } from "../expressions/quote.ts";
import { withoutText } from "../expressions/text-form.ts";
import { defineRule, type Report } from "../rule.ts";

/** What a label that fails does. */
const SKIPPED = "the gateway skips all rate limits of the request";

/** A label whose value has no text form. */
function untold({ path, text }: CelSite, tree: Node, publications: readonly Publication[]): readonly Report[] {
  const refused = withoutText(tree, publications);
  if (refused === undefined) return [];
  return [
    {
      path,
      range: { start: tree.start, end: tree.end },
      message: `label ${quote(text)} is ${refused.called}, which string() refuses: it is part of the rate-limit message of every route, and ${SKIPPED}`,
      hint: refused.mend(text.trim()),
    },
  ];
}

const MANY_VALUES = new Set(["request.path", "request.useragent", "source.address", "source.port"]);

const hasManyValues = (path: AttributePath): boolean =>
  isPerRequest(path) || MANY_VALUES.has(namesOf(path).join(".")) || headerOf(path) === "user-agent";

function countless({ path, owner }: CelSite, tree: Node): readonly Report[] {
  const [first] = carriedPaths(tree, hasManyValues, COARSE_TIMES);
  if (first === undefined) return [];
  return [
    {
      path,
      range: pathRange(first),
      severity: "warning",
      message: `label \`${owner}\` has a value for nearly every request (\`${formatAttributePath(first)}\`): each is a time series of its own in the rate limiter`,
      hint: "Use a value of which there are few, such as `request.host`.",
    },
  ];
}

const absent = (site: CelSite, tree: Node, publications: readonly Publication[]): readonly Report[] =>
  absentValues(site, tree, publications).map(({ range, when, hint }) => ({
    path: site.path,
    range,
    severity: "warning",
    message: `if ${when}, label \`${site.owner}\` fails, and ${SKIPPED}`,
    hint,
  }));

/** Whether a label needs what an AuthPolicy publishes. */
const needsPublication = (use: PathUse): boolean => {
  const [root, filter] = use.path.segments;
  return (
    root.name === "auth" &&
    filter !== undefined &&
    filter.name !== "kuadrant" &&
    !use.path.segments.some(({ optional }) => optional) &&
    !use.present.has(pathKey(use.path)) &&
    !isTokenReviewRead(use)
  );
};

function unpublished({ path, owner }: CelSite, tree: Node): readonly Report[] {
  const use = pathUses(tree, wasmPresence(tree)).find(needsPublication);
  if (use === undefined) return [];
  const spelt = formatAttributePath(use.path);
  return [
    {
      path,
      range: pathRange(use.path),
      severity: "warning",
      message: `label \`${owner}\` is sent for every route of the Gateway: on one whose AuthPolicy does not publish \`${spelt}\`, or that has none, it fails, and ${SKIPPED}`,
      hint: "Publish the value on every route (`rules.response.success.filters`), or use one that every request has.",
    },
  ];
}

function check(object: Kinds["TelemetryPolicy"], topology: Topology): readonly Report[] {
  const publications = publicationsFor(object, topology);
  const isBlind = publications.length === 0 && publicationsBeside(object, topology).length === 0;
  return celSites(object).flatMap((site): readonly Report[] => {
    const { tree } = site;
    if (tree === undefined) return [];
    const failing = untold(site, tree, publications);
    if (failing.length > 0) return failing;
    return [...absent(site, tree, publications), ...countless(site, tree), ...(isBlind ? unpublished(site, tree) : [])];
  });
}

const labelled = (label: string): string => `
        apiVersion: extensions.kuadrant.io/v1alpha1
        kind: TelemetryPolicy
        metadata: {namespace: gateway-system, name: usage}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
          metrics: {default: {labels: {who: ${JSON.stringify(label)}}}}`;

const published = (property: string): string => `
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress}
        spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: httpbin}
        spec: {parentRefs: [{name: egress}], hostnames: [httpbin.org], rules: [{}]}
        ---
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: limits}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin}
          limits: {x: {rates: [{limit: 10, window: 1m}]}}
        ---
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin}
          rules:
            authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress]}}}
            response: {success: {filters: {identity: {json: {properties: {${property}: {selector: auth.identity.user.${property}}}}}}}}`;

const LABEL = "spec.metrics.default.labels.who";
const warns = (text: string) => [{ path: LABEL, text, severity: "warning" as const }];

/**
 * Attributes that do not exist are the business of cel-unknown-attribute, and what a route in view does not publish that
 * of rlp-identity-not-exposed; both report on labels.
 */
export const rule = defineRule({
  id: "telemetry-label-breaks-ratelimit",
  kinds: ["TelemetryPolicy"],
  reads: ["AuthPolicy", "Gateway", "HTTPRoute", "GRPCRoute", "RateLimitPolicy", "TokenRateLimitPolicy"],
  severity: "error",
  scope: "object",
  title: "A label of the metrics can switch the rate limits off",
  why: "The labels of a TelemetryPolicy are added to the rate-limit message of every route of the Gateway. Where one cannot be evaluated there is no message, and without an answer the gateway lets the request pass.",
  fix: "Use values that every request has, or give them a default.",
  sources: [
    "kuadrant-operator `internal/wasm/action_spec.go`: labels are wrapped in string() and added without a test",
    "Kuadrant overview of TelemetryPolicy, which promises that only labels that resolve are sent, and shows `auth.identity.groups`, a list",
    "Observed on wasm-shim af0f9b4: an absent header gives NoSuchKey, a list or a truth value has no string() overload",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "a condition",
      finds: [{ path: LABEL, text: "request.method == 'GET'" }],
      yaml: labelled("request.method == 'GET'"),
    },
    {
      name: "a list that the AuthPolicy publishes",
      finds: [{ path: LABEL, text: "auth.identity.groups" }],
      yaml: labelled("auth.identity.groups") + published("groups"),
    },
    {
      name: "an identity that some route may not publish",
      finds: warns("auth.identity.groups"),
      yaml: labelled("auth.identity.groups"),
    },
    {
      name: "a header without a default",
      finds: warns("request.headers['x-team']"),
      yaml: labelled("request.headers['x-team']"),
    },
    {
      name: "a field of the body",
      finds: warns("requestBodyJSON('/model')"),
      yaml: labelled("requestBodyJSON('/model')"),
    },
    { name: "the id of the request", finds: warns("request.id"), yaml: labelled("request.id") },
    { name: "the path with its query", finds: warns("request.path"), yaml: labelled("request.path") },
    { name: "the address with its port", finds: warns("source.address"), yaml: labelled("source.address") },
    { name: "the user agent", finds: warns("request.useragent"), yaml: labelled("request.useragent") },
  ],
  good: [
    { name: "the host", yaml: labelled("request.host") },
    { name: "a header with a default", yaml: labelled("request.headers[?'x-team'].orValue('none')") },
    {
      name: "an identity that every route in view publishes",
      yaml: labelled("auth.identity.username") + published("username"),
    },
    { name: "the plan, which an extension publishes", yaml: labelled("auth.kuadrant.plan") },
  ],
});
