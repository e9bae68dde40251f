import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readEgressSnapshot, writeEgressSnapshot } from "../../src/sources/egress-snapshot.ts";
import { claim, closed, gatewayRef, ready, unresolved } from "../dns/support/views.ts";
import { topologyOf } from "../support/topology-of.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-snapshot-"));
});
afterEach(() => rm(folder, { recursive: true }));

const topology = topologyOf(`
  apiVersion: gateway.networking.k8s.io/v1
  kind: Gateway
  metadata: {namespace: g, name: gw, labels: {sluice.dev/egress-gateway: "true"}}
  spec: {listeners: [{name: l, port: 80, protocol: HTTP, hostname: api.openai.com}]}
  status: {addresses: [{value: 10.96.0.5}]}`);

test("what is written is read again, into a folder that is made", async () => {
  const file = join(folder, "deep", "egress.json");
  await writeEgressSnapshot(file, topology);
  expect(await readEgressSnapshot(file)).toEqual({
    ok: true,
    value: { egressHostnames: topology.egressHostnames, gatewayPodAddresses: [] },
  });
});

test("every state, route, loser and pod address is kept", async () => {
  const file = join(folder, "egress.json");
  const route = { ...gatewayRef("route"), kind: "HTTPRoute" };
  const view = {
    egressHostnames: [
      { ...claim("a.com", ready("10.0.0.1", "fd00::1")), route, losers: [gatewayRef("younger")] },
      claim("*.b.com", unresolved("lb.example.net")),
      claim("c.com", closed("it has no address yet")),
    ],
    gatewayPodAddresses: ["10.244.1.5"],
  };
  await writeEgressSnapshot(file, view);
  expect(await readEgressSnapshot(file)).toEqual({ ok: true, value: view });
});

test.each([
  ["an absent file", undefined, "no snapshot"],
  ["half a file", '{"version": 1, "view": {"egr', "cannot be read"],
  ["another version", '{"version": 2, "view": {}}', "of version 2"],
  [
    "something else",
    '{"version": 1, "view": {"egressHostnames": [{"hostname": 5}], "gatewayPodAddresses": []}}',
    "does not hold",
  ],
  ["null", "null", "of version undefined"],
])("%s is one clear problem", async (_title, content, problem) => {
  const file = join(folder, "egress.json");
  if (content !== undefined) await writeFile(file, content);
  expect(await readEgressSnapshot(file)).toMatchObject({
    ok: false,
    problems: [expect.stringContaining(problem) as string],
  });
});
