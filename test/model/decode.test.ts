import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DecodeOutcome, decodeObject } from "../../src/model/decode.ts";
import { formatPath, valueAt } from "../../src/model/field-path.ts";

const gateway = (spec: unknown): unknown => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { namespace: "gateway-system", name: "egress" },
  spec,
});

const problemsOf = (outcome: DecodeOutcome): readonly string[] =>
  outcome.status === "decoded"
    ? outcome.decoded.problems.map(({ path, message }) => `${formatPath(path)} ${message}`)
    : [outcome.status];

describe("decodeObject", () => {
  test("reports every wrong type with its path, and keeps the rest", () => {
    const outcome = decodeObject(
      gateway({ gatewayClassName: 7, listeners: [{ name: "a", port: "80" }, "b"], future: { field: 1 } }),
    );
    expect(problemsOf(outcome)).toEqual([
      "spec.gatewayClassName must be a string, got a number",
      "spec.listeners[0].port must be a whole number, got a string",
      "spec.listeners[1] must be a map, got a string",
    ]);
    expect(outcome.status === "decoded" && outcome.decoded.object).toMatchObject({
      spec: { listeners: [{ name: "a" }, {}] },
    });
  });

  test.each([
    [
      "an unknown version of a known kind",
      { ...(gateway({}) as object), apiVersion: "gateway.networking.k8s.io/v9" },
      "decoded",
    ],
    [
      "a kind of the same name in another group",
      { ...(gateway({}) as object), apiVersion: "networking.istio.io/v1" },
      "unknown-kind",
    ],
    ["a kind that nobody reads", { apiVersion: "v1", kind: "Event", metadata: { name: "x" } }, "unknown-kind"],
    ["a text", "hello", "not-an-object"],
    ["null", null, "not-an-object"],
    ["a list", [], "not-an-object"],
    ["an object without kind", { apiVersion: "v1" }, "not-an-object"],
    ["a kind named like a prototype member", { apiVersion: "v1", kind: "constructor" }, "unknown-kind"],
  ])("calls %s %s", (_title, raw, status) => {
    expect(decodeObject(raw).status).toBe(status);
  });

  test("keeps credentials of a Secret out of the model", () => {
    const outcome = decodeObject({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "dns" },
      type: "kuadrant.io/coredns",
      stringData: { ZONES: "api.openai.com", password: "hunter2" },
    });
    expect(JSON.stringify(outcome)).toContain("api.openai.com");
    expect(JSON.stringify(outcome)).not.toContain("hunter2");
  });

  test("names an object that the API server will name", () => {
    const outcome = decodeObject({ apiVersion: "v1", kind: "Pod", metadata: { generateName: "web-" } });
    expect(outcome.status === "decoded" && outcome.decoded.ref.name).toBe("web-*");
  });

  test("never throws, whatever the JSON", () => {
    fc.assert(
      fc.property(fc.constantFrom("Gateway", "Pod", "AuthPolicy", "x"), fc.jsonValue(), (kind, spec) => {
        const raw = { ...(gateway(spec) as object), kind, metadata: spec };
        expect(["decoded", "unknown-kind"]).toContain(decodeObject(raw).status);
      }),
    );
  });
});

test("a map key like __proto__ is a key like any other", () => {
  const outcome = decodeObject({
    apiVersion: "kuadrant.io/v1",
    kind: "RateLimitPolicy",
    metadata: { name: "x" },
    spec: { limits: JSON.parse('{"__proto__": {"rates": []}, "constructor": {}}') as unknown },
  });
  const limits = outcome.status === "decoded" ? valueAt(outcome.decoded.object, ["spec", "limits"]) : undefined;
  expect(Object.keys(limits as object)).toEqual(["__proto__", "constructor"]);
});

describe("formatPath", () => {
  test.each([
    [["spec", "limits", "per-ip", "counters", 0, "expression"], 'spec.limits["per-ip"].counters[0].expression'],
    [["metadata", "labels", "istio.io/use-waypoint"], 'metadata.labels["istio.io/use-waypoint"]'],
    [[], ""],
    [["per-ip"], '["per-ip"]'],
  ])("writes %j as %s", (path, expected) => {
    expect(formatPath(path)).toBe(expected);
  });
});
