import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeObject } from "../../src/model/decode.ts";
import { effectivePolicy } from "../../src/model/effective-policy.ts";
import { pathsOf } from "../../src/model/policy-target.ts";
import { type Contender, defeatOf } from "../../src/model/same-target.ts";
import { buildTopology } from "../../src/model/topology.ts";

const GATEWAY = {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { name: "g", namespace: "a" },
  spec: { gatewayClassName: "istio", listeners: [{ name: "http", port: 80, protocol: "HTTP" }] },
};
const ROUTE = {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name: "r", namespace: "a" },
  spec: { parentRefs: [{ name: "g" }], rules: [{}] },
};

const limits = fc
  .uniqueArray(fc.constantFrom("x", "y", "z"), { minLength: 1 })
  .map((names) => Object.fromEntries(names.map((name) => [name, { rates: [{ limit: 1, window: "1m" }] }])));
const strategy = fc.constantFrom("atomic", "merge");
const block = fc.oneof(
  limits.map((own) => ({ limits: own })),
  fc.tuple(strategy, limits).map(([how, own]) => ({ defaults: { strategy: how, limits: own } })),
  fc.tuple(strategy, limits).map(([how, own]) => ({ overrides: { strategy: how, limits: own } })),
);
const age = fc.constantFrom(undefined, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");

const policy = (name: string, creationTimestamp: string | undefined, spec: object): unknown => ({
  apiVersion: "kuadrant.io/v1",
  kind: "RateLimitPolicy",
  metadata: { name, namespace: "a", ...(creationTimestamp === undefined ? {} : { creationTimestamp }) },
  spec: { targetRef: { group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "r" }, ...spec },
});

test("of two policies on one target, the loser is the one that the effective policy has no rule of", () => {
  fc.assert(
    fc.property(fc.tuple(age, block), fc.tuple(age, block), ([firstAge, first], [secondAge, second]) => {
      const raws = [GATEWAY, ROUTE, policy("p", firstAge, first), policy("q", secondAge, second)];
      const decoded = raws.map((raw) => {
        const outcome = decodeObject(raw);
        if (outcome.status !== "decoded") throw new Error("not a known object");
        return outcome.decoded;
      });
      const { attachments, objects } = buildTopology(decoded);
      const [path] = pathsOf(attachments);
      if (path === undefined) throw new Error("no path");
      const effective = effectivePolicy("RateLimitPolicy", path, objects);
      const contributors = new Set([...(effective?.rules.values() ?? [])].map((rule) => rule.policy.metadata.name));
      const [p, q] = objects.of("RateLimitPolicy") as readonly [Contender, Contender];
      const idle = ["p", "q"].filter((name) => !contributors.has(name));
      expect([defeatOf(p, q)?.loser.metadata.name ?? []].flat()).toEqual(idle);
      expect(defeatOf(q, p)).toEqual(defeatOf(p, q));
    }),
  );
});
