import { describe, expect, test } from "vitest";
import type { Decoded } from "../../../src/model/decode.ts";
import type { Finding } from "../../../src/model/finding.ts";
import { identityOf } from "../../../src/model/object-ref.ts";
import {
  allFindings,
  decodedOf,
  type ExampleSet,
  elsewhere,
  exampleSets,
  wholeText,
} from "../../support/example-sets.ts";
import { objectsOf } from "../../support/topology-of.ts";

/** A tenant that has nothing to do with the egress of others: other names, other hosts, other labels. */
const TENANT = decodedOf(
  objectsOf(`
apiVersion: v1
kind: Namespace
metadata: {name: quiet-tenant}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: quiet-tenant, name: front-door}
spec: {gatewayClassName: quiet-class, listeners: [{name: web, port: 8080, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: quiet-tenant, name: shop-page}
spec:
  parentRefs: [{name: front-door}]
  hostnames: [shop.quiet.example]
  rules: [{backendRefs: [{name: shop-page, port: 8080}]}]
---
apiVersion: v1
kind: Service
metadata: {namespace: quiet-tenant, name: shop-page}
spec: {selector: {app: shop-page}, ports: [{port: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {namespace: quiet-tenant, name: shop-page}
spec:
  selector: {matchLabels: {app: shop-page}}
  template: {metadata: {labels: {app: shop-page}}, spec: {containers: [{name: web, image: example.com/shop:1}]}}
---
apiVersion: kuadrant.io/v1
kind: RateLimitPolicy
metadata: {namespace: quiet-tenant, name: shop-limit}
spec:
  targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop-page}
  limits: {all: {rates: [{limit: 10, window: 1m}]}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {namespace: quiet-tenant, name: parts}
spec:
  hosts: [parts.quiet.example]
  exportTo: ["."]
  location: MESH_EXTERNAL
  ports: [{number: 443, name: tls, protocol: TLS}]
  resolution: DNS
`),
);

const sets = exampleSets();
const someSets = sets.filter((_, at) => at % 5 === 0);

/** What is found about some of the objects: what is there, and what is missing. */
function about(objects: readonly Decoded[], all: readonly Decoded[]) {
  const wanted = new Set(objects.map(({ ref }) => identityOf(ref)));
  const found = allFindings(all).filter(({ object }) => wanted.has(identityOf(object)));
  const isAbsence = ({ scope }: Finding): boolean => scope === "absence";
  return {
    there: found.filter((finding) => !isAbsence(finding)).map(wholeText),
    missing: found.filter(isAbsence).map(wholeText),
  };
}

/**
 * Adds objects to a set and compares. Where no object of a kind is in the picture, nothing is said to be missing: the first
 * one may bring findings of absence, and takes none away.
 */
function expectUnchanged({ title, objects }: ExampleSet, added: readonly Decoded[]): void {
  const before = about(objects, objects);
  const after = about(objects, [...added, ...objects]);
  expect(after.there, title).toEqual(before.there);
  expect(after.missing, title).toEqual(expect.arrayContaining([...before.missing]));
  const kinds = new Set(objects.map(({ ref }) => ref.kind));
  if (added.every(({ ref }) => kinds.has(ref.kind))) expect(after.missing, title).toEqual(before.missing);
}

describe("findings of others stay as they are", () => {
  test.each(TENANT.map((object) => [object.ref.kind, object] as const))(
    "when an unrelated %s is added",
    (_, object) => {
      for (const set of someSets) expectUnchanged(set, [object]);
    },
  );

  test("when a whole unrelated tenant is added", () => {
    for (const set of sets) expectUnchanged(set, TENANT);
  }, 60_000);

  test("and so do the tenant's own, whatever else is there", () => {
    const { there, missing } = about(TENANT, TENANT);
    for (const [at, { title, objects }] of someSets.entries()) {
      const found = about(TENANT, [...elsewhere(objects, `-${at}`), ...TENANT]);
      expect(found.there, title).toEqual(there);
      expect(found.missing, title).toEqual(expect.arrayContaining([...missing]));
    }
  });
});
