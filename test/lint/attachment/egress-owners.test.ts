import { describe, expect, test } from "vitest";
import { egressOwner } from "../../../src/lint/attachment/egress-owners.ts";
import { isInZone, providerZones } from "../../../src/lint/attachment/provider-zones.ts";
import { topologyOf } from "../../support/topology-of.ts";

const topology = topologyOf(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: gateway-system, name: egress, labels: {sluice.dev/egress-gateway: "true"}}
spec:
  gatewayClassName: istio
  listeners:
    - {name: exact, port: 80, protocol: HTTP, hostname: api.openai.com}
    - {name: wild, port: 80, protocol: HTTP, hostname: "*.example.com"}
    - {name: closer, port: 80, protocol: HTTP, hostname: "*.eu.example.com"}`);

describe("the owner of a name", () => {
  test.each([
    ["API.OpenAI.com.", "api.openai.com"],
    ["a.b.example.com", "*.example.com"],
    ["a.eu.example.com", "*.eu.example.com"],
    ["*.example.com", "*.example.com"],
    ["*.b.example.com", undefined],
    ["example.com", undefined],
    ["xexample.com", undefined],
    ["10.0.0.1", undefined],
    ["", undefined],
  ])("%s → %s", (host, owner) => {
    expect(egressOwner(host, topology)?.hostname).toBe(owner);
  });
});

describe("the zones of a provider", () => {
  const secretOf = (fields: object) =>
    ({ apiVersion: "v1", kind: "Secret", metadata: { name: "dns", namespace: "a" }, ...fields }) as const;

  test("are read from both forms, with the spaces that are written", () => {
    const zones = [
      { written: "openai.com", zone: "openai.com" },
      { written: " b.com", zone: "b.com" },
    ];
    expect(providerZones(secretOf({ stringData: { ZONES: "openai.com, b.com," } }))).toEqual({
      path: ["stringData", "ZONES"],
      zones,
    });
    expect(providerZones(secretOf({ data: { ZONES: btoa("openai.com, b.com") } }))).toEqual({
      path: ["data", "ZONES"],
      zones,
    });
    expect(providerZones(secretOf({}))).toBeUndefined();
  });

  test("hold their own name and what is below it", () => {
    expect(["openai.com", "api.openai.com", "xopenai.com"].map((name) => isInZone(name, "openai.com"))).toEqual([
      true,
      true,
      false,
    ]);
  });
});
