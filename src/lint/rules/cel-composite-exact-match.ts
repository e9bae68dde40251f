import { namesOf, pathRange } from "../../cel/path.ts";
import type { Mend } from "../../model/edit.ts";
import type { FieldPath } from "../../model/field-path.ts";
import { isSubset, normalizeHostname } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";
import type { TextRange } from "../../model/place.ts";
import { type RoutePath, waysOf } from "../../model/policy-target.ts";
import type { Topology } from "../../model/topology.ts";
import { type Comparison, comparisons } from "../expressions/comparisons.ts";
import { type CelSite, celSites } from "../expressions/expression-sites.ts";
import { celString } from "../expressions/quote.ts";
import { replacing } from "../mends/text-changes.ts";
import { defineRule, type Report } from "../rule.ts";

type ComparingPolicy = Kinds["RateLimitPolicy"] | Kinds["TokenRateLimitPolicy"] | Kinds["AuthPolicy"];

/** What a comparison overlooks; undefined when nothing is wrong with it. */
type Oversight = Pick<Report, "message" | "hint" | "scope"> & {
  /** What to compare instead, when every text of the comparison is of its shape. */
  readonly instead?: string;
};

const PORT = /:\d+$/;

/** `10.0.0.7`, but not `10.0.0.7:80`, `[::1]:80`, or a text that is no address without port. */
const lacksPort = (text: string): boolean => text !== "" && !PORT.test(text);

const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

const comparing = (text: string, path: FieldPath, range: TextRange): Mend => ({
  title: `compare \`${text}\``,
  edits: replacing(path, [{ ...range, text }]),
});

/** Ports that clients leave out of the Host header of an `http` or `https` URL. */
const DEFAULT_PORTS = new Set([80, 443]);

const spellTexts = (texts: readonly string[]): string => texts.map((text) => `\`${celString(text)}\``).join(", ");

function ofAddress({ texts, negated, how }: Comparison, { engine }: CelSite): Oversight | undefined {
  const wrong = how === "equals" ? texts.filter(lacksPort) : [];
  if (wrong.length === 0) return undefined;
  const outcome = negated ? "differs for every caller, and the condition always holds" : "never matches";
  const instead = engine === "wasm" ? "source.remote_address" : "source.address.split(':')[0]";
  return {
    message: `\`source.address\` contains the caller's port, so a comparison with ${spellTexts(wrong)} ${outcome}`,
    hint: `Compare \`${instead}\`.`,
    ...(texts.every((text) => IPV4.test(text)) ? { instead } : {}),
  };
}

function ofPath({ texts, negated }: Comparison): Oversight | undefined {
  const wrong = texts.filter((text) => text !== "" && !text.includes("?"));
  if (wrong.length === 0) return undefined;
  const outcome = negated ? "is passed by adding `?x` to the URL" : "no longer matches once `?x` is added to the URL";
  return {
    message: `\`request.path\` contains the query string, so a comparison with ${spellTexts(wrong)} ${outcome}`,
    hint: "Compare `request.url_path`.",
    ...(wrong.length === texts.length ? { instead: "request.url_path" } : {}),
  };
}

/** Whether requests for a host name, which clients may send, come by one of these ways. */
const isServed = (host: string, ways: readonly RoutePath[]): boolean =>
  ways.some(({ attachment }) => attachment.hostnames.some((name) => isSubset(host, name)));

/** The host names that a rule puts in place of the one that was called. */
function rewrittenNames({ attachment, ruleIndex }: RoutePath): readonly string[] {
  const { filters = [], backendRefs = [] } = attachment.route.spec?.rules?.[ruleIndex] ?? {};
  return [...filters, ...backendRefs.flatMap((backend) => backend.filters ?? [])].flatMap(
    ({ urlRewrite }) => normalizeHostname(urlRewrite?.hostname ?? "") ?? [],
  );
}

function ofHost({ texts, negated, how }: Comparison, ways: readonly RoutePath[]): Oversight | undefined {
  if (how !== "equals" || ways.length === 0) return undefined;
  const outcome = negated ? "differs for every caller, and the condition always holds" : "never matches";
  const rewritten = new Set(ways.flatMap(rewrittenNames));
  const unseen = texts.filter((text) => {
    const host = normalizeHostname(text.replace(PORT, ""));
    return host !== undefined && rewritten.has(host) && !isServed(host, ways);
  });
  if (unseen.length > 0) {
    const called = [...new Set(ways.flatMap(({ attachment }) => attachment.hostnames))].slice(0, 3);
    return {
      scope: "conflict",
      message: `\`request.host\` is the name that was called, before the route rewrites it: a comparison with ${spellTexts(unseen)} ${outcome}`,
      hint: `Compare with what callers use: ${spellTexts(called)}.`,
    };
  }
  const port = ways.map(({ attachment }) => attachment.listener.port).find((one) => !DEFAULT_PORTS.has(one ?? 80));
  const wrong = texts.filter(lacksPort);
  if (port === undefined || wrong.length === 0) return undefined;
  return {
    scope: "conflict",
    message: `clients of a listener on port ${port} send it in \`request.host\`, so a comparison with ${spellTexts(wrong)} ${outcome} there`,
    hint: "Compare `request.host.split(':')[0]`.",
    ...(wrong.length === texts.length ? { instead: "request.host.split(':')[0]" } : {}),
  };
}

