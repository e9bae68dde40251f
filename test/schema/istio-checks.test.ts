import { describe, expect, test } from "vitest";
import { checkText } from "./check-text.ts";

const object = (kind: string, spec: string): string => {
  const group = kind === "AuthorizationPolicy" ? "security" : "networking";
  return `apiVersion: ${group}.istio.io/v1\nkind: ${kind}\nmetadata: {name: x, namespace: n}\nspec: ${spec}\n`;
};

const found = (kind: string, spec: string): readonly string[] =>
  checkText([], object(kind, spec)).texts.map((text) => text.replace("Istio refuses this: ", ""));

const PORT = "ports: [{number: 443, name: tls, protocol: TLS}]";

describe("without any definition, a ServiceEntry is refused for", () => {
  test.each([
    ["no host", `{hosts: [], ${PORT}}`, "spec.hosts: a ServiceEntry needs at least one host"],
    ["every host", `{hosts: ["*"], ${PORT}}`, "spec.hosts[0]: `*` stands for every host there is"],
    [
      "a port's name twice",
      "{hosts: [a.b], ports: [{number: 1, name: a}, {number: 2, name: a}]}",
      "spec.ports[1].name: port 0 has the same name, `a`",
    ],
    [
      "a port's number twice",
      "{hosts: [a.b], ports: [{number: 1, name: a}, {number: 1, name: b}]}",
      "spec.ports[1].number: port 0 has the same number, `1`",
    ],
    [
      "endpoints that nothing uses",
      `{hosts: [a.b], ${PORT}, endpoints: [{address: 1.2.3.4}]}`,
      "spec.endpoints: `resolution: NONE` takes no endpoints",
    ],
    [
      "two endpoints of DNS_ROUND_ROBIN",
      `{hosts: [a.b], ${PORT}, resolution: DNS_ROUND_ROBIN, endpoints: [{address: c.d}, {address: e.f}]}`,
      "spec.endpoints: `resolution: DNS_ROUND_ROBIN` takes one endpoint",
    ],
    [
      "an endpoint's unknown port",
      `{hosts: [a.b], ${PORT}, resolution: STATIC, endpoints: [{address: 1.2.3.4, ports: {http: 80}}]}`,
      "spec.endpoints[0].ports.http: the entry has no port named `http`",
    ],
    [
      "a plain host of DYNAMIC_DNS",
      `{hosts: [a.b], ${PORT}, resolution: DYNAMIC_DNS}`,
      "spec.hosts[0]: `resolution: DYNAMIC_DNS` is for wildcards only",
    ],
    [
      "addresses of DYNAMIC_DNS",
      `{hosts: ["*.b"], ${PORT}, resolution: DYNAMIC_DNS, addresses: [1.2.3.4]}`,
      "spec.addresses: `resolution: DYNAMIC_DNS` takes no addresses",
    ],
    [
      "endpoints and a selector",
      `{hosts: [a.b], ${PORT}, resolution: STATIC, endpoints: [{address: 1.2.3.4}], workloadSelector: {labels: {a: b}}}`,
      "spec.endpoints: `endpoints` and `workloadSelector` exclude each other",
    ],
  ])("%s", (_title, spec, expected) => {
    expect(found("ServiceEntry", spec)).toEqual([expected]);
  });
});

describe("a DestinationRule is refused for", () => {
  test.each([
    ["no host", "{trafficPolicy: {}}", ["spec.host: a DestinationRule needs a host"]],
    [
      "MUTUAL without a certificate",
      "{host: a, trafficPolicy: {tls: {mode: MUTUAL}}}",
      [
        "spec.trafficPolicy.tls.clientCertificate: `mode: MUTUAL` needs `clientCertificate`",
        "spec.trafficPolicy.tls.privateKey: `mode: MUTUAL` needs `privateKey`",
      ],
    ],
    [
      "two ways to name a CA, in the settings of a port",
      "{host: a, trafficPolicy: {portLevelSettings: [{port: {number: 443}, tls: {mode: SIMPLE, credentialName: a, caCertificates: /b}}]}}",
      [
        "spec.trafficPolicy.portLevelSettings[0].tls.caCertificates: `caCertificates` and `credentialName` exclude each other",
      ],
    ],
    [
      "verifying and not verifying, in a subset",
      "{host: a, subsets: [{name: s, trafficPolicy: {tls: {mode: SIMPLE, insecureSkipVerify: true, subjectAltNames: [a]}}}]}",
      [
        "spec.subsets[0].trafficPolicy.tls.subjectAltNames: `subjectAltNames` verifies the peer, and `insecureSkipVerify` says not to",
      ],
    ],
  ])("%s", (_title, spec, expected) => {
    expect(found("DestinationRule", spec)).toEqual(expected);
  });
});

describe("an AuthorizationPolicy is refused for", () => {
  test.each([
    [
      "a target elsewhere",
      "{targetRefs: [{kind: Service, name: a, namespace: other}]}",
      "spec.targetRefs[0].namespace: a policy cannot target an object of another namespace",
    ],
    [
      "a selector beside a target",
      "{targetRef: {kind: Service, name: a}, selector: {matchLabels: {a: b}}}",
      "spec.selector: `selector` and targets exclude each other",
    ],
  ])("%s", (_title, spec, expected) => {
    expect(found("AuthorizationPolicy", spec)).toEqual([expected]);
  });
});

test.each([
  ["ServiceEntry", `{hosts: ["*.b"], ${PORT}, resolution: DYNAMIC_DNS}`],
  ["ServiceEntry", `{hosts: [a.b], ${PORT}, resolution: STATIC, endpoints: [{address: 1.2.3.4, ports: {tls: 8443}}]}`],
  ["DestinationRule", "{host: a, trafficPolicy: {tls: {mode: MUTUAL, credentialName: a}}}"],
  ["DestinationRule", "{host: a, trafficPolicy: {tls: {mode: SIMPLE, sni: a}}}"],
  ["AuthorizationPolicy", "{targetRefs: [{kind: Service, group: '', name: a}]}"],
])("%s %s is taken", (kind, spec) => {
  expect(found(kind, spec)).toEqual([]);
});
