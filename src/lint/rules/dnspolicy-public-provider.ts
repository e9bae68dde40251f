import { COREDNS_PROVIDER, providerSecrets } from "../../model/egress-gateway.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type { Kinds } from "../../model/kinds.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { type Coverage, egressCoverage, someOf } from "../attachment/covered-listeners.ts";
import { defineRule, type Report } from "../rule.ts";

/** Provider types that keep names inside of the cluster, and those that are known to publish them to the world. */
const INSIDE = new Set([COREDNS_PROVIDER, "kuadrant.io/inmemory"]);
const PUBLIC: ReadonlyMap<string, string> = new Map([
  ["kuadrant.io/aws", "Route 53"],
  ["kuadrant.io/gcp", "Google Cloud DNS"],
  ["kuadrant.io/azure", "Azure DNS"],
]);

const hostsOf = ({ listeners }: Coverage): string => {
  const names = listeners.map(({ listener }) => listener.hostname ?? "").filter((hostname) => hostname !== "");
  return names.length === 0 ? "the gateway's hosts" : someOf(names);
};

function reportOn(secret: Kinds["Secret"], path: FieldPath, coverage: Coverage): readonly Report[] {
  const { type = "" } = secret;
  if (INSIDE.has(type)) return [];
  const provider = PUBLIC.get(type);
  const related = [{ object: refOf(secret), path: ["type"], message: "the provider" }];
  const hosts = hostsOf(coverage);
  if (provider === undefined) {
    const message = `${hosts} would be published with the addresses of the egress gateway by a provider of type \`${type}\`, which may be a public one`;
    return [{ path, severity: "warning", message, related }];
  }
  const message = `${hosts} would be published in ${provider} with the addresses of the egress gateway: a public zone that hosts these names then breaks them for everybody`;
  return [{ path, message, related }];
}

function check(object: Kinds["DNSPolicy"], topology: Topology): readonly Report[] {
  const coverage = egressCoverage(object, topology);
  if (coverage === undefined) return [];
  const { providerRefs = [], delegate } = object.spec ?? {};
  const hosts = hostsOf(coverage);
  if (delegate === true) {
    const message = `${hosts} would be handed with the addresses of the egress gateway to the primary cluster, which publishes them in a zone of its own`;
    return [{ path: ["spec", "delegate"], severity: "warning", message }];
  }
  if (providerRefs.length > 0) {
    return providerRefs.flatMap(({ name = "" }, index) => {
      const secret = topology.objects.get("Secret", object.metadata.namespace, name);
      return secret === undefined ? [] : reportOn(secret, ["spec", "providerRefs", index, "name"], coverage);
    });
  }
  const defaults = providerSecrets(object, topology.objects);
  if (defaults.length > 0) return defaults.flatMap((secret) => reportOn(secret, ["spec"], coverage));
  const message = `${hosts} would be published by the namespace's default provider, which is not in view and may be a public one`;
  return [{ path: ["spec"], severity: "warning", scope: "absence", message }];
}

const gateway = (label = '"true"'): string => `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress, labels: {sluice.dev/egress-gateway: ${label}}}
        spec:
          gatewayClassName: istio
          listeners: [{name: openai, port: 80, protocol: HTTP, hostname: api.openai.com}]`;

const secret = (name: string, type: string, labels = ""): string => `
        ---
        apiVersion: v1
        kind: Secret
        metadata: {namespace: gateway-system, name: ${name}${labels}}
        type: ${type}`;

const policy = (more: string): string => `
        ---
        apiVersion: kuadrant.io/v1
        kind: DNSPolicy
        metadata: {namespace: gateway-system, name: egress}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
          ${more}`;

const DEFAULT = ', labels: {kuadrant.io/default-provider: "true"}';
const COREDNS = "dns-provider-credentials-coredns";

export const rule = defineRule({
  id: "dnspolicy-public-provider",
  kinds: ["DNSPolicy"],
  reads: ["Gateway", "Secret", "HTTPRoute", "GRPCRoute", "Service"],
  severity: "error",
  scope: "conflict",
  title: "The DNSPolicy of an egress gateway publishes in a public zone",
  why: "An egress gateway answers for other people's names with an address inside of the cluster. In a public zone that answer reaches the whole world; a provider that does not host the zone merely refuses.",
  fix: "Reference a Secret of type `kuadrant.io/coredns` in `providerRefs`.",
  sources: [
    "dns-operator: provider types, label kuadrant.io/default-provider",
    "Kuadrant user guide, DNS for egress: the CoreDNS provider",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "a provider of Route 53",
      finds: [{ path: "spec.providerRefs[0].name" }],
      yaml: gateway() + secret("aws", "kuadrant.io/aws") + policy("providerRefs: [{name: aws}]"),
    },
    {
      name: "a default provider of Google",
      finds: [{ path: "spec" }],
      yaml: gateway() + secret("gcp", "kuadrant.io/gcp", DEFAULT) + policy(""),
    },
    {
      name: "a default provider that is not in view",
      finds: [{ path: "spec", severity: "warning" }],
      yaml: gateway() + policy(""),
    },
    {
      name: "a provider of an unknown type",
      finds: [{ path: "spec.providerRefs[0].name", severity: "warning" }],
      yaml: gateway() + secret("other", "example.com/dns") + policy("providerRefs: [{name: other}]"),
    },
    {
      name: "records that are handed to another cluster",
      finds: [{ path: "spec.delegate", severity: "warning" }],
      yaml: gateway() + policy("delegate: true"),
    },
  ],
  good: [
    {
      name: "CoreDNS",
      yaml: gateway() + secret(COREDNS, "kuadrant.io/coredns") + policy(`providerRefs: [{name: ${COREDNS}}]`),
    },
    { name: "CoreDNS as the default", yaml: gateway() + secret(COREDNS, "kuadrant.io/coredns", DEFAULT) + policy("") },
    {
      name: "a named provider whose Secret is not in view",
      yaml: gateway() + policy(`providerRefs: [{name: ${COREDNS}}]`),
    },
    {
      name: "a gateway that takes requests from outside",
      yaml: gateway('"false"') + secret("aws", "kuadrant.io/aws") + policy("providerRefs: [{name: aws}]"),
    },
  ],
});
