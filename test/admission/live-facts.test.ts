import { describe, expect, test } from "vitest";
import { liveFacts } from "../../src/admission/live-facts.ts";
import { fixedResolver } from "../../src/inject/facts.ts";
import { buildProfile } from "../../src/inject/profile.ts";
import { topologyOf } from "../support/topology-of.ts";

const cluster = (address: string, mode: string) =>
  topologyOf(`
apiVersion: v1
kind: Namespace
metadata: { name: apps, labels: { sluice.dev/egress: ${mode} } }
---
apiVersion: v1
kind: Service
metadata: { name: sluice-dns, namespace: sluice-system, labels: { sluice.dev/dns: "true" } }
spec: { clusterIP: ${address} }
`);

describe("facts for reviews", () => {
  test("follow the newest Topology", () => {
    let topology = cluster("10.0.0.1", "enabled");
    const facts = liveFacts({
      snapshot: { current: () => topology },
      profile: buildProfile(),
      knownPreviousAddresses: [],
    });
    expect(facts("apps")).toMatchObject({
      cluster: { resolver: { nameservers: ["10.0.0.1"], ready: false } },
      namespace: { labels: { "sluice.dev/egress": "enabled" } },
    });
    topology = cluster("10.0.0.2", "strict");
    expect(facts("apps")).toMatchObject({
      cluster: { resolver: { nameservers: ["10.0.0.2"] } },
      namespace: { labels: { "sluice.dev/egress": "strict" } },
    });
  });

  test("read the cluster once for each Topology", () => {
    const topology = cluster("10.0.0.1", "enabled");
    const facts = liveFacts({
      snapshot: { current: () => topology },
      profile: buildProfile(),
      knownPreviousAddresses: [],
    });
    expect(facts("apps").cluster).toBe(facts("other").cluster);
  });

  test("take the resolver's addresses by hand where they are given", () => {
    const facts = liveFacts({
      snapshot: { current: () => cluster("10.0.0.1", "enabled") },
      profile: buildProfile(),
      knownPreviousAddresses: [],
      resolver: fixedResolver(["192.0.2.53"]),
    });
    expect(facts("apps").cluster.resolver).toEqual({ status: "usable", nameservers: ["192.0.2.53"], ready: true });
  });
});
