import { DNS_POLICIES_BY_GATEWAY } from "../../model/egress-gateway.ts";
import { isWildcard } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { readLast } from "../arrival.ts";
import { type CoveredListener, egressCoverage, targetPath } from "../attachment/covered-listeners.ts";
import { defineRule, type Report } from "../rule.ts";

type Fault = Pick<Report, "message" | "severity" | "hint"> & { readonly index: number };

const nameOf = ({ listener: { name = "" }, index }: CoveredListener): string => `listener \`${name || index}\``;

function faultsOf(policy: Kinds["DNSPolicy"], topology: Topology): readonly Fault[] {
  const { gateway, listeners = [] } = egressCoverage(policy, topology) ?? {};
  if (gateway === undefined || listeners.length === 0) return [];
  const bare = listeners.filter(({ listener: { hostname = "" } }) => hostname === "");
  const named = listeners.filter((covered) => !bare.includes(covered));
  const withoutHost = bare.map((covered): Fault => {
    const severity = named.length === 0 ? "error" : "warning";
    const message = `${nameOf(covered)} has no hostname, so the DNSPolicy makes no record for it; its status speaks of missing addresses then`;
    return { index: covered.index, severity, message };
  });
  const first = named[0];
  const allWild = first !== undefined && named.every(({ listener: { hostname = "" } }) => isWildcard(hostname));
  const swallowed = named.map(({ listener: { hostname = "" } }) => `\`${hostname}\``).join(", ");
  const wild: readonly Fault[] = allWild
    ? [
        {
          index: first.index,
          severity: "warning",
          message: `the DNSPolicy makes a record for ${swallowed} only: every name of that domain goes to the egress gateway, those that it has no route for as well`,
          hint: "Add a listener with the exact hostname of each external host.",
        },
      ]
    : [];
  return [...withoutHost, ...wild, ...unrouted(gateway, named, topology)];
}

/** Listeners without a route: no record is made for them. Silent where no route at all is in view. */
function unrouted(
  gateway: Kinds["Gateway"],
  named: readonly CoveredListener[],
  { attachmentsOn, objects }: Topology,
): readonly Fault[] {
  if (objects.of("HTTPRoute").length + objects.of("GRPCRoute").length === 0) return [];
  const routed = new Set(attachmentsOn(gateway).map(({ listener }) => listener));
  return named
    .filter(({ listener }) => !routed.has(listener))
    .map((covered) => ({
      index: covered.index,
      severity: "warning",
      message: `no route is attached to ${nameOf(covered)}, so the DNSPolicy makes no record for \`${covered.listener.hostname}\``,
      hint: "Attach a route to the listener, or remove the listener.",
    }));
}

function reportsFor(policy: Kinds["DNSPolicy"], object: Kinds["DNSPolicy" | "Gateway"], topology: Topology) {
  const gateway = egressCoverage(policy, topology)?.gateway;
  if (gateway === undefined || readLast([policy, gateway], topology) !== object) return [];
  return faultsOf(policy, topology).map(({ index, ...fault }): Report => {
    const listener = { object: refOf(gateway), path: ["spec", "listeners", index], message: "the listener" };
    const chosen = { object: refOf(policy), path: targetPath(policy), message: "the DNSPolicy that covers it" };
    return object === policy
      ? { ...fault, path: targetPath(policy), related: [listener] }
      : { ...fault, path: listener.path, related: [chosen] };
  });
}

function check(object: Kinds["DNSPolicy" | "Gateway"], topology: Topology): readonly Report[] {
  if (object.kind === "DNSPolicy") return reportsFor(object, object, topology);
  if (!topology.egressGateways.includes(object)) return [];
  return topology.objects
    .having(DNS_POLICIES_BY_GATEWAY, `${object.metadata.namespace}/${object.metadata.name}`)
    .flatMap((policy) => reportsFor(policy, object, topology));
}

const gateway = (...listeners: readonly string[]): string => `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress, labels: {sluice.dev/egress-gateway: "true"}}
        spec: {gatewayClassName: istio, listeners: [${listeners.join(", ")}]}`;

const policy = (section = ""): string => `
        apiVersion: kuadrant.io/v1
        kind: DNSPolicy
        metadata: {namespace: gateway-system, name: egress}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress${section}}
          providerRefs: [{name: dns-provider-credentials-coredns}]`;

const route = (hostname: string): string => `
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [${hostname}]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: ${hostname}, port: 443}]}]`;

const HTTP = "{name: http, port: 80, protocol: HTTP}";
const OPENAI = "{name: openai, port: 80, protocol: HTTP, hostname: api.openai.com}";
const GITHUB = "{name: github, port: 80, protocol: HTTP, hostname: api.github.com}";
const WILD = '{name: wild, port: 80, protocol: HTTP, hostname: "*.openai.com"}';
const NEXT = "\n        ---";

export const rule = defineRule({
  id: "dnspolicy-listener-without-hostname",
  kinds: ["DNSPolicy", "Gateway"],
  reads: ["HTTPRoute", "GRPCRoute", "Secret", "Service"],
  severity: "error",
  scope: "absence",
  title: "The DNSPolicy makes no record for a listener",
  why: "Records are made from the hostnames of listeners that have a route. A listener without one gets none: pods resolve the provider's own address and go past the gateway.",
  fix: "Make one listener for each external host, with its `hostname`.",
  sources: [
    "Kuadrant user guide, DNS for egress: one listener for each host name",
    "kuadrant-operator, effective DNS policies reconciler: listeners without hostname or routes are passed over",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "one listener for all hosts",
      finds: [{ path: "spec.targetRef.name" }],
      yaml: gateway(HTTP) + NEXT + policy(),
    },
    {
      name: "a Gateway that was read after the policy",
      finds: [{ path: "spec.listeners[0]" }],
      yaml: policy() + NEXT + gateway(HTTP),
    },
    {
      name: "a listener without hostname beside one that has it",
      finds: [{ path: "spec.targetRef.name", severity: "warning" }],
      yaml: gateway(HTTP, OPENAI) + NEXT + policy(),
    },
    {
      name: "a wildcard only",
      finds: [{ path: "spec.targetRef.sectionName", severity: "warning" }],
      yaml: gateway(OPENAI, WILD) + NEXT + policy(", sectionName: wild"),
    },
    {
      name: "a listener that has no route",
      finds: [{ path: "spec.targetRef.name", severity: "warning" }],
      yaml: gateway(OPENAI, GITHUB) + route("api.openai.com") + NEXT + policy(),
    },
  ],
  good: [
    {
      name: "a listener for each host, each with a route",
      yaml: gateway(OPENAI) + route("api.openai.com") + NEXT + policy(),
    },
    {
      name: "a listener without hostname that the policy leaves out",
      yaml: `${gateway(HTTP, OPENAI)}${NEXT}${policy(", sectionName: openai")}`,
    },
    {
      name: "a gateway that is not for egress",
      yaml: `${gateway(HTTP).replace('"true"', '"false"')}${NEXT}${policy()}`,
    },
  ],
});
