import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SluiceError } from "../../../src/model/errors.ts";
import { type KubeConfigOrigin, loadKubeConfig } from "../../../src/sources/cluster/kube-config.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const CONFIG = `apiVersion: v1
kind: Config
current-context: main
clusters: [{name: k, cluster: {server: "https://127.0.0.1:6443"}}, {name: bare, cluster: {}}, {name: ca, cluster: {server: "https://x", certificate-authority: no-such-ca.crt}}]
users: [{name: u, user: {token: t}}]
contexts:
- {name: main, context: {cluster: k, user: u}}
- {name: no-cluster, context: {cluster: gone, user: u}}
- {name: no-user, context: {cluster: k, user: gone}}
- {name: no-server, context: {cluster: bare, user: u}}
- {name: no-ca, context: {cluster: ca, user: u}}
`;

function refusal(origin: KubeConfigOrigin): SluiceError {
  try {
    loadKubeConfig(origin);
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

const written = (text: string) => join(temporaryFolder({ config: text }), "config");

test("a kubeconfig is loaded, with another context if asked for", () => {
  const path = written(CONFIG.replace("name: no-ca, context: {cluster: ca", "name: second, context: {cluster: k"));
  expect(loadKubeConfig({ path }).getCurrentCluster()?.server).toBe("https://127.0.0.1:6443");
  expect(loadKubeConfig({ path, context: "second" }).getCurrentContext()).toBe("second");
});

describe("what cannot work is refused at once", () => {
  test.each<readonly [string, string, string | undefined, SluiceError["code"], RegExp]>([
    ["an empty file", "", undefined, "SLUICE_INPUT_UNREADABLE", /kubeconfig .* is not usable/],
    ["no YAML", "a: b: c", undefined, "SLUICE_INPUT_UNREADABLE", /is not usable/],
    [
      "no current context",
      CONFIG.replace("current-context: main", ""),
      undefined,
      "SLUICE_CLUSTER_UNREACHABLE",
      /has no current context; it has: main, no-cluster/,
    ],
    ["an unknown context", CONFIG, "nope", "SLUICE_CLUSTER_UNREACHABLE", /has no context "nope"; it has: main/],
    [
      "an unknown cluster",
      CONFIG,
      "no-cluster",
      "SLUICE_CLUSTER_UNREACHABLE",
      /names the cluster "gone", which it does not define with a server/,
    ],
    ["an unknown user", CONFIG, "no-user", "SLUICE_CLUSTER_UNREACHABLE", /names the user "gone"/],
    [
      "no server",
      CONFIG,
      "no-server",
      "SLUICE_CLUSTER_UNREACHABLE",
      /names the cluster "bare", which it does not define with a server/,
    ],
    [
      "a server that is no URL",
      CONFIG.replace("https://127.0.0.1:6443", "127.0.0.1"),
      undefined,
      "SLUICE_CLUSTER_UNREACHABLE",
      /no usable server address: "127\.0\.0\.1"/,
    ],
    [
      "a CA file that is not there",
      CONFIG,
      "no-ca",
      "SLUICE_INPUT_UNREADABLE",
      /no-such-ca\.crt, which .* names, cannot be read/,
    ],
  ])("%s", (_title, text, context, code, message) => {
    const error = refusal({ path: written(text), ...(context === undefined ? {} : { context }) });
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
    expect(error.hint).not.toBe("");
  });

  test("a file that is not there", () => {
    const error = refusal({ path: join(temporaryFolder(), "none") });
    expect([error.code, error.message]).toEqual([
      "SLUICE_INPUT_UNREADABLE",
      expect.stringContaining("cannot be read: ENOENT"),
    ]);
  });

  test("a pod's account outside a pod", () => {
    const error = refusal({ inCluster: true });
    expect([error.code, error.hint]).toEqual(["SLUICE_CLUSTER_UNREACHABLE", "give --kubeconfig outside a cluster"]);
  });
});
