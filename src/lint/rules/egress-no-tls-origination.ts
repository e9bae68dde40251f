import type { Mend } from "../../model/edit.ts";
import { formatPath } from "../../model/field-path.ts";
import { compareSeverity, type FindingScope, type RelatedPlace, type Severity } from "../../model/finding.ts";
import { rulesCovering } from "../../model/host-lookup.ts";
import { isWildcard } from "../../model/hostname.ts";
import { formatName } from "../../model/object-ref.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { ISTIO_ROOT_NAMESPACE } from "../../model/transport.ts";
import { readLast } from "../arrival.ts";
import { defineRule, type Report } from "../rule.ts";
import { type LeakField, type LeakingObject, type PlaintextLeak, plaintextLeaks } from "../upstream/plaintext-leak.ts";

const OPENAI = `
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: gateway-system, name: openai}
        spec: {hosts: [api.openai.com], resolution: DNS, ports: [{number: 443, name: https, protocol: HTTPS}]}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [api.openai.com]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]}]`;

/**
 * A leak shows in a route, a ServiceEntry and a DestinationRule; it is reported on the one that completes it, the last
 * read of them (arrival.ts). BackendTLSPolicy is not read, so that a DestinationRule without `tls` proves nothing
 * and is an absence; one whose mode says DISABLE or ISTIO_MUTUAL contradicts the port and is a conflict.
 */
export const rule = defineRule({
  id: "egress-no-tls-origination",
  kinds: ["ServiceEntry", "DestinationRule", "HTTPRoute", "GRPCRoute"],
  reads: ["Gateway", "Namespace", "AuthPolicy", "BackendTLSPolicy"],
  severity: "error",
  scope: "absence",
  title: "Traffic to the provider leaves without TLS",
  why: "The request crosses the Internet in clear, with any credential that the gateway put on it; a provider that expects TLS refuses it only after that.",
  fix: "Create a DestinationRule for the host in the gateway's namespace with `trafficPolicy.tls.mode: SIMPLE`.",
  sources: [
    "Istio task: Egress Gateways with TLS Origination",
    "istio pilot/pkg/networking/core/cluster_tls.go: without `tls` in the DestinationRule the upstream connection is plain",
    "Observed on a real istiod and Envoy: a port-443 ServiceEntry without DestinationRule, or with mode DISABLE, gave 503; port 80 went out in clear",
  ],
  since: "0.1.0",

  check(object, topology) {
    const leaks = plaintextLeaks(object, topology).filter(
      ({ fields }) =>
        readLast(
          fields.map((field) => field.object),
          topology,
        ) === object,
    );
    const byPlace = Map.groupBy(leaks, (leak) => formatPath(placeIn(object, leak).path));
    return [...byPlace.values()].map((same) => reportOn(object, same, topology));
  },

  bad: [
    {
      name: "a DestinationRule that balances load and nothing else",
      finds: [{ path: "spec.trafficPolicy" }],
      yaml: `${OPENAI}
        ---
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {namespace: gateway-system, name: openai}
        spec:
          host: api.openai.com
          trafficPolicy: {connectionPool: {http: {http1MaxPendingRequests: 10}}}`,
    },
    {
      name: "a route to port 443 with no DestinationRule for the host",
      finds: [{ path: "spec.rules[0].backendRefs[0].port" }],
      yaml: OPENAI,
    },
    {
      name: "a credential that leaves without TLS",
      finds: [{ path: "spec.rules[0].backendRefs[0].port" }],
      yaml: `${OPENAI}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress}
        spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
        ---
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: credential}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}
          rules:
            authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress]}}}
            response: {success: {headers: {authorization: {plain: {selector: auth.metadata.secret}}}}}`,
    },
    {
      name: "the mesh's certificates for a host outside",
      finds: [{ path: "spec.trafficPolicy.tls.mode", mended: "SIMPLE" }],
      yaml: `${OPENAI}
        ---
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {namespace: gateway-system, name: openai}
        spec: {host: api.openai.com, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}`,
    },
    {
      name: "plain HTTP from a waypoint",
      finds: [{ path: "spec.ports[0]", severity: "warning" }],
      yaml: `
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: istio-egress, name: httpbin, labels: {istio.io/use-waypoint: egress-waypoint}}
        spec: {hosts: [httpbin.org], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}`,
    },
  ],
  good: [
    {
      name: "TLS beside the load balancing",
      yaml: `${OPENAI}
        ---
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {namespace: gateway-system, name: openai}
        spec:
          host: api.openai.com
          trafficPolicy:
            connectionPool: {http: {http1MaxPendingRequests: 10}}
            tls: {mode: SIMPLE, sni: api.openai.com, subjectAltNames: [api.openai.com]}`,
    },
    {
      name: "TLS by a BackendTLSPolicy on the ServiceEntry",
      yaml: `
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: gateway-system, name: openai}
        spec: {hosts: [api.openai.com], resolution: DNS, ports: [{number: 443, name: https, protocol: HTTPS}]}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]}]
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: BackendTLSPolicy
        metadata: {namespace: gateway-system, name: openai}
        spec:
          targetRefs: [{group: networking.istio.io, kind: ServiceEntry, name: openai, sectionName: https}]
          validation: {hostname: api.openai.com, wellKnownCACertificates: System}`,
    },
    {
      name: "a TLS port behind a waypoint: the client encrypts by itself",
      yaml: `
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: istio-egress, name: httpbin, labels: {istio.io/use-waypoint: egress-waypoint}}
        spec: {hosts: [httpbin.org], resolution: DNS, ports: [{number: 443, name: tls, protocol: TLS}]}`,
    },
  ],
});

