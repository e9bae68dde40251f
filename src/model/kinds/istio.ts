import { fields, flag, integer, listOf, mapOf, type Read, text } from "../shape.ts";
import { conditionShape, labelSelectorShape } from "./metadata.ts";

/** networking.istio.io ServiceEntry */
export const serviceEntryShape = fields({
  spec: fields({
    hosts: listOf(text),
    addresses: listOf(text),
    exportTo: listOf(text),
    location: text,
    resolution: text,
    workloadSelector: fields({ labels: mapOf(text) }),
    subjectAltNames: listOf(text),
    ports: listOf(fields({ number: integer, name: text, protocol: text, targetPort: integer })),
    endpoints: listOf(fields({ address: text, ports: mapOf(integer), labels: mapOf(text) })),
  }),
  status: fields({ conditions: listOf(conditionShape), addresses: listOf(fields({ host: text, value: text })) }),
});

const tlsShape = fields({
  mode: text,
  sni: text,
  subjectAltNames: listOf(text),
  caCertificates: text,
  clientCertificate: text,
  privateKey: text,
  credentialName: text,
  insecureSkipVerify: flag,
});
export type ClientTlsSettings = Read<typeof tlsShape>;

const trafficPolicyShape = fields({
  tls: tlsShape,
  portLevelSettings: listOf(fields({ port: fields({ number: integer }), tls: tlsShape })),
});
export type TrafficPolicy = Read<typeof trafficPolicyShape>;

/** networking.istio.io DestinationRule */
export const destinationRuleShape = fields({
  spec: fields({
    host: text,
    exportTo: listOf(text),
    workloadSelector: labelSelectorShape,
    trafficPolicy: trafficPolicyShape,
    subsets: listOf(fields({ name: text, labels: mapOf(text), trafficPolicy: trafficPolicyShape })),
  }),
});

const targetRefShape = fields({ group: text, kind: text, name: text, namespace: text });

/** security.istio.io AuthorizationPolicy */
export const authorizationPolicyShape = fields({
  spec: fields({
    action: text,
    selector: fields({ matchLabels: mapOf(text) }),
    targetRef: targetRefShape,
    targetRefs: listOf(targetRefShape),
    rules: listOf(
      fields({
        from: listOf(
          fields({
            source: fields({
              principals: listOf(text),
              notPrincipals: listOf(text),
              requestPrincipals: listOf(text),
              notRequestPrincipals: listOf(text),
              namespaces: listOf(text),
              notNamespaces: listOf(text),
              serviceAccounts: listOf(text),
              ipBlocks: listOf(text),
              remoteIpBlocks: listOf(text),
              notRemoteIpBlocks: listOf(text),
            }),
          }),
        ),
        to: listOf(
          fields({
            operation: fields({
              hosts: listOf(text),
              notHosts: listOf(text),
              ports: listOf(text),
              methods: listOf(text),
              notMethods: listOf(text),
              paths: listOf(text),
              notPaths: listOf(text),
            }),
          }),
        ),
        when: listOf(fields({ key: text, values: listOf(text), notValues: listOf(text) })),
      }),
    ),
  }),
});

const headerOperationsShape = fields({ set: mapOf(text), add: mapOf(text), remove: listOf(text) });

/** networking.istio.io VirtualService */
export const virtualServiceShape = fields({
  spec: fields({
    hosts: listOf(text),
    gateways: listOf(text),
    exportTo: listOf(text),
    http: listOf(
      fields({
        name: text,
        route: listOf(fields({ destination: fields({ host: text, subset: text, port: fields({ number: integer }) }) })),
        headers: fields({ request: headerOperationsShape, response: headerOperationsShape }),
      }),
    ),
  }),
});

/** networking.istio.io ProxyConfig: of its variables only the one that has sidecars capture DNS. */
export const proxyConfigShape = fields({
  spec: fields({
    selector: fields({ matchLabels: mapOf(text) }),
    environmentVariables: fields({ ISTIO_META_DNS_CAPTURE: text }),
  }),
});
