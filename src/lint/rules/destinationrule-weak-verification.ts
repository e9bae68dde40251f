import type { Mend } from "../../model/edit.ts";
import type { FieldPath } from "../../model/field-path.ts";
import { entriesNaming } from "../../model/host-lookup.ts";
import type { ClientTlsSettings, TrafficPolicy } from "../../model/kinds/istio.ts";
import type { Kinds } from "../../model/kinds.ts";
import { defineLookup } from "../../model/object-index.ts";
import type { Topology } from "../../model/topology.ts";
import { defineRule, type Report } from "../rule.ts";

type TlsAt = { readonly tls: ClientTlsSettings; readonly path: FieldPath };

/** The settings of a traffic policy: its own and those of its ports. */
const tlsOf = (policy: TrafficPolicy | undefined, path: FieldPath): readonly TlsAt[] => [
  ...(policy?.tls === undefined ? [] : [{ tls: policy.tls, path: [...path, "tls"] }]),
  ...(policy?.portLevelSettings ?? []).flatMap(({ tls }, index) =>
    tls === undefined ? [] : [{ tls, path: [...path, "portLevelSettings", index, "tls"] }],
  ),
];

const originates = ({ tls }: TlsAt): boolean => tls.mode === "SIMPLE" || tls.mode === "MUTUAL";

/** Names that the certificate of the host may carry, as ServiceEntries for it declare them. */
const namesFromServiceEntries = (host: string, topology: Topology): readonly string[] =>
  entriesNaming(host, topology.objects).flatMap(({ spec }) => spec?.subjectAltNames ?? []);

const ROUTES_BY_BACKEND = defineLookup({
  kinds: ["HTTPRoute"],
  keysOf: ({ spec }) =>
    (spec?.rules ?? []).flatMap(({ backendRefs = [] }) => backendRefs.flatMap(({ name }) => name ?? [])),
});

/** Hosts that routes send to this backend under another name: an `sni` for one of them is meant. */
const rewrittenHosts = (host: string, topology: Topology): readonly string[] =>
  topology.objects
    .having(ROUTES_BY_BACKEND, host)
    .flatMap(({ spec }) => spec?.rules ?? [])
    .filter(({ backendRefs }) => backendRefs?.some(({ name }) => name === host))
    .flatMap(({ filters }) => filters ?? [])
    .flatMap(({ urlRewrite }) => urlRewrite?.hostname ?? []);

