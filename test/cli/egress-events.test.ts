import { expect, test } from "vitest";
import { egressEvents } from "../../src/cli/egress-events.ts";
import type { Topology } from "../../src/model/topology.ts";
import type { ClusterEvent } from "../../src/sources/cluster/event-writer.ts";
import { topologyOf } from "../support/topology-of.ts";

type GatewayFields = {
  readonly name: string;
  readonly hostnames: readonly string[];
  readonly address?: string;
  readonly since?: string;
};

const gateway = ({ name, hostnames, address = "10.0.0.1", since = "2026-01-01T00:00:00Z" }: GatewayFields): string =>
  JSON.stringify({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: {
      name,
      namespace: "g",
      uid: `uid-of-${name}`,
      creationTimestamp: since,
      labels: { "sluice.dev/egress-gateway": "true" },
    },
    spec: {
      gatewayClassName: "istio",
      listeners: hostnames.map((hostname, index) => ({ name: `l${index}`, port: 80, protocol: "HTTP", hostname })),
    },
    status: { addresses: [{ type: "IPAddress", value: address }] },
  });

const pictureOf = (...gateways: GatewayFields[]): Topology => topologyOf(gateways.map(gateway).join("\n---\n"));

const brief = (events: readonly ClusterEvent[]): string[] =>
  events.map(({ regarding, type, reason, note }) => `${regarding.name} (${regarding.uid}) ${type} ${reason}: ${note}`);

test("an address that no pod can reach is told once, and again when it comes back", () => {
  const eventsOf = egressEvents();
  const bad = pictureOf({ name: "a", hostnames: ["x.example"], address: "0.0.0.0" });
  const good = pictureOf({ name: "a", hostnames: ["x.example"] });
  const told =
    'a (uid-of-a) Warning UnusableAddress: No pod can reach the address "0.0.0.0": egress hostnames are not answered with it';
  expect(brief(eventsOf(bad))).toEqual([told]);
  expect(brief(eventsOf(bad))).toEqual([]);
  expect(brief(eventsOf(good))).toEqual([]);
  expect(brief(eventsOf(bad))).toEqual([told]);
});

test("a Gateway that loses its hostnames to an older one is told, all hostnames in one event", () => {
  const hostnames = ["x.example", "y.example"];
  const picture = pictureOf({ name: "old", hostnames }, { name: "new", hostnames, since: "2026-02-01T00:00:00Z" });
  expect(brief(egressEvents()(picture))).toEqual([
    "new (uid-of-new) Warning HostnameConflict: Another Gateway, g/old, is older and answers for x.example, y.example",
  ]);
});

test("hostnames that are forwarded from now on are told of the Gateway that claimed them, gone or not", () => {
  const eventsOf = egressEvents();
  eventsOf(pictureOf({ name: "a", hostnames: ["x.example"] }, { name: "b", hostnames: ["y.example", "z.example"] }));
  const note = "No Gateway claims these hostnames any more, their real addresses are answered from now on";
  expect(brief(eventsOf(pictureOf({ name: "b", hostnames: ["z.example"] })))).toEqual([
    `a (undefined) Warning HostnamesForwarded: ${note}: x.example`,
    `b (uid-of-b) Warning HostnamesForwarded: ${note}: y.example`,
  ]);
});

test("many hostnames are counted, not listed", () => {
  const eventsOf = egressEvents();
  const hostnames = Array.from({ length: 14 }, (_, index) => `h${index + 10}.example`);
  eventsOf(pictureOf({ name: "a", hostnames }));
  const [event] = eventsOf(pictureOf());
  expect(event?.note).toMatch(/h10\.example, .*h19\.example and 4 more$/);
});
