import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type ControlPlane, startControlPlane } from "./control-plane/start.ts";
import { ask } from "./dns-client.ts";
import { GATEWAY_SERVICE_ADDRESS, programGateway } from "./gateway-controller.ts";
import { type Installation, install } from "./installation.ts";
import { runInShell } from "./shell.ts";

let plane: ControlPlane;
let sluice: Installation | undefined;

beforeAll(async () => {
  plane = await startControlPlane(inject("binaries"));
});
afterAll(async () => {
  await sluice?.close();
  await plane.close();
});

/**
 * The only suite with Kuadrant's kinds in our permissive definitions on every machine: the shared control plane has
 * the published ones where they are at hand.
 */
test("kinds whose definitions come after the start are picked up, one group after the other", async () => {
  sluice = await install(plane);
  expect((await ask(sluice.ports.dns, "outside.example")).addresses, "it serves without them").toEqual([
    "203.0.113.80",
  ]);
  await plane.installCrds(["gateway-api", "istio"]);
  const applied = await runInShell("kubectl apply -f 000-egress-gateway/infrastructure.yaml", plane);
  expect(applied.exitCode, applied.output).toBe(0);
  await programGateway(plane, "kuadrant-egressgateway");
  // Absent kinds are looked for again every 60 s at most.
  await sluice.untilResolves("httpbin.org", [GATEWAY_SERVICE_ADDRESS], 70);
  await plane.installCrds(["kuadrant-permissive"]);
  await sluice.untilRefused("000-egress-gateway/bad-source-address-counter.yaml");
  const identity = await runInShell("kubectl apply -f 000-egress-gateway/workload-identity.yaml", plane);
  expect(identity.exitCode, identity.output).toBe(0);
  await sluice.untilRefused("000-egress-gateway/per-workload-rate-limit.yaml", 70);
}, 180_000);
