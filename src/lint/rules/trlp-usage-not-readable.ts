import { effectivePolicy } from "../../model/effective-policy.ts";
import type { RelatedPlace } from "../../model/finding.ts";
import { isSubset, normalizeHostname } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";
import { formatRef } from "../../model/object-ref.ts";
import { type RoutePath, waysOf } from "../../model/policy-target.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { defineRule, type Report } from "../rule.ts";
import { type LeavingBackend, leavingBackends } from "../upstream/leaving-backends.ts";

type TokenPolicy = Kinds["TokenRateLimitPolicy"];

/** Providers whose own APIs report usage in another shape than `usage.total_tokens`. Providers change: this is data. */
const OTHER_SHAPE: readonly (readonly [host: string, provider: string])[] = [
  ["api.anthropic.com", "Anthropic"],
  ["*.googleapis.com", "Google"],
  ["*.amazonaws.com", "Amazon Bedrock"],
  ["api.cohere.com", "Cohere"],
  ["api.cohere.ai", "Cohere"],
];

/** One backend whose answers are to be counted. */
type Counted = { readonly way: RoutePath; readonly backend: LeavingBackend };

function providerOf({ host }: LeavingBackend): string | undefined {
  const name = normalizeHostname(host);
  return name === undefined ? undefined : OTHER_SHAPE.find(([pattern]) => isSubset(name, pattern))?.[1];
}

/** The ways on which a policy brings a limit. */
const limitedWays = (policy: TokenPolicy, topology: Topology): readonly RoutePath[] =>
  waysOf(policy, topology).filter((way) =>
    [...(effectivePolicy("TokenRateLimitPolicy", way, topology.objects)?.rules.values() ?? [])].some(
      (rule) => rule.policy === policy && rule.key.startsWith("limits/"),
    ),
  );

const routeOf = ({ attachment }: RoutePath): string => `\`${formatRef(refOf(attachment.route))}\``;

/** One place for each backend: a rule is reached through every listener of its route. */
function placesOf(counted: readonly Counted[], message: string): readonly RelatedPlace[] {
  const places = counted.map(({ way, backend }) => ({
    object: refOf(way.attachment.route),
    path: backend.path,
    message: `${backend.host}: ${message}`,
  }));
  return [...new Map(places.map((place) => [JSON.stringify([place.object, place.path]), place])).values()];
}

function shapeReports(counted: readonly Counted[]): readonly Report[] {
  const others = counted.filter(({ backend }) => providerOf(backend) !== undefined);
  const [first] = others;
  if (first === undefined) return [];
  return [
    {
      path: ["spec", "targetRef", "name"],
      message: `the gateway reads \`/usage/total_tokens\` from a response, and ${providerOf(first.backend) ?? ""} (${first.backend.host}, through ${routeOf(first.way)}) reports usage in another shape: its tokens are never counted`,
      hint: "Limit requests to this provider with a RateLimitPolicy, or use its OpenAI-compatible endpoint and exempt this rule.",
      related: placesOf(others, "usage is not read"),
    },
  ];
}

function compressionReports(counted: readonly Counted[]): readonly Report[] {
  const compressed = counted.filter(
    ({ backend }) => providerOf(backend) === undefined && !backend.replacedHeaders.has("accept-encoding"),
  );
  const [first] = compressed;
  if (first === undefined) return [];
  return [
    {
      path: ["spec", "targetRef", "name"],
      severity: "info",
      message: `${routeOf(first.way)} lets callers ask ${first.backend.host} for a compressed response, in which the gateway cannot read the usage`,
      hint: "Strip the header on the route: `filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [accept-encoding]}}]`. Callers that stream must set `stream_options.include_usage`.",
      related: placesOf(compressed, "`accept-encoding` is passed on"),
    },
  ];
}