const TLS_PROTOCOLS = new Set(["HTTPS", "TLS"]);

/** The fields that are the object's: one, as a leak has one route, one ServiceEntry and at most one DestinationRule. */
const placeIn = (object: LeakingObject, { fields }: PlaintextLeak): LeakField =>
  fields.find((field) => field.object === object) ?? { object, path: ["spec"] };

/** Whether the other end speaks TLS only, by all that the ServiceEntry says about the port. */
function expectsTls({ port, transport: { entry, portIndex, dialled } }: PlaintextLeak): boolean {
  const { protocol = "" } = entry.spec?.ports?.[portIndex] ?? {};
  return port === 443 || dialled.includes(443) || TLS_PROTOCOLS.has(protocol.toUpperCase());
}

const severityOf = (leak: PlaintextLeak): Severity =>
  leak.tls.status === "mesh" || expectsTls(leak) || leak.credential !== undefined ? "error" : "warning";

const scopeOf = ({ tls }: PlaintextLeak): FindingScope =>
  tls.status === "mesh" || ("cause" in tls && tls.cause === "disabled") ? "conflict" : "absence";

/** One report for all leaks at one place: several routes may suffer from one DestinationRule. */
function reportOn(object: LeakingObject, leaks: readonly PlaintextLeak[], topology: Topology): Report {
  const [worst] = leaks.toSorted((a, b) => compareSeverity(severityOf(a), severityOf(b)));
  const leak = worst as PlaintextLeak;
  const mend = mendFor(leaks);
  const others = leaks.flatMap(({ fields }) => fields).filter((field) => field.object !== object);
  const unique = others.filter(
    (field, index) =>
      others.findIndex(
        (other) => other.object === field.object && formatPath(other.path) === formatPath(field.path),
      ) === index,
  );
  return {
    path: placeIn(object, leak).path,
    severity: severityOf(leak),
    scope: scopeOf(leak),
    message: messageFor(leak),
    hint: hintFor(leak, topology),
    related: [...unique.map(relatedPlace), ...credentialPlace(leak)],
    ...(mend === undefined ? {} : { mend }),
  };
}

