import { EGRESS_GATEWAY_LABEL } from "../../model/egress-gateway.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type { FindingScope } from "../../model/finding.ts";
import { isWildcard, normalizeHostname } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import {
  gatewayProxies,
  isClusterHost,
  isHostnameBackend,
  type UpstreamProxy,
  upstreamTransport,
} from "../../model/transport.ts";
import { rewritingTo } from "../mends/host-rewrite.ts";
import { defineRule, type Report } from "../rule.ts";

type Route = Kinds["HTTPRoute"];

/**
 * Judges what the provider will see as Host: the rewritten name, else the names that the route serves, narrowed by
 * the listeners that are in view. A Host that equals the TLS name set by a DestinationRule is meant so.
 */
export const rule = defineRule({
  id: "missing-urlrewrite-hostname",
  kinds: ["HTTPRoute"],
  reads: ["Gateway", "ServiceEntry", "DestinationRule"],
  severity: "error",
  scope: "object",
  title: "The provider receives a Host that it does not serve",
  why: "A provider chooses the site by the Host header; for another name than its own most answer 404 or 421, or serve somebody else's site.",
  fix: "Add a `URLRewrite` filter with the backend's host name to the rule.",
  sources: [
    "Gateway API HTTPURLRewriteFilter.hostname",
    "Kuadrant egress guides: every route to a provider rewrites the host name",
  ],
  since: "0.1.0",

  check(object, topology) {
    const proxies = gatewayProxies(object, topology).filter(
      ({ gateway }) => gateway?.metadata.labels?.[EGRESS_GATEWAY_LABEL] !== "false",
    );
    if (proxies.length === 0) return [];
    return (object.spec?.rules ?? []).flatMap((_, index) => reportsOn(object, index, proxies, topology));
  },

  bad: [
    {
      name: "an internal name that reaches the provider as Host",
      finds: [
        {
          path: "spec.rules[0].backendRefs[0].name",
          mended: 'spec.rules[0].filters: [{"type":"URLRewrite","urlRewrite":{"hostname":"api.openai.com"}}]',
        },
      ],
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [openai.egress.internal]
          rules:
            - backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]`,
    },
    {
      name: "a rewrite to another name than the backend's",
      finds: [{ path: "spec.rules[0].filters[0].urlRewrite.hostname", severity: "warning" }],
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [openai.egress.internal]
          rules:
            - filters: [{type: URLRewrite, urlRewrite: {hostname: api.opnai.com}}]
              backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]`,
    },
    {
      name: "no rewrite where the names happen to agree",
      finds: [
        {
          path: "spec.rules[0].backendRefs[0].name",
          severity: "warning",
          mended: 'spec.rules[0].filters: [{"type":"URLRewrite","urlRewrite":{"hostname":"api.openai.com"}}]',
        },
      ],
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [api.openai.com]
          rules:
            - backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]`,
    },
  ],
  good: [
    {
      name: "a rewrite to the backend's name",
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [openai.egress.internal]
          rules:
            - filters: [{type: URLRewrite, urlRewrite: {hostname: api.openai.com}}]
              backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]`,
    },
    {
      name: "a private endpoint that is called by the provider's public name",
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [openai.egress.internal]
          rules:
            - filters: [{type: URLRewrite, urlRewrite: {hostname: models.openai.azure.com}}]
              backendRefs:
                - {group: networking.istio.io, kind: Hostname, name: models.privatelink.openai.azure.com, port: 443}
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: gateway-system, name: openai}
        spec:
          hosts: [models.privatelink.openai.azure.com]
          resolution: DNS
          ports: [{number: 443, name: https, protocol: HTTPS}]
        ---
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {namespace: gateway-system, name: openai}
        spec:
          host: models.privatelink.openai.azure.com
          trafficPolicy:
            tls: {mode: SIMPLE, sni: models.openai.azure.com, subjectAltNames: [models.openai.azure.com]}`,
    },
  ],
});

function reportsOn(
  route: Route,
  ruleIndex: number,
  proxies: readonly UpstreamProxy[],
  topology: Topology,
): readonly Report[] {
  const rule = route.spec?.rules?.[ruleIndex] ?? {};
  const { backendRefs = [], filters = [] } = rule;
  if (filters.some(({ type }) => type === "RequestRedirect")) return [];
  const path: FieldPath = ["spec", "rules", ruleIndex];
  const rewrite = rewriteIn(filters, [...path, "filters"]);
  const backends = backendRefs
    .map((backend, index) => ({ ...backend, path: [...path, "backendRefs", index, "name"] }))
    .filter((backend) => isHostnameBackend(backend) && backend.weight !== 0)
    .filter(({ name = "" }) => !isClusterHost(name, topology.settings.clusterDomain));
  return backends.flatMap(({ name = "", port, path: at }): readonly Report[] => {
    const tlsNames = tlsNamesOf({ host: name, port }, proxies, topology);
    const several = backends.length > 1;
    if (rewrite !== undefined) return wrongRewrite({ host: name, tlsNames, several }, rewrite);
    // A private endpoint, or one with a TLS name of its own, may expect another Host.
    const own = !isPrivateName(name) && tlsNames.every((tlsName) => same(tlsName, name));
    const mend = own ? rewritingTo(name, rule, path) : undefined;
    return withoutRewrite({ host: name, at, tlsNames, several }, route, proxies, topology).map((report) =>
      mend === undefined ? report : { ...report, mend },
    );
  });
}

type Rewrite = { readonly host: string; readonly path: FieldPath };

/** The name that a rule's filters put into the Host header. Istio takes a `host` header that is set as a rewrite. */
function rewriteIn(
  filters: NonNullable<NonNullable<NonNullable<Route["spec"]>["rules"]>[number]["filters"]>,
  path: FieldPath,
): Rewrite | undefined {
  const found = filters.flatMap(({ urlRewrite, requestHeaderModifier }, index): readonly Rewrite[] => {
    if (urlRewrite?.hostname !== undefined && urlRewrite.hostname !== "") {
      return [{ host: urlRewrite.hostname, path: [...path, index, "urlRewrite", "hostname"] }];
    }
    return (requestHeaderModifier?.set ?? []).flatMap(({ name = "", value = "" }, header) =>
      ["host", ":authority"].includes(name.toLowerCase())
        ? [{ host: value, path: [...path, index, "requestHeaderModifier", "set", header, "value"] }]
        : [],
    );
  });
  return found[0];
}

const same = (a: string, b: string): boolean => (normalizeHostname(a) ?? a) === (normalizeHostname(b) ?? b);

/** Names other than its own by which DestinationRules have the gateway address a backend. */
function tlsNamesOf(
  { host, port = 443 }: { readonly host: string; readonly port: number | undefined },
  proxies: readonly UpstreamProxy[],
  topology: Topology,
): readonly string[] {
  return proxies.flatMap((proxy) => {
    const transport = upstreamTransport({ host, port }, proxy, topology.objects);
    return transport.status === "resolved" && transport.tls.status === "originated" ? (transport.tls.sni ?? []) : [];
  });
}

type Judged = {
  readonly host: string;
  readonly tlsNames: readonly string[];
  /** Whether the rule has other Hostname backends: one rewrite cannot be right for all. */
  readonly several: boolean;
};

const SPLIT = " Give each Hostname backend a rule of its own: one rewrite holds for the whole rule.";

function wrongRewrite({ host, tlsNames, several }: Judged, rewrite: Rewrite): readonly Report[] {
  if (same(rewrite.host, host) || tlsNames.some((name) => same(name, rewrite.host))) return [];
  return [
    {
      path: rewrite.path,
      severity: "warning",
      message: `\`${host}\` will receive \`Host: ${rewrite.host}\`, another name than the one that TLS asks for`,
      hint: `Rewrite to \`${host}\`; for a private endpoint, set \`sni: ${rewrite.host}\` in its DestinationRule.${several ? SPLIT : ""}`,
    },
  ];
}

