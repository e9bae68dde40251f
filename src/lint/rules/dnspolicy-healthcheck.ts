import type { Mend } from "../../model/edit.ts";
import { effectivePolicy } from "../../model/effective-policy.ts";
import type { Kinds } from "../../model/kinds.ts";
import { pathsOf, type RoutePath } from "../../model/policy-target.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { type CoveredListener, egressCoverage } from "../attachment/covered-listeners.ts";
import { defineRule, type Report } from "../rule.ts";

/** Ports of Istio's proxy itself: they tell that it runs, not that a way out works. */
const PROXY_PORTS = new Set([15_000, 15_020, 15_021, 15_090]);

const CONSEQUENCE = "the records are withdrawn and pods go past the gateway, to the real address";

function check(object: Kinds["DNSPolicy"], topology: Topology): readonly Report[] {
  const { healthCheck } = object.spec ?? {};
  const coverage = egressCoverage(object, topology);
  if (healthCheck === undefined || coverage === undefined || coverage.listeners.length === 0) return [];
  const { port = 443, protocol = "HTTPS", path = "/" } = healthCheck;
  const field = (name: "port" | "protocol" | "path"): readonly string[] =>
    healthCheck[name] === undefined ? ["spec", "healthCheck"] : ["spec", "healthCheck", name];
  if (PROXY_PORTS.has(port)) {
    const message = `the probe asks port ${port} of the proxy itself, which no listener serves: it says nothing about the way out, and where the port is not open ${CONSEQUENCE}`;
    return [{ path: field("port"), message }];
  }
  const mend = servedProbe(coverage.listeners, { port, protocol, path }, topology);
  const onPort = coverage.listeners.filter(({ listener }) => listener.port === port);
  if (onPort.length === 0) {
    const served = [...new Set(coverage.listeners.map(({ listener }) => `${listener.protocol}/${listener.port}`))];
    const given = healthCheck.port === undefined ? `${port}, the default` : `${port}`;
    const message = `the probe will fail: no listener has port ${given} (they have ${served.join(", ")}); ${CONSEQUENCE}`;
    return [{ path: field("port"), message, ...mend }];
  }
  const probed = onPort.filter(({ listener }) => listener.protocol === protocol);
  if (probed.length === 0) {
    const message = `the probe will fail: it speaks ${protocol}, and the listener on port ${port} ${onPort[0]?.listener.protocol}; ${CONSEQUENCE}`;
    return [{ path: field("protocol"), message, ...mend }];
  }
  if (healthCheck.additionalHeadersRef !== undefined) return [];
  return refusals(probed, path, topology).map((refusal) => ({ ...refusal, path: field("path") }));
}

/** The one port and protocol that the listeners have, when a probe of it is not refused. */
function servedProbe(
  listeners: readonly CoveredListener[],
  given: { readonly port: number; readonly protocol: string; readonly path: string },
  topology: Topology,
): { readonly mend?: Mend } {
  const served = new Map(
    listeners.map(({ listener: { port = 0, protocol = "" } }) => [`${protocol}/${port}`, { port, protocol }]),
  );
  const [only] = served.values();
  if (served.size !== 1 || only?.protocol !== "HTTP" || refusals(listeners, given.path, topology).length > 0) return {};
  const fields = (["port", "protocol"] as const).filter((field) => only[field] !== given[field]);
  return {
    mend: {
      title: `set the probe to ${only.protocol} on port ${only.port}, which the listeners serve`,
      edits: fields.map((field) => ({ op: "set", path: ["spec", "healthCheck", field], value: only[field] })),
    },
  };
}

/** What becomes of a probe without credentials on the routes of the listeners: an error when every way refuses it. */
function refusals(
  probed: readonly CoveredListener[],
  path: string,
  topology: Topology,
): readonly Pick<Report, "message" | "severity" | "related">[] {
  const listeners = new Set(probed.map(({ listener }) => listener));
  const ways = pathsOf(topology.attachments.filter(({ listener }) => listeners.has(listener))).filter((way) =>
    takes(way, path),
  );
  const verdicts = ways.map((way) => ({ way, ...authenticationOn(way, topology) }));
  const refusing = verdicts.find(({ policy }) => policy !== undefined);
  if (refusing?.policy === undefined) return [];
  const certain = verdicts.every((verdict) => verdict.certain);
  const message = `the probe carries no credential and AuthPolicy \`${refusing.policy.metadata.name}\` ${certain ? "answers" : "may answer"} it with 401, while only 200 and 201 count as healthy; ${CONSEQUENCE}`;
  const related = [{ object: refOf(refusing.policy), path: ["spec"], message: "asks for a credential" }];
  return [{ severity: certain ? "error" : "warning", message, related }];
}

