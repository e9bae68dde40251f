import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rules } from "../../src/lint/rules/index.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { decodeObject } from "../../src/model/decode.ts";
import { buildTopology } from "../../src/model/topology.ts";

const HOSTS = ["", "*", ".", "*.", "api.openai.com", "*.openai.com", "API.openai.com.", "openai", "10.0.0.1", "a'\\"];
const host = fc.constantFrom(...HOSTS);
const word = fc.constantFrom("", "a", "b", "istio", "TLS", "HTTP", "HTTPS", "SIMPLE", "NONE", "STATIC", "Hostname");
const place = fc.constantFrom("a", "b", "istio-system");
const number = fc.constantFrom(-1, 0, 80, 443, 8080);
const odd = fc.constantFrom<unknown>(null, 7, "x", [], {}, [null], true);

const some = (own: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 9, arbitrary: fc.record(own, { requiredKeys: [] }) }, { weight: 1, arbitrary: odd });
const list = (item: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => fc.array(item, { maxLength: 3 });

const parent = some({ name: word, namespace: place, sectionName: word, port: number, kind: word });
const backend = some({
  group: fc.constantFrom("", "networking.istio.io"),
  kind: word,
  name: host,
  namespace: place,
  port: number,
  weight: fc.constantFrom(0, 1),
  filters: list(some({ type: word, urlRewrite: some({ hostname: host }) })),
});
const match = some({
  path: some({ type: word, value: host }),
  headers: list(some({ name: word, value: host })),
  queryParams: list(odd),
  method: fc.oneof(word, some({ service: host, method: word })),
});
const tls = some({ mode: word, sni: host, subjectAltNames: list(host) });

const SPECS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  "gateway.networking.k8s.io/v1 Gateway": some({
    gatewayClassName: word,
    addresses: list(some({ type: word, value: host })),
    infrastructure: some({ annotations: some({ a: word }), parametersRef: odd }),
    listeners: list(
      some({ name: word, hostname: host, port: number, protocol: word, allowedRoutes: some({ namespaces: odd }) }),
    ),
  }),
  "gateway.networking.k8s.io/v1 HTTPRoute": some({
    parentRefs: list(parent),
    hostnames: list(host),
    rules: list(some({ matches: list(match), backendRefs: list(backend) })),
  }),
  "gateway.networking.k8s.io/v1 GRPCRoute": some({
    parentRefs: list(parent),
    rules: list(some({ matches: list(match), backendRefs: list(backend) })),
  }),
  "networking.istio.io/v1 ServiceEntry": some({
    hosts: list(host),
    exportTo: list(fc.constantFrom(".", "*", "~", "a")),
    location: word,
    resolution: word,
    ports: list(some({ number, name: word, protocol: word, targetPort: number })),
    endpoints: list(some({ address: host })),
  }),
  "networking.istio.io/v1 DestinationRule": some({
    host,
    exportTo: list(fc.constantFrom(".", "*", "a")),
    workloadSelector: some({ matchLabels: some({ a: word }) }),
    trafficPolicy: some({ tls, portLevelSettings: list(some({ port: some({ number }), tls })) }),
  }),
  "kuadrant.io/v1 AuthPolicy": some({ targetRef: some({ kind: word, name: word, sectionName: word }) }),
};

const object = fc.constantFrom(...Object.keys(SPECS)).chain((type) => {
  const [apiVersion, kind] = type.split(" ");
  return fc.record({
    apiVersion: fc.constant(apiVersion),
    kind: fc.constant(kind),
    metadata: fc.record({ name: word, namespace: place, labels: some({ "sluice.dev/egress-gateway": word }) }),
    spec: SPECS[type] ?? odd,
  });
});

describe("the rules about gateways, routes and hosts", () => {
  test("say the same twice of any objects, and never throw", () => {
    fc.assert(
      fc.property(fc.array(object, { minLength: 1, maxLength: 8 }), (objects) => {
        const decoded = objects.flatMap((raw) => {
          const outcome = decodeObject(raw);
          return outcome.status === "decoded" ? [outcome.decoded] : [];
        });
        const judge = () => lintTopology(buildTopology(decoded), { rules, profile: "strict" });
        expect(judge()).toEqual(judge());
      }),
      { numRuns: 300 },
    );
  });
});