function withoutRewrite(
  { host, at, tlsNames, several }: Judged & { readonly at: FieldPath },
  route: Route,
  proxies: readonly UpstreamProxy[],
  topology: Topology,
): readonly Report[] {
  const served = servedNames(route, proxies, topology);
  if (served === undefined) return [];
  const foreign = served.names.filter((name) => !same(name, host) && !tlsNames.some((tlsName) => same(tlsName, name)));
  const hint = `Add \`{type: URLRewrite, urlRewrite: {hostname: ${host}}}\` to the rule's filters.${several ? SPLIT : ""}`;
  const related = served.gateways.map(({ gateway }) => ({
    object: refOf(gateway),
    path: ["spec", "listeners"],
    message: "the listener decides which names the route serves",
  }));
  const [first] = foreign;
  if (first === undefined) {
    if (!served.names.every((name) => same(name, host))) return [];
    return [
      {
        path: at,
        severity: "warning",
        scope: served.scope,
        message: `\`${host}\` receives the Host that the caller sends: right only while nobody adds a port or changes the hostnames`,
        hint,
        related,
      },
    ];
  }
  const sent = first === "" ? "whatever name the caller uses" : `\`Host: ${first}\``;
  const exact = foreign.some((name) => name !== "" && !isWildcard(name));
  const sure = !isPrivateName(host) && (exact || !served.unseen);
  return [
    {
      path: at,
      scope: sure ? served.scope : "absence",
      message: `\`${host}\` will receive ${sent}, and most providers answer 404 or 421 for a name that is not theirs`,
      hint,
      related,
    },
  ];
}

type Served = {
  readonly names: readonly string[];
  readonly scope: FindingScope;
  /** Whether a Gateway that is not in view may narrow the names. */
  readonly unseen: boolean;
  readonly gateways: readonly { readonly gateway: Kinds["Gateway"] }[];
};

/** Names by which the route can be called; undefined when only a Gateway that is not in view could say. */
function servedNames(route: Route, proxies: readonly UpstreamProxy[], topology: Topology): Served | undefined {
  const own = (route.spec?.hostnames ?? []).map((name) => normalizeHostname(name) ?? name);
  const attached = topology
    .attachmentsOf(route)
    .filter((item) => proxies.some(({ gateway }) => gateway === item.gateway));
  const unseen = proxies.some(({ gateway }) => gateway === undefined);
  if (unseen && own.length === 0) return undefined;
  const names = new Set([...attached.flatMap(({ hostnames }) => hostnames), ...(unseen ? own : [])]);
  // The route's own names prove it alone, unless a listener had its say.
  const byRoute = own.length > 0 && [...names].some((name) => own.includes(name));
  const gateways = byRoute ? [] : [...new Set(attached.map(({ gateway }) => gateway))].map((gateway) => ({ gateway }));
  return { names: [...names], scope: byRoute ? "object" : "conflict", unseen, gateways };
}

/** Addresses and names of private endpoints, at which the provider expects its public name. */
const isPrivateName = (host: string): boolean =>
  normalizeHostname(host) === undefined || /(^|[.-])(privatelink|private|vpce|psc)([.-]|$)/.test(host);
