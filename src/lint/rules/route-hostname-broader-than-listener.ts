import type { Attachment, Route } from "../../model/attachment.ts";
import type { Mend } from "../../model/edit.ts";
import { isSubset, normalizeHostname } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";
import { formatName } from "../../model/object-ref.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { readLast } from "../arrival.ts";
import { type EnforcedPolicy, guardedWays } from "../attachment/enforced-policies.ts";
import { defineRule, type Report } from "../rule.ts";

/** A listener whose name a route serves by a wider one only. */
type Gap = {
  readonly attachment: Attachment;
  readonly policy: EnforcedPolicy;
  readonly listener: string;
  /** Position in the route's hostnames, and the name there. */
  readonly index: number;
  readonly hostname: string;
};

/** Names that the API allows in one route. */
const MAX_HOSTNAMES = 16;

/** The names of all listeners that are passed over, beside those of the route: nothing that it serves is lost. */
function mendFor(gap: Gap, gaps: readonly Gap[]): Mend | undefined {
  const { route } = gap.attachment;
  const names = [...new Set(gaps.map(({ listener }) => listener))];
  const { length } = route.spec?.hostnames ?? [];
  if (length + names.length > MAX_HOSTNAMES) return undefined;
  return {
    title: `add ${names.map((name) => `\`${name}\``).join(", ")} to the route's hostnames`,
    edits: names.map((value, index) => ({
      op: "set",
      path: ["spec", "hostnames", length + index],
      value,
      object: refOf(route),
    })),
  };
}

/** Reported on the route or the Gateway, whichever was read last (arrival.ts). */
function check(object: Route | Kinds["Gateway"], topology: Topology): readonly Report[] {
  if (object.kind !== "Gateway") {
    const gaps = gapsOf(object, topology);
    return gaps
      .filter(({ attachment }) => readLast([object, attachment.gateway], topology) === object)
      .map((gap) => reportOn(object, gap, gaps));
  }
  const routes = topology.attachmentsOn(object).map(({ route }) => route);
  return [...new Set(routes)]
    .filter((route) => readLast([object, route], topology) === object)
    .flatMap((route) => {
      const gaps = gapsOf(route, topology);
      return gaps.filter(({ attachment }) => attachment.gateway === object).map((gap) => reportOn(object, gap, gaps));
    });
}

function gapsOf(route: Route, topology: Topology): readonly Gap[] {
  const hostnames = (route.spec?.hostnames ?? []).map((name) => normalizeHostname(name) ?? "");
  const all = topology.attachmentsOf(route);
  const wide = all.flatMap((attachment) => {
    const listener = normalizeHostname(attachment.listener.hostname ?? "") ?? "";
    const index = hostnames.findIndex((name) => name !== "" && name !== listener && isSubset(listener, name));
    // Another listener, or another name of the route, by which Kuadrant keeps this name on the gateway.
    const kept = all.some(
      ({ gateway, listener: other }) =>
        gateway === attachment.gateway &&
        hostnames.some(
          (name) => isSubset(name, normalizeHostname(other.hostname ?? "") ?? "") && isSubset(listener, name),
        ),
    );
    return listener === "" || index < 0 || kept ? [] : [{ attachment, listener, index }];
  });
  if (wide.length === 0) return [];
  const guarded = guardedWays(route, topology);
  return wide.flatMap((gap) => {
    const policy = guarded.find(({ way }) => way.attachment === gap.attachment)?.policies[0];
    return policy === undefined ? [] : [{ ...gap, policy, hostname: hostnames[gap.index] ?? "" }];
  });
}

