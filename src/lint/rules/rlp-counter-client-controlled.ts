import { formatAttributePath, pathRange } from "../../cel/path.ts";
import type { Topology } from "../../model/topology.ts";
import { carriedPaths, credentialIn, headerOf, isClientChosen, isPerRequest } from "../expressions/counter-values.ts";
import { type CelSite, celSites } from "../expressions/expression-sites.ts";
import { isGuaranteed } from "../expressions/guaranteed-headers.ts";
import { type GatewayPolicy, type Publication, publicationsFor } from "../expressions/published-filters.ts";
import { defineRule, type Report } from "../rule.ts";

/** Values that tell callers apart, or that nobody here knows: everything that is no part of the request itself. */
const IDENTIFIES = (root: string): boolean =>
  !["request", "destination", "requestBodyJSON", "responseBodyJSON"].includes(root);

function reportsOn(counters: readonly CelSite[], publications: readonly Publication[]): readonly Report[] {
  const carried = counters.flatMap(({ tree, path, text }) =>
    tree === undefined ? [] : carriedPaths(tree, () => true).map((attribute) => ({ attribute, path, text })),
  );
  const isChosen = ({ attribute }: (typeof carried)[number]): boolean =>
    isClientChosen(attribute) && !isGuaranteed(headerOf(attribute) ?? "", publications);
  const others = carried.some(
    ({ attribute }) =>
      IDENTIFIES(attribute.segments[0].name) ||
      credentialIn(attribute) !== undefined ||
      isPerRequest(attribute) ||
      isGuaranteed(headerOf(attribute) ?? "", publications),
  );
  const chosen = carried.filter(isChosen);
  const [first] = chosen;
  if (first === undefined || others || counters.some(({ tree }) => tree === undefined)) return [];
  const names = [...new Set(chosen.map(({ attribute, text }) => `\`${spell(attribute, text)}\``))];
  return [
    {
      path: first.path,
      range: pathRange(first.attribute),
      message: `limit \`${counters[0]?.owner ?? ""}\` is counted only by what the caller chooses (${names.join(", ")}): another value is a new budget`,
    },
  ];
}

/** A call is quoted as it is written. */
const spell = (attribute: Parameters<typeof formatAttributePath>[0], text: string): string =>
  attribute.segments.length === 1 ? text.slice(attribute.start, attribute.end) : formatAttributePath(attribute);

function check(object: GatewayPolicy, topology: Topology): readonly Report[] {
  const counters = celSites(object).filter(({ role }) => role === "counter");
  const publications = publicationsFor(object, topology);
  const limits = Map.groupBy(counters, ({ path }) => JSON.stringify(path.slice(0, -3)));
  return [...limits.values()].flatMap((limit) => reportsOn(limit, publications));
}

const counted = (...counters: readonly string[]): string => `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-agent}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            per-agent:
              rates: [{limit: 100, window: 1m}]
              counters: [${counters.map((counter) => `{expression: ${JSON.stringify(counter)}}`).join(", ")}]`;

const COUNTER = 'spec.limits["per-agent"].counters[0].expression';
const WITH_DEFAULT = "'x-tenant' in request.headers ? request.headers['x-tenant'] : 'none'";

export const rule = defineRule({
  id: "rlp-counter-client-controlled",
  kinds: ["RateLimitPolicy", "TokenRateLimitPolicy"],
  reads: ["AuthPolicy", "Gateway", "HTTPRoute", "GRPCRoute"],
  severity: "warning",
  scope: "object",
  title: "A limit is counted only by values that the caller chooses",
  why: "Every value of a counter has a budget of its own. A caller who may choose the value has as many budgets as it can think of values, and the limit stops only those who play by the rules.",
  fix: "Add a counter that the caller cannot change: `auth.identity.username` or `source.remote_address`.",
  sources: [
    "Kuadrant RateLimitPolicy overview: counters are free expressions, and each of their values is a bucket",
    "Observed on wasm-shim af0f9b4: headers, path and query are read as the caller sent them",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "the user agent",
      finds: [{ path: COUNTER, text: "request.useragent" }],
      yaml: counted("request.useragent"),
    },
    {
      name: "a header with a default",
      finds: [{ path: COUNTER, text: "request.headers['x-tenant']" }],
      yaml: counted(WITH_DEFAULT),
    },
    { name: "the path", finds: [{ path: COUNTER, text: "request.url_path" }], yaml: counted("request.url_path") },
    {
      name: "the path with its query, beside the method",
      finds: [{ path: COUNTER, text: "request.path" }],
      yaml: counted("request.path.lowerAscii()", "request.method"),
    },
    { name: "the query", finds: [{ path: COUNTER, text: "request.query" }], yaml: counted("request.query") },
    { name: "the referer", finds: [{ path: COUNTER, text: "request.referer" }], yaml: counted("request.referer") },
    {
      name: "a field of the body",
      finds: [{ path: COUNTER, text: "requestBodyJSON('/model')" }],
      yaml: counted("string(requestBodyJSON('/model'))"),
    },
  ],
  good: [
    { name: "an identity beside the path", yaml: counted("auth.identity.username", "request.url_path") },
    { name: "the caller's address beside a header", yaml: counted(WITH_DEFAULT, "source.remote_address") },
    {
      name: "an identity beside a field of the body",
      yaml: counted("auth.identity.username", "requestBodyJSON('/model')"),
    },
    {
      name: "a header that the AuthPolicy sets",
      yaml: `${counted("request.headers['x-tenant']")}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress}
        spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: httpbin-external}
        spec:
          parentRefs: [{name: egress}]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: httpbin.org, port: 443}]}]
        ---
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          rules:
            authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress]}}}
            response: {success: {headers: {x-tenant: {plain: {selector: auth.identity.user.username}}}}}`,
    },
    { name: "method and host, of which there are few", yaml: counted("request.method", "request.host") },
    {
      name: "one of two groups by the path",
      yaml: counted("request.url_path.startsWith('/v1/chat') ? 'chat' : 'other'"),
    },
  ],
});
