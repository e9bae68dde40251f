import { normalizeHostname } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { findServiceEntries, isClusterHost } from "../../model/transport.ts";
import { type CoveredListener, egressCoverage, someOf, targetPath } from "../attachment/covered-listeners.ts";
import { defineRule, type Report } from "../rule.ts";

/** Words in an issuer's name that mean a public CA: what the issuer is cannot be seen. */
const PUBLIC_CA = /(?:^|[-_.])(?:letsencrypt|lets-encrypt|le|acme|zerossl|buypass|sslcom|google-trust)(?:$|[-_.])/i;

/** The external host that a listener is named after; undefined when nobody says that it is one. */
function externalHost(
  { listener }: CoveredListener,
  gateway: Kinds["Gateway"],
  topology: Topology,
): string | undefined {
  const host = normalizeHostname(listener.hostname ?? "");
  if (host === undefined || isClusterHost(host, topology.settings.clusterDomain)) return undefined;
  const lookup = findServiceEntries({ host, port: undefined }, gateway.metadata.namespace, topology.objects);
  const outside = lookup.status === "found" && lookup.entries[0]?.spec?.location !== "MESH_INTERNAL";
  return outside ? host : undefined;
}

const takesCertificate = ({ listener: { protocol, tls, hostname = "" } }: CoveredListener): boolean =>
  (protocol === "HTTPS" || protocol === "TLS") && tls?.mode !== "Passthrough" && hostname !== "";

function check(object: Kinds["TLSPolicy"], topology: Topology): readonly Report[] {
  const coverage = egressCoverage(object, topology);
  if (coverage === undefined || coverage.listeners.length === 0) return [];
  const { gateway, listeners } = coverage;
  const related = listeners.map(({ listener, index }) => ({
    object: refOf(gateway),
    path: ["spec", "listeners", index],
    message: `listener \`${listener.name ?? index}\`, ${listener.protocol ?? "no protocol"}`,
  }));
  const able = listeners.filter(takesCertificate);
  if (able.length === 0) {
    const message = `the TLSPolicy does nothing: no listener that it covers opens TLS for a hostname (${someOf(listeners.map(({ listener }) => `${listener.name}: ${listener.protocol}`))})`;
    return [{ path: targetPath(object), message, related }];
  }
  const { name = "" } = object.spec?.issuerRef ?? {};
  if (!PUBLIC_CA.test(name)) return [];
  const hosts = able.map((covered) => externalHost(covered, gateway, topology)).filter((host) => host !== undefined);
  if (hosts.length === 0) return [];
  const message = `no public CA issues you a certificate for ${someOf(hosts)}: the listener stays without one and every request fails`;
  const hint = "Use an internal CA that the pods trust, or plain HTTP to the gateway without a TLSPolicy.";
  return [{ path: ["spec", "issuerRef", "name"], message, hint, related }];
}

const objects = (listener: string, issuer: string, host = "api.openai.com"): string => `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress, labels: {sluice.dev/egress-gateway: "true"}}
        spec: {gatewayClassName: istio, listeners: [${listener}]}
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: gateway-system, name: openai}
        spec: {hosts: [${host}], ports: [{number: 443, name: https, protocol: HTTPS}], resolution: DNS}
        ---
        apiVersion: kuadrant.io/v1
        kind: TLSPolicy
        metadata: {namespace: gateway-system, name: egress}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
          issuerRef: {group: cert-manager.io, kind: ClusterIssuer, name: ${issuer}}`;

const HTTPS = "{name: openai, port: 443, protocol: HTTPS, hostname: api.openai.com}";

export const rule = defineRule({
  id: "tlspolicy-external-hostname",
  kinds: ["TLSPolicy"],
  reads: ["Gateway", "ServiceEntry", "HTTPRoute", "GRPCRoute", "DNSPolicy", "Secret", "Service"],
  severity: "warning",
  scope: "conflict",
  title: "The TLSPolicy cannot give the egress gateway a certificate",
  why: "A public CA proves who controls a name, and the provider's name is not yours. On a listener without TLS or without hostname nothing is issued at all.",
  fix: "Remove the TLSPolicy from the egress gateway.",
  sources: [
    "Kuadrant user guide, DNS for egress: the gateway holds no certificate for the external host",
    "kuadrant-operator, TLSPolicy: only HTTPS and TLS listeners with a hostname; RFC 8555 section 8: identifier validation",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "a public CA for a provider's host",
      finds: [{ path: "spec.issuerRef.name" }],
      yaml: objects(HTTPS, "letsencrypt-prod"),
    },
    {
      name: "a listener that speaks plain HTTP",
      finds: [{ path: "spec.targetRef.name" }],
      yaml: objects("{name: openai, port: 80, protocol: HTTP, hostname: api.openai.com}", "corporate-internal-ca"),
    },
    {
      name: "a listener without hostname",
      finds: [{ path: "spec.targetRef.name" }],
      yaml: objects("{name: all, port: 443, protocol: HTTPS}", "corporate-internal-ca"),
    },
  ],
  good: [
    { name: "an internal CA that the pods trust", yaml: objects(HTTPS, "corporate-internal-ca") },
    { name: "a name of one's own", yaml: objects(HTTPS, "letsencrypt-prod", "other.example.com") },
    {
      name: "a gateway that takes requests from outside",
      yaml: objects(HTTPS, "letsencrypt-prod").replace('"true"', '"false"'),
    },
  ],
});
