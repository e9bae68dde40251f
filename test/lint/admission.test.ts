import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judgeChange } from "../../src/lint/admission.ts";
import type { ChangeRequest, JudgeOptions } from "../../src/lint/change.ts";
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

  test("warns of the deletion of a DestinationRule that made the only TLS, though its rule judges DestinationRules too", () => {
    const cluster = topologyOf(`
      apiVersion: gateway.networking.k8s.io/v1
      kind: Gateway
      metadata: {name: egress, namespace: g}
      spec: {gatewayClassName: istio, listeners: [{name: openai, port: 80, protocol: HTTP}]}
      ---
      apiVersion: gateway.networking.k8s.io/v1
      kind: HTTPRoute
      metadata: {name: openai, namespace: g}
      spec:
        parentRefs: [{name: egress}]
        rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]}]
      ---
      apiVersion: networking.istio.io/v1
      kind: ServiceEntry
      metadata: {name: openai, namespace: g}
      spec: {hosts: [api.openai.com], resolution: DNS, ports: [{number: 443, name: https, protocol: HTTPS}]}
      ---
      apiVersion: networking.istio.io/v1
      kind: DestinationRule
      metadata: {name: openai, namespace: g}
      spec: {host: api.openai.com, trafficPolicy: {tls: {mode: SIMPLE}}}`);
    const oldObject = cluster.decoded.find(({ object }) => object.kind === "DestinationRule")?.raw;
    const change = { operation: "DELETE", object: null, oldObject, namespace: "g" } as const;
    const { warned } = judgeChange(change, cluster, { rules: allRules, profile: "default" });
    expect(warned.map(({ rule, title }) => `${rule}: ${title}`)).toEqual([
      "egress-no-tls-origination: ServiceEntry g/openai: Traffic to the provider leaves without TLS",
    ]);
  });

  test.each([
    ["AuthPolicy", "only", ["protection-lost: HTTPRoute g/openai: no AuthPolicy is left on it"]],
    ["RateLimitPolicy", "first", []],
    ["AuthorizationPolicy", "mesh", ["protection-lost: ServiceEntry g/openai: no AuthorizationPolicy is left on it"]],
  ])("names what is left without any %s when the last one is deleted", (kind, name, expected) => {
    const cluster = topologyOf(`
      apiVersion: gateway.networking.k8s.io/v1
      kind: Gateway
      metadata: {name: egress, namespace: g}
      spec: {gatewayClassName: istio, listeners: [{name: openai, port: 80, protocol: HTTP}]}
      ---
      apiVersion: gateway.networking.k8s.io/v1
      kind: HTTPRoute
      metadata: {name: openai, namespace: g}
      spec:
        parentRefs: [{name: egress}]
        rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]}]
      ---
      apiVersion: networking.istio.io/v1
      kind: ServiceEntry
      metadata: {name: openai, namespace: g}
      spec: {hosts: [api.openai.com], resolution: DNS, ports: [{number: 443, name: https, protocol: HTTPS}]}
      ---
      apiVersion: kuadrant.io/v1
      kind: AuthPolicy
      metadata: {name: only, namespace: g}
      spec:
        targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}
        rules: {authentication: {k: {kubernetesTokenReview: {audiences: [egress]}}}}
      ---
      apiVersion: kuadrant.io/v1
      kind: RateLimitPolicy
      metadata: {name: first, namespace: g}
      spec:
        targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}
        limits: {a: {rates: [{limit: 1, window: 1m}]}}
      ---
      apiVersion: kuadrant.io/v1
      kind: RateLimitPolicy
      metadata: {name: second, namespace: g}
      spec:
        targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
        limits: {b: {rates: [{limit: 1, window: 1m}]}}
      ---
      apiVersion: security.istio.io/v1
      kind: AuthorizationPolicy
      metadata: {name: mesh, namespace: g}
      spec: {targetRefs: [{group: networking.istio.io, kind: ServiceEntry, name: openai}], rules: [{}]}`);
    const oldObject = cluster.decoded.find(({ ref }) => ref.kind === kind && ref.name === name)?.raw;
    const change = { operation: "DELETE", object: null, oldObject, namespace: "g" } as const;
    const { warned } = judgeChange(change, cluster, { rules: [], profile: "default" });
    expect(warned.map(({ rule, title }) => `${rule}: ${title}`)).toEqual(expected);
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

describe("how much is judged", () => {
  const CONFLICT = { ...weakVerification, id: "conflicting", scope: "conflict" } as Rule;
  const ABSENCE = { ...weakVerification, id: "lacking", scope: "absence" } as Rule;
  const three = [weakVerification, CONFLICT, ABSENCE] as const;
  const judged = (more: Partial<JudgeOptions>, change: Partial<ChangeRequest> = {}) => {
    const request = { operation: "CREATE", object: insecure, oldObject: null, namespace: "g", ...change } as const;
    const { denied, warned, inPart } = judgeChange(request, empty, { rules: three, profile: "strict", ...more });
    return { denied: denied.map(({ rule }) => rule), warned: warned.map(({ rule }) => rule), inPart };
  };
  const other = { ...(insecure as object), spec: { ...(insecure as { spec: object }).spec, exportTo: ["."] } };

  test("mode off looks at nothing, mode warn denies nothing", () => {
    expect(judged({ mode: "off" })).toEqual({ denied: [], warned: [], inPart: "off" });
    expect(judged({ mode: "warn" })).toEqual({ denied: [], warned: ["conflicting", ID, "lacking"], inPart: undefined });
  });

  test("a level of warning lowers, off hides, and error never makes a denial of what may still come", () => {
    const levels = new Map([
      [ID, "off"],
      ["conflicting", "warning"],
      ["lacking", "error"],
    ] as const);
    expect(judged({ levels })).toEqual({ denied: [], warned: ["lacking", "conflicting"], inPart: undefined });
  });

  test("a level of error makes a denial of a warning that is provable", () => {
    const mild = { rules: [weakVerification], profile: "default", levels: new Map([[ID, "error" as const]]) } as const;
    const unchecked = destinationRule("", "");
    expect(judged({ ...mild, rules: [{ ...weakVerification, severity: "warning" } as Rule] }).denied).toEqual([ID]);
    expect(judged(mild, { object: unchecked }).denied).toEqual([]);
  });

  test("while the picture is incomplete only what the object alone proves counts", () => {
    expect(judged({ complete: false })).toEqual({ denied: [ID], warned: [], inPart: "cache-cold" });
    expect(judged({ complete: false }, { operation: "DELETE", oldObject: insecure })).toEqual({
      denied: [],
      warned: [],
      inPart: "cache-cold",
    });
  });

  test("of an object that is being deleted only what it proves itself is told", () => {
    const going = destinationRule(", insecureSkipVerify: true", ', deletionTimestamp: "2026-01-01T00:00:00Z"');
    expect(judged({}, { operation: "UPDATE", object: going, oldObject: secure })).toEqual({
      denied: [],
      warned: [ID],
      inPart: "being-deleted",
    });
  });

  test("when nothing changes that rules read, no rule is run that looks at other objects", () => {
    const seen: string[] = [];
    const spy = (rule: Rule, reads: Rule["reads"]): Rule => ({
      ...rule,
      reads,
      check: (object, topology) => {
        seen.push(rule.id);
        return rule.check(object, topology);
      },
    });
    const options = { rules: [spy(weakVerification as Rule, []), spy(CONFLICT, ["ServiceEntry"])] };
    const same = { operation: "UPDATE", object: insecure, oldObject: insecure } as const;
    expect(judged(options, same)).toEqual({ denied: [], warned: [ID], inPart: "unchanged-spec" });
    expect(seen).toEqual([ID]);
  });

  test("a change of metadata brings warnings at most, also one that takes an exemption away", () => {
    const exempt = destinationRule(
      ", insecureSkipVerify: true",
      `, annotations: {sluice.dev/ignore: "${ID}: private link"}`,
    );
    expect(judged({ rules: [weakVerification] }, { operation: "UPDATE", object: insecure, oldObject: exempt })).toEqual(
      {
        denied: [],
        warned: [ID],
        inPart: undefined,
      },
    );
    expect(
      judged({ rules: [weakVerification] }, { operation: "UPDATE", object: other, oldObject: exempt }).denied,
    ).toEqual([]);
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