export const rule = defineRule({
  id: "destinationrule-weak-verification",
  kinds: ["DestinationRule"],
  reads: ["ServiceEntry", "HTTPRoute"],
  severity: "error",
  scope: "object",
  title: "The certificate of the provider is not verified",
  why: "Whoever can answer for the provider's address with any certificate from a trusted CA receives the request, with the credential that the gateway injected.",
  fix: "Remove `sni` (Istio then sends the host name and verifies it), or add `subjectAltNames` with the host.",
  sources: [
    "istio pilot/pkg/networking/core/cluster_tls.go: SNI and SAN are automatic only while `sni` is empty",
    "Observed on a real istiod and Envoy: with `sni` and no `subjectAltNames` a certificate for another name was accepted",
  ],
  since: "0.1.0",

  check(object, topology) {
    const { spec } = object;
    const places = [
      ...tlsOf(spec?.trafficPolicy, ["spec", "trafficPolicy"]),
      ...(spec?.subsets ?? []).flatMap(({ trafficPolicy }, index) =>
        tlsOf(trafficPolicy, ["spec", "subsets", index, "trafficPolicy"]),
      ),
    ];
    return places.filter(originates).flatMap((place) => reportsOn(place, object, topology));
  },

  bad: [
    {
      name: "an explicit sni without subjectAltNames",
      finds: [
        {
          path: "spec.trafficPolicy.tls.sni",
          severity: "warning",
          mended: 'spec.trafficPolicy.tls.subjectAltNames: ["api.openai.com"]',
        },
      ],
      yaml: `
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {namespace: gateway-system, name: openai}
        spec:
          host: api.openai.com
          trafficPolicy: {tls: {mode: SIMPLE, sni: api.openai.com}}`,
    },
    {
      name: "verification switched off for one port",
      finds: [{ path: "spec.trafficPolicy.portLevelSettings[0].tls.insecureSkipVerify" }],
      yaml: `
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {namespace: gateway-system, name: openai}
        spec:
          host: api.openai.com
          trafficPolicy:
            portLevelSettings: [{port: {number: 443}, tls: {mode: SIMPLE, insecureSkipVerify: true}}]`,
    },
    {
      name: "an sni for a host that nobody calls",
      finds: [{ path: "spec.trafficPolicy.tls.sni", severity: "warning" }],
      yaml: `
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {namespace: gateway-system, name: openai}
        spec:
          host: api.openai.com
          trafficPolicy: {tls: {mode: SIMPLE, sni: api.example.com, subjectAltNames: [api.openai.com]}}`,
    },
  ],
  good: [
    {
      name: "subjectAltNames beside the sni",
      yaml: `
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {namespace: gateway-system, name: openai}
        spec:
          host: api.openai.com
          trafficPolicy: {tls: {mode: SIMPLE, sni: api.openai.com, subjectAltNames: [api.openai.com]}}`,
    },
    {
      name: "no sni at all: Istio sets and verifies the name",
      yaml: `
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {namespace: gateway-system, name: openai}
        spec:
          host: api.openai.com
          trafficPolicy: {tls: {mode: SIMPLE}}`,
    },
    {
      name: "the ServiceEntry names the certificate",
      yaml: `
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {namespace: gateway-system, name: openai}
        spec:
          host: api.openai.com
          trafficPolicy: {tls: {mode: SIMPLE, sni: api.openai.com}}
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: gateway-system, name: openai}
        spec:
          hosts: [api.openai.com]
          subjectAltNames: [api.openai.com]
          ports: [{number: 443, name: https, protocol: HTTPS}]
          resolution: DNS`,
    },
  ],
});

/** The name that TLS asks for is the one that its certificate must carry. */
const verifying = (sni: string, path: FieldPath): Mend => ({
  title: "add `subjectAltNames` with the name that TLS asks for",
  edits: [{ op: "set", path: [...path, "subjectAltNames"], value: [sni] }],
});

function reportsOn({ tls, path }: TlsAt, object: Kinds["DestinationRule"], topology: Topology): readonly Report[] {
  const host = object.spec?.host ?? "";
  if (tls.insecureSkipVerify === true) {
    return [
      {
        path: [...path, "insecureSkipVerify"],
        message: `TLS to ${host} accepts every certificate, so anyone on the way can read the request`,
        hint: "Remove `insecureSkipVerify`.",
      },
    ];
  }
  const { sni = "", subjectAltNames = [] } = tls;
  if (sni === "") return [];
  if (subjectAltNames.length === 0 && namesFromServiceEntries(host, topology).length === 0) {
    return [
      {
        path: [...path, "sni"],
        severity: "warning",
        message:
          "with an explicit `sni` the certificate's name is not checked: any certificate from a trusted CA is accepted",
        hint: `Remove \`sni\` (Istio then sets SNI and checks the name), or add \`subjectAltNames: [${host}]\`.`,
        ...(sni === host || rewrittenHosts(host, topology).includes(sni) ? { mend: verifying(sni, path) } : {}),
      },
    ];
  }
  if (sni === host || rewrittenHosts(host, topology).includes(sni)) return [];
  return [
    {
      path: [...path, "sni"],
      severity: "warning",
      message: `the TLS name \`${sni}\` is neither the host ${host} nor a host that a route rewrites to`,
      hint: `Use \`sni: ${host}\`, or remove it.`,
    },
  ];
}