/** Whether a rule takes a GET of the path that has no headers of its own. */
function takes({ attachment: { route }, ruleIndex }: RoutePath, path: string): boolean {
  if (route.kind !== "HTTPRoute") return false;
  const { matches = [] } = route.spec?.rules?.[ruleIndex] ?? {};
  if (matches.length === 0) return true;
  return matches.some(({ path: match, headers = [], queryParams = [], method = "GET" }) => {
    const { type = "PathPrefix", value = "/" } = match ?? {};
    const plain = headers.length === 0 && queryParams.length === 0 && method === "GET";
    if (!plain || type === "RegularExpression") return false;
    return type === "Exact" ? path === value : `${path}/`.startsWith(value.endsWith("/") ? value : `${value}/`);
  });
}

type Authentication = { readonly policy?: Kinds["AuthPolicy"]; readonly certain: boolean };

/** The AuthPolicy that asks for a credential on a way, and whether it does so for every request. */
function authenticationOn(way: RoutePath, { objects }: Topology): Authentication {
  const rules = [...(effectivePolicy("AuthPolicy", way, objects)?.rules.values() ?? [])];
  const methods = rules.filter(({ key }) => key.startsWith("authentication/"));
  const has = (value: unknown, field: string): boolean =>
    typeof value === "object" && value !== null && Object.hasOwn(value, field);
  const [first] = methods;
  if (first === undefined || first.policy.kind !== "AuthPolicy") return { certain: false };
  if (methods.some(({ value }) => has(value, "anonymous"))) return { certain: false };
  const conditional = rules.some(({ key }) => key === "when") || methods.some(({ value }) => has(value, "when"));
  return { policy: first.policy, certain: !conditional };
}

const GATEWAY = `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress}
        spec:
          gatewayClassName: istio
          listeners: [{name: openai, port: 80, protocol: HTTP, hostname: api.openai.com}]
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]}]`;

const auth = (more = ""): string => `
        ---
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}${more}
          rules: {authentication: {workload: {kubernetesTokenReview: {audiences: [egress-gateway]}}}}`;

const policy = (healthCheck: string): string => `
        ---
        apiVersion: kuadrant.io/v1
        kind: DNSPolicy
        metadata: {namespace: gateway-system, name: egress}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
          providerRefs: [{name: dns-provider-credentials-coredns}]
          ${healthCheck}`;

const WHEN = "\n          when: [{predicate: \"request.method == 'POST'\"}]";
const PLAIN = "healthCheck: {path: /healthz, port: 80, protocol: HTTP, failureThreshold: 3, interval: 1m}";
const WITH_HEADERS = PLAIN.replace("1m}", "1m, additionalHeadersRef: {name: probe-token}}");

export const rule = defineRule({
  id: "dnspolicy-healthcheck",
  kinds: ["DNSPolicy"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute", "AuthPolicy", "Secret", "Service"],
  severity: "warning",
  scope: "conflict",
  title: "The health check of the egress gateway cannot succeed",
  why: "A record whose probe fails is withdrawn. Pods then resolve the provider's own address and leave without any policy.",
  fix: "Remove `healthCheck`, or probe `{protocol: HTTP, port: 80, path: …}` on a route that asks for no credential.",
  sources: [
    "Kuadrant DNSPolicy reference: healthCheck defaults to HTTPS and port 443",
    "dns-operator, probe worker: 200 and 201 count as healthy",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "the defaults, HTTPS on 443",
      finds: [{ path: "spec.healthCheck", mended: "spec.healthCheck.port: 80; spec.healthCheck.protocol: HTTP" }],
      yaml: GATEWAY + policy("healthCheck: {path: /healthz}"),
    },
    {
      name: "HTTPS on the plain port",
      finds: [{ path: "spec.healthCheck.protocol", mended: "HTTP" }],
      yaml: GATEWAY + policy("healthCheck: {path: /healthz, port: 80, protocol: HTTPS}"),
    },
    {
      name: "the proxy's own port",
      finds: [{ path: "spec.healthCheck.port" }],
      yaml: GATEWAY + policy("healthCheck: {path: /healthz/ready, port: 15021, protocol: HTTP}"),
    },
    {
      name: "a route that asks everybody for a token",
      finds: [{ path: "spec.healthCheck.path", severity: "error" }],
      yaml: GATEWAY + auth() + policy(PLAIN),
    },
    {
      name: "a route that asks some requests for a token",
      finds: [{ path: "spec.healthCheck.path" }],
      yaml: GATEWAY + auth(WHEN) + policy(PLAIN),
    },
  ],
  good: [
    { name: "plain HTTP on a route without AuthPolicy", yaml: GATEWAY + policy(PLAIN) },
    { name: "a probe that brings headers", yaml: GATEWAY + auth() + policy(WITH_HEADERS) },
    { name: "no health check", yaml: GATEWAY + auth() + policy("") },
  ],
});
