import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judgeChange } from "../../src/lint/admission.ts";
import type { Rule } from "../../src/lint/rule.ts";
import { rule as weakVerification } from "../../src/lint/rules/destinationrule-weak-verification.ts";
import { rules as allRules } from "../../src/lint/rules/index.ts";
import { objectsOf, topologyOf } from "../support/topology-of.ts";

const rules: readonly Rule[] = [weakVerification];
const options = { rules, profile: "default" } as const;
const empty = topologyOf("");

const destinationRule = (tls: string, metadata = ""): unknown =>
  objectsOf(`
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata: {name: openai, namespace: g${metadata}}
    spec: {host: api.openai.com, trafficPolicy: {tls: {mode: SIMPLE${tls}}}}`)[0];

const insecure = destinationRule(", insecureSkipVerify: true");
const secure = destinationRule("");

const verdict = (operation: "CREATE" | "UPDATE" | "DELETE", object: unknown, oldObject: unknown = null) => {
  const { denied, warned } = judgeChange({ operation, object, oldObject, namespace: "g" }, empty, options);
  return [denied.map(({ rule }) => rule), warned.map(({ rule }) => rule)];
};
const ID = weakVerification.id;

describe("judgeChange", () => {
  test.each([
    ["denies a new error", verdict("CREATE", insecure), [[ID], []]],
    ["allows a good object", verdict("CREATE", secure), [[], []]],
    ["denies an update that brings an error", verdict("UPDATE", insecure, secure), [[ID], []]],
    [
      "warns of an error that stood there before, when the spec changes elsewhere",
      verdict(
        "UPDATE",
        { ...(insecure as object), spec: { ...(insecure as { spec: object }).spec, exportTo: ["."] } },
        insecure,
      ),
      [[], [ID]],
    ],
    [
      "warns when only a label changes",
      verdict("UPDATE", destinationRule(", insecureSkipVerify: true", ", labels: {a: b}"), insecure),
      [[], [ID]],
    ],
    [
      "warns about an object that is being deleted",
      verdict(
        "UPDATE",
        destinationRule(", insecureSkipVerify: true", ', deletionTimestamp: "2026-01-01T00:00:00Z"'),
        secure,
      ),
      [[], [ID]],
    ],
    ["never denies a deletion", verdict("DELETE", null, insecure), [[], []]],
  ])("%s", (_title, actual, expected) => {
    expect(actual).toEqual(expected);
  });

  test("names what loses its protection when an object is deleted", () => {
    const cluster = topologyOf(`
      apiVersion: networking.istio.io/v1
      kind: DestinationRule
      metadata: {name: openai, namespace: g}
      spec: {host: api.openai.com, trafficPolicy: {tls: {mode: SIMPLE, sni: api.openai.com}}}
      ---
      apiVersion: networking.istio.io/v1
      kind: ServiceEntry
      metadata: {name: openai, namespace: g}
      spec: {hosts: [api.openai.com], subjectAltNames: [api.openai.com], resolution: DNS, ports: [{number: 443, name: https, protocol: HTTPS}]}`);
    const [entry] = cluster.decoded.filter(({ object }) => object.kind === "ServiceEntry");
    const change = { operation: "DELETE", object: null, oldObject: entry?.raw, namespace: "g" } as const;
    const { denied, warned } = judgeChange(change, cluster, options);
    expect(denied).toEqual([]);
    expect(warned.map(({ title }) => title)).toEqual([
      "DestinationRule g/openai: The certificate of the provider is not verified",
    ]);
  });

  test("takes an absence for a warning", () => {
    const absence: Rule = { ...weakVerification, scope: "absence" } as Rule;
    const outcome = judgeChange({ operation: "CREATE", object: insecure, oldObject: null, namespace: "g" }, empty, {
      rules: [absence],
      profile: "strict",
    });
    expect([outcome.denied.length, outcome.warned.length]).toEqual([0, 1]);
  });

  test("leaves objects of unknown kinds alone", () => {
    const raw = { apiVersion: "example.org/v1", kind: "Thing", metadata: { name: "x" } };
    expect(judgeChange({ operation: "CREATE", object: raw, oldObject: null, namespace: "g" }, empty, options)).toEqual({
      denied: [],
      warned: [],
      exempted: [],
      unknownKind: true,
    });
  });

  test("uses the request's namespace when the object has none", () => {
    const bare = objectsOf(`
      apiVersion: networking.istio.io/v1
      kind: DestinationRule
      metadata: {name: openai}
      spec: {host: h, trafficPolicy: {tls: {mode: SIMPLE, insecureSkipVerify: true}}}`)[0];
    const { denied } = judgeChange(
      { operation: "CREATE", object: bare, oldObject: null, namespace: "team-a" },
      empty,
      options,
    );
    expect(denied[0]?.object.namespace).toBe("team-a");
  });
});

const json = fc.jsonValue({ maxDepth: 3 });
const object = fc.record({
  apiVersion: fc.constantFrom("kuadrant.io/v1", "networking.istio.io/v1", "gateway.networking.k8s.io/v1"),
  kind: fc.constantFrom("RateLimitPolicy", "AuthPolicy", "DestinationRule", "ServiceEntry", "HTTPRoute", "Gateway"),
  metadata: fc.record({ name: fc.constant("x"), namespace: fc.constant("g") }),
  spec: fc.oneof(
    json,
    fc.dictionary(fc.constantFrom("limits", "rules", "targetRef", "hosts", "ports", "listeners"), json),
  ),
});

describe("with every rule there is", () => {
  const every = { rules: allRules, profile: "strict" } as const;

  test("an update that changes nothing, a label, or a finalizer is allowed, whatever the object", () => {
    fc.assert(
      fc.property(object, (raw) => {
        for (const change of [{}, { labels: { a: "b" } }, { finalizers: [] }]) {
          const updated = { ...raw, metadata: { ...raw.metadata, ...change } };
          const { denied } = judgeChange(
            { operation: "UPDATE", object: updated, oldObject: raw, namespace: "g" },
            empty,
            every,
          );
          expect(denied).toEqual([]);
        }
      }),
    );
  });

  test("no object makes it throw", () => {
    fc.assert(
      fc.property(object, json, (raw, old) => {
        expect(() => {
          judgeChange({ operation: "CREATE", object: raw, oldObject: null, namespace: "g" }, empty, every);
          judgeChange({ operation: "UPDATE", object: raw, oldObject: old, namespace: "g" }, empty, every);
          judgeChange({ operation: "DELETE", object: null, oldObject: raw, namespace: "g" }, empty, every);
        }).not.toThrow();
      }),
    );
  });
});
