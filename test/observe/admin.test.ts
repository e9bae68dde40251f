import { expect, test } from "vitest";
import { type AdminView, buildAdmin, startAdmin } from "../../src/observe/admin.ts";
import { topologyOf } from "../support/topology-of.ts";

const topology = topologyOf(`
  apiVersion: gateway.networking.k8s.io/v1
  kind: Gateway
  metadata: {namespace: g, name: "gw", labels: {sluice.dev/egress-gateway: "true"}}
  spec: {listeners: [{name: "<b>l</b>", port: 80, protocol: HTTP, hostname: api.openai.com}]}`);

const view: AdminView = {
  egressHostnames: () => topology.egressHostnames,
  findings: () => [
    {
      rule: "r",
      severity: "error",
      scope: "object",
      title: "t",
      message: "m",
      hint: "h",
      object: { apiVersion: "v1", kind: "Pod", namespace: "a", name: "b" },
      path: ["spec", "x-y"],
    },
  ],
  sourceAgeSeconds: () => 3,
  synced: () => true,
  config: { profile: "default" },
};

test("the page shows names and findings, with objects' text escaped", async () => {
  const response = await buildAdmin(view).inject({ url: "/" });
  expect(response.headers["content-security-policy"]).toContain("default-src 'none'");
  expect(response.body).toContain("api.openai.com");
  expect(response.body).toContain("&lt;b&gt;l&lt;/b&gt;");
  expect(response.body).not.toContain("<b>l</b>");
  expect(response.body).toContain("closed: the gateway has no address yet");
});

test.each([
  ["/api/egress-hostnames", (body: unknown) => expect(body).toMatchObject([{ hostname: "api.openai.com" }])],
  ["/api/findings", (body: unknown) => expect(body).toMatchObject([{ rule: "r", path: 'spec["x-y"]' }])],
  ["/api/config", (body: unknown) => expect(body).toEqual({ profile: "default" })],
])("%s gives JSON", async (url, check) => {
  const response = await buildAdmin(view).inject({ url });
  check(response.json());
});

test("a busy port is one clear error", async () => {
  const first = await startAdmin({ host: "127.0.0.1", port: 0 }, view);
  await expect(startAdmin({ host: "127.0.0.1", port: first.port }, view)).rejects.toMatchObject({
    code: "SLUICE_LISTEN_FAILED",
    message: expect.stringContaining("EADDRINUSE") as string,
  });
  await first.close();
});