function reportOn(object: Route | Kinds["Gateway"], gap: Gap, gaps: readonly Gap[]): Report {
  const { attachment, policy, listener, index, hostname } = gap;
  const { gateway, route } = attachment;
  const mend = mendFor(gap, gaps);
  const position = (gateway.spec?.listeners ?? []).indexOf(attachment.listener);
  const places = [
    { object: route, path: ["spec", "hostnames", index], message: "the route names more than the listener" },
    {
      object: gateway,
      path: ["spec", "listeners", position, "hostname"],
      message: "the listener takes this name only",
    },
  ];
  return {
    path: places.find((place) => place.object === object)?.path ?? ["spec"],
    message: `\`${hostname}\` is wider than listener \`${attachment.listener.name ?? ""}\` (\`${listener}\`): Istio routes ${listener}, but Kuadrant drops the name, and ${policy.kind} \`${formatName(policy.metadata)}\` does not act on it`,
    hint: `Put \`${listener}\` into the route's \`hostnames\`.`,
    related: [
      ...places.filter((place) => place.object !== object).map((place) => ({ ...place, object: refOf(place.object) })),
      { object: refOf(policy), path: ["spec", "targetRef"], message: "this policy is not enforced there" },
    ],
    ...(mend === undefined ? {} : { mend }),
  };
}

const gateway = (listeners: string): string => `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress}
        spec: {gatewayClassName: istio, listeners: [${listeners}]}
        ---`;

const OPENAI = "{name: openai, port: 80, protocol: HTTP, hostname: api.openai.com}";

const route = (hostnames: string): string => `
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          ${hostnames}
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]}]
        ---`;

const AUTH = `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}
          rules: {authentication: {workload: {kubernetesTokenReview: {audiences: [egress-gateway]}}}}
        ---`;

const WIDE = 'hostnames: ["*.openai.com"]';

export const rule = defineRule({
  id: "route-hostname-broader-than-listener",
  kinds: ["HTTPRoute", "GRPCRoute", "Gateway"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute", "AuthPolicy", "RateLimitPolicy", "TokenRateLimitPolicy", "PlanPolicy"],
  severity: "error",
  scope: "conflict",
  title: "No policy acts on a route name that is wider than the listener's",
  why: "Istio routes the names that route and listener share. Kuadrant keeps only those names of the route that lie within the listener's: the rest is routed without any policy.",
  fix: "List the listener's exact host name in the route.",
  sources: [
    "kuadrant-operator internal/gatewayapi/utils.go and internal/utils/hostname.go: hostnames are kept when they are a subset",
    "Observed on a real istiod and Envoy: a route for *.org behind a listener for httpbin.org is served",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "a wildcard behind a listener for one name",
      finds: [{ path: "spec.hostnames[0]", mended: "spec.hostnames[1]: api.openai.com" }],
      yaml: gateway(OPENAI) + AUTH + route(WIDE),
    },
    {
      name: "a listener that is narrowed after the route was made",
      finds: [{ path: "spec.listeners[0].hostname", mended: "HTTPRoute openai spec.hostnames[1]: api.openai.com" }],
      yaml: route(WIDE) + AUTH + gateway(OPENAI),
    },
    {
      name: "a wildcard that is wider than the listener's wildcard",
      finds: [{ path: "spec.hostnames[0]", mended: "spec.hostnames[1]: *.eu.openai.com" }],
      yaml: gateway('{name: openai, port: 80, protocol: HTTP, hostname: "*.eu.openai.com"}') + AUTH + route(WIDE),
    },
  ],
  good: [
    { name: "the exact name", yaml: gateway(OPENAI) + AUTH + route("hostnames: [api.openai.com]") },
    {
      name: "the exact name beside the wildcard",
      yaml: gateway(OPENAI) + AUTH + route('hostnames: ["*.openai.com", api.openai.com]'),
    },
    {
      name: "another listener that takes every name",
      yaml: gateway(`${OPENAI}, {name: all, port: 8080, protocol: HTTP}`) + AUTH + route(WIDE),
    },
    { name: "a route that takes the listener's name", yaml: gateway(OPENAI) + AUTH + route("") },
    {
      name: "names that are narrower than the listener",
      yaml:
        gateway('{name: openai, port: 80, protocol: HTTP, hostname: "*.openai.com"}') +
        AUTH +
        route("hostnames: [api.openai.com]"),
    },
    { name: "no policy that could be missed", yaml: gateway(OPENAI) + route(WIDE) },
  ],
});