function check(object: ComparingPolicy, topology: Topology): readonly Report[] {
  let known: readonly RoutePath[] | undefined;
  const ways = (): readonly RoutePath[] => {
    known ??= waysOf(object, topology);
    return known;
  };
  const judge = (comparison: Comparison, site: CelSite): Oversight | undefined => {
    switch (namesOf(comparison.path).join(".")) {
      case "source.address":
        return ofAddress(comparison, site);
      case "request.path":
        return ofPath(comparison);
      case "request.host":
        return ofHost(comparison, ways());
      default:
        return undefined;
    }
  };
  return celSites(object).flatMap((site) => {
    if (site.tree === undefined) return [];
    return comparisons(site.tree).flatMap((comparison): readonly Report[] => {
      const oversight = judge(comparison, site);
      if (oversight === undefined) return [];
      const { instead, ...report } = oversight;
      const range = pathRange(comparison.path);
      const mend = instead === undefined ? {} : { mend: comparing(instead, site.path, range) };
      return [{ path: site.path, range, ...report, ...mend }];
    });
  });
}

const when = (predicate: string): string => `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: chat}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}
          limits: {x: {rates: [{limit: 100, window: 1m}], when: [{predicate: ${JSON.stringify(predicate)}}]}}`;

const authorized = (predicate: string): string => `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: workload-identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}
          rules:
            authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress]}}}
            authorization: {who: {patternMatching: {patterns: [{predicate: ${JSON.stringify(predicate)}}]}}}`;

const way = (hostname: string, port: number): string => `
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress}
        spec: {gatewayClassName: istio, listeners: [{name: http, port: ${port}, protocol: HTTP}]}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [${hostname}]
          rules:
            - filters: [{type: URLRewrite, urlRewrite: {hostname: api.openai.com}}]
              backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]`;

const WHEN = "spec.limits.x.when[0].predicate";
const PATTERN = "spec.rules.authorization.who.patternMatching.patterns[0].predicate";
const HOST = "request.host == 'api.openai.com'";

export const rule = defineRule({
  id: "cel-composite-exact-match",
  kinds: ["RateLimitPolicy", "TokenRateLimitPolicy", "AuthPolicy"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute"],
  severity: "warning",
  scope: "object",
  title: "A value of several parts is compared with one of its parts",
  why: "An address has a port, a path has a query, a host is the one that was called. An exact comparison that forgets this never holds, or, where it is to keep somebody out, lets everybody in.",
  fix: "Compare `source.remote_address`, `request.url_path` or `request.host.split(':')[0]`.",
  sources: [
    'Observed on wasm-shim af0f9b4: for `/v1/chat?q=1` `request.path == "/v1/chat"` is false and `request.url_path == "/v1/chat"` true; `source.address` is "10.244.1.7:53124"',
    "wasm-shim cuts the port off to find a route, and leaves it in `request.host`",
    "Istio: the filters of a route run in the router, behind the plugin that evaluates policies",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "the path with its query",
      finds: [{ path: WHEN, text: "request.path", mended: "request.url_path == '/v1/chat/completions'" }],
      yaml: when("request.path == '/v1/chat/completions'"),
    },
    {
      name: "the end of the path",
      finds: [{ path: WHEN, text: "request.path", mended: "request.url_path.endsWith('/completions')" }],
      yaml: when("request.path.endsWith('/completions')"),
    },
    {
      name: "a path that is forbidden",
      finds: [{ path: PATTERN, text: "request.path", mended: "request.url_path != '/admin'" }],
      yaml: authorized("request.path != '/admin'"),
    },
    {
      name: "an address in a list",
      finds: [{ path: WHEN, text: "source.address", mended: "!(source.remote_address in ['10.0.0.7', '10.0.0.8'])" }],
      yaml: when("!(source.address in ['10.0.0.7', '10.0.0.8'])"),
    },
    {
      name: "a host on a listener of another port",
      finds: [{ path: WHEN, text: "request.host", mended: "request.host.split(':')[0] == 'api.openai.com'" }],
      yaml: when(HOST) + way("api.openai.com", 8080),
    },
    {
      name: "the host that the route writes later",
      finds: [{ path: WHEN, text: "request.host" }],
      yaml: when(HOST) + way("openai.egress.internal", 80),
    },
  ],
  good: [
    { name: "the path without query", yaml: when("request.url_path == '/v1/chat/completions'") },
    { name: "a path with its query", yaml: when("request.path == '/search?q=1'") },
    { name: "the start of the path", yaml: when("request.path.startsWith('/v1/')") },
    { name: "whether there is a path at all", yaml: when("request.path != ''") },
    { name: "an address with its port", yaml: when("source.address != '10.0.0.7:8080'") },
    { name: "the host on the port that clients leave out", yaml: when(HOST) + way("api.openai.com", 80) },
    {
      name: "the host without its port",
      yaml: when("request.host.split(':')[0] == 'api.openai.com'") + way("api.openai.com", 8080),
    },
  ],
});