function messageFor(leak: PlaintextLeak): string {
  const { host, port, tls, credential } = leak;
  if (tls.status === "mesh") {
    return `traffic to ${host}:${port} is secured with the mesh's own certificates (ISTIO_MUTUAL), which a host outside the mesh neither knows nor has: every request fails`;
  }
  const carried =
    credential === undefined
      ? ""
      : ` and carries ${credential.origin === "injected" ? "the injected credential" : "the workload's own token"} in \`${credential.header}\``;
  const refused = expectsTls(leak) ? "; the provider expects TLS there and refuses the request" : "";
  return `traffic to ${host}:${port} leaves without TLS${carried}: ${reasonFor(leak)}${refused}`;
}

function reasonFor({ tls, host, proxy }: PlaintextLeak): string {
  if (!("by" in tls)) return `no DestinationRule for ${host} applies to gateway \`${formatName(proxy)}\``;
  const name = formatName(tls.by.rule.metadata);
  if (tls.status === "mesh") return `DestinationRule \`${name}\` says ISTIO_MUTUAL`;
  if (tls.cause === "disabled") return `DestinationRule \`${name}\` switches it off`;
  if (tls.cause === "missing") return `DestinationRule \`${name}\` has no \`tls\``;
  return `the port's own settings in DestinationRule \`${name}\` replace those above them and have no \`tls\``;
}

function hintFor(leak: PlaintextLeak, topology: Topology): string {
  const { host, port, tls, proxy, transport } = leak;
  const names = isWildcard(host) ? "" : `, sni: ${host}, subjectAltNames: [${host}]`;
  const settings = `{mode: SIMPLE${names}}`;
  const entry = `ServiceEntry \`${formatName(transport.entry.metadata)}\``;
  const first = expectsTls(leak) ? "" : `Set \`targetPort: 443\` on port ${port} of ${entry}. `;
  if ("by" in tls) {
    const inRule = `DestinationRule \`${formatName(tls.by.rule.metadata)}\``;
    const hidden = tls.status === "plaintext" && tls.cause === "hidden";
    return `${first}Give ${hidden ? `the entry for port ${port} in ${inRule}` : inRule} \`tls: ${settings}\`.`;
  }
  const stray = rulesCovering(host, topology.objects).find(
    ({ metadata }) => metadata.namespace !== ISTIO_ROOT_NAMESPACE,
  );
  const create =
    stray === undefined
      ? `Create a DestinationRule in namespace \`${proxy.namespace}\`: \`host: ${host}\`, \`trafficPolicy.tls: ${settings}\``
      : `Move DestinationRule \`${formatName(stray.metadata)}\`, which this gateway does not use, to namespace \`${proxy.namespace}\``;
  return `${first}${create}. A BackendTLSPolicy for the ServiceEntry would do as well; Sluice does not read that kind.`;
}

/** The mesh's certificates are of no use outside; a provider that expects TLS is left with the one other mode. */
function mendFor(leaks: readonly PlaintextLeak[]): Mend | undefined {
  const [leak] = leaks;
  if (leak?.tls.status !== "mesh" || !leaks.every(expectsTls)) return undefined;
  const { path, rule } = leak.tls.by;
  if (path.at(-1) !== "mode") return undefined;
  return {
    title: "set the mode to SIMPLE, TLS with public certificates",
    edits: [{ op: "set", path, value: "SIMPLE", object: refOf(rule) }],
  };
}

const relatedPlace = ({ object, path }: LeakField): RelatedPlace => ({
  object: refOf(object),
  path,
  message:
    object.kind === "ServiceEntry"
      ? "the port is declared here"
      : object.kind === "DestinationRule"
        ? "these settings apply"
        : "this route sends the traffic",
});

const credentialPlace = ({ credential }: PlaintextLeak): readonly RelatedPlace[] =>
  credential === undefined
    ? []
    : [
        {
          object: refOf(credential.rule.policy),
          path: credential.rule.path,
          message: credential.origin === "injected" ? "the credential is injected here" : "the token is checked here",
        },
      ];