function check(object: TokenPolicy, topology: Topology): readonly Report[] {
  const ways = limitedWays(object, topology);
  const [grpc] = ways.filter(({ attachment }) => attachment.route.kind === "GRPCRoute");
  const counted = ways
    .filter(({ attachment }) => attachment.route.kind === "HTTPRoute")
    .flatMap((way) => leavingBackends(way, topology).map((backend) => ({ way, backend })));
  const grpcReports: readonly Report[] =
    grpc === undefined
      ? []
      : [
          {
            path: ["spec", "targetRef", "name"],
            message: `responses of ${routeOf(grpc)} are gRPC messages and hold no \`/usage/total_tokens\`: their tokens are never counted`,
            hint: "Target the HTTPRoutes one by one, and limit requests of the GRPCRoute with a RateLimitPolicy.",
          },
        ];
  return [...shapeReports(counted), ...grpcReports, ...compressionReports(counted)];
}

const world = (host: string, filters: string, kind = "HTTPRoute"): string => `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress}
        spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: ${kind}
        metadata: {namespace: gateway-system, name: provider}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [${host}]
          rules:
            - filters: [${filters}]
              backendRefs: [{group: networking.istio.io, kind: Hostname, name: ${host}, port: 443}]`;

const tokens = (target: string): string => `
        ---
        apiVersion: kuadrant.io/v1alpha1
        kind: TokenRateLimitPolicy
        metadata: {namespace: gateway-system, name: tokens}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: ${target}}
          limits: {daily: {rates: [{limit: 100000, window: 24h}], counters: [{expression: auth.identity.username}]}}`;

const STRIPPED = "{type: RequestHeaderModifier, requestHeaderModifier: {remove: [accept-encoding]}}";
const ON_ROUTE = tokens("HTTPRoute, name: provider");
const TARGET = "spec.targetRef.name";

export const rule = defineRule({
  id: "trlp-usage-not-readable",
  kinds: ["TokenRateLimitPolicy"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute", "Service", "ServiceEntry", "TokenRateLimitPolicy"],
  severity: "warning",
  scope: "conflict",
  title: "Tokens are to be limited whose use cannot be read from the responses",
  why: "Tokens are counted after the fact, from the field `usage.total_tokens` of a plain JSON response. Where that is not found nothing is counted, and the limit is never reached.",
  fix: "Limit requests where the usage cannot be read, and strip `accept-encoding` on routes where it can.",
  sources: [
    "Kuadrant/kuadrant-operator issues 1864 (shapes of providers), 1510 (null usage), 1674 (errors)",
    "wasm-shim `pipeline/tasks/token_usage.rs`: the pointer `/usage/total_tokens` in the body of the response",
    "OpenAI API reference: a streamed response has usage only with `stream_options.include_usage`",
  ],
  since: "0.2.0",

  check,

  bad: [
    ...OTHER_SHAPE.map(([pattern, provider]) => {
      const host = pattern.replace("*", "some");
      return {
        name: `${provider}, ${host}`,
        finds: [{ path: TARGET }],
        yaml: `${world(host, STRIPPED)}${ON_ROUTE}`,
      };
    }),
    {
      name: "a route that passes `accept-encoding` on",
      finds: [{ path: TARGET, severity: "info" as const }],
      yaml: `${world("api.openai.com", "{type: URLRewrite, urlRewrite: {hostname: api.openai.com}}")}${ON_ROUTE}`,
    },
    {
      name: "a GRPCRoute below the policy's Gateway",
      finds: [{ path: TARGET }],
      yaml: `${world("api.example.com", STRIPPED, "GRPCRoute")}${tokens("Gateway, name: egress")}`,
    },
  ],
  good: [
    { name: "an OpenAI-shaped provider, uncompressed", yaml: `${world("api.openai.com", STRIPPED)}${ON_ROUTE}` },
    { name: "one of the many others of that shape", yaml: `${world("api.mistral.ai", STRIPPED)}${ON_ROUTE}` },
    { name: "a policy whose route is not in view", yaml: ON_ROUTE.replace("        ---\n", "") },
  ],
});
