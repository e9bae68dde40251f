import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Run, runSluice } from "../support/run-sluice.ts";
import { currentCluster } from "./cluster.ts";

const cluster = currentCluster();
const { kubectl, kubeconfig } = cluster;
const NAMESPACE = "lint-cluster";
let folder: string;

const policy = (
  expression: string,
  namespace: string = NAMESPACE,
  name = "per-client",
): string => `apiVersion: kuadrant.io/v1
kind: RateLimitPolicy
metadata: {name: ${name}${namespace === "" ? "" : `, namespace: ${namespace}`}}
spec:
  targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: web}
  limits: {all: {rates: [{limit: 10, window: 1m}], counters: [{expression: "${expression}"}]}}
`;

const OBJECTS = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: inner, namespace: ${NAMESPACE}}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: ${NAMESPACE}}
spec: {parentRefs: [{name: inner}], rules: [{backendRefs: [{name: web, port: 80}]}]}
---
${policy("source.address")}`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-lint-cluster-"));
  await kubectl(["create", "namespace", NAMESPACE]);
  await kubectl.must(["apply", "-f", "-"], { stdin: OBJECTS });
});
afterAll(async () => {
  await kubectl(["delete", "namespace", NAMESPACE, "--wait=false"]);
  await rm(folder, { recursive: true });
});

const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

const lint = (...args: readonly string[]): Promise<Run> =>
  runSluice(["lint", "--no-config", "--cluster", "--kubeconfig", kubeconfig, "--format", "json", ...args]);

type Shown = {
  readonly rule: string;
  readonly file?: string;
  readonly object: { readonly kind: string; readonly namespace: string; readonly name: string };
};
const findings = ({ stdout, stderr }: Run): readonly Shown[] => {
  if (stdout === "") throw new Error(stderr);
  return (JSON.parse(stdout) as { findings: readonly Shown[] }).findings;
};
const PORT = "rlp-source-address-counter";
const ofPort = (run: Run): readonly Shown[] => findings(run).filter(({ rule }) => rule === PORT);

/** A kubeconfig with the token of a ServiceAccount that may list what its Role says. */
async function kubeconfigOf(account: string, resources: readonly string[]): Promise<string> {
  const name = `${account}-reader`;
  await kubectl.must(["create", "serviceaccount", account, "-n", NAMESPACE]);
  const rules = resources.map((resource) => {
    const [plural, ...group] = resource.split(".");
    return { apiGroups: [group.join(".")], resources: [plural], verbs: ["list"] };
  });
  const items = [
    { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: { name, namespace: NAMESPACE }, rules },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name, namespace: NAMESPACE },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", name: account, namespace: NAMESPACE }],
    },
  ];
  await kubectl.must(["apply", "-f", "-"], { stdin: JSON.stringify({ apiVersion: "v1", kind: "List", items }) });
  const token = (await kubectl.must(["create", "token", account, "-n", NAMESPACE])).trim();
  const config = JSON.parse(await readFile(kubeconfig, "utf8")) as Record<string, unknown>;
  return await file(account, JSON.stringify({ ...config, users: [{ name: "admin", user: { token } }] }));
}

describe("lint --cluster", () => {
  test("finds what is in the cluster, and names it by its object", async () => {
    const run = await lint();
    expect(ofPort(run)).toEqual([
      expect.objectContaining({ object: expect.objectContaining({ kind: "RateLimitPolicy", namespace: NAMESPACE }) }),
    ]);
    expect(ofPort(run)[0]).not.toHaveProperty("file");
    expect(JSON.parse(run.stdout)).toMatchObject({ summary: { cluster: true, files: 0 } });
    expect([run.exitCode, run.stderr]).toEqual([1, ""]);
  });

  test("says in its summary where it looked", async () => {
    const run = await runSluice(["lint", "--no-config", "--cluster", "--kubeconfig", kubeconfig]);
    expect(run.stdout).toMatch(/in \d+ objects of a cluster\n$/);
    expect(run.stdout).toContain(` --> RateLimitPolicy ${NAMESPACE}/per-client\n`);
  });

  test("reads only the namespaces that are named", async () => {
    expect(ofPort(await lint("-n", NAMESPACE))).toHaveLength(1);
    expect(ofPort(await lint("-n", "default", "-n", "kube-system"))).toEqual([]);
  });

  test("shows what applying files would bring, and nothing of the other objects", async () => {
    const mended = await lint(await file("mended.yaml", policy("source.remote_address")));
    expect([ofPort(mended), mended.exitCode]).toEqual([[], 0]);
    const second = await file("second.yaml", policy("source.address", NAMESPACE, "second"));
    const broken = await lint(second);
    expect(ofPort(broken)).toEqual([expect.objectContaining({ file: second })]);
    // The Gateway and route that it needs are in the cluster alone.
    expect(findings(broken).filter(({ rule }) => rule === "policy-target-missing")).toEqual([]);
    expect(findings(broken).filter(({ rule }) => rule === "policy-shadowed")).not.toEqual([]);
  });

  test("shows all with --all", async () => {
    const second = await file("second.yaml", policy("source.address", NAMESPACE, "second"));
    expect(
      ofPort(await lint("--all", second))
        .map(({ object }) => object.name)
        .toSorted(),
    ).toEqual(["per-client", "second"]);
  });

  test("checks files against the definitions that the cluster has", async () => {
    const text = OBJECTS.split("---")[0]?.replace("port: 80", "port: 99999") ?? "";
    const run = await lint(await file("gateway.yaml", text));
    expect(findings(run).map(({ rule }) => rule)).toContain("schema-gateway");
    expect(run.exitCode).toBe(1);
  });

  test("puts objects without a namespace where kubectl would", async () => {
    const run = await lint(await file("homeless.yaml", policy("source.address", "")));
    expect(ofPort(run)).toEqual([
      expect.objectContaining({ object: expect.objectContaining({ namespace: "default" }) }),
    ]);
  });

  test("names kinds that the account may not list, with the rule that it needs", async () => {
    const config = await kubeconfigOf("limited", ["ratelimitpolicies.kuadrant.io"]);
    const run = await runSluice([
      "lint",
      "--no-config",
      "--cluster",
      "--kubeconfig",
      config,
      "-n",
      NAMESPACE,
      "--format",
      "json",
    ]);
    expect(ofPort(run)).toHaveLength(1);
    expect(run.stderr).toMatch(
      /^warning: the account may not list Namespace, .*HTTPRoute, .*: mistakes that they take part in/m,
    );
    expect(run.stderr).toContain(
      '    - {apiGroups: ["gateway.networking.k8s.io"], resources: ["httproutes"], verbs: ["list"]}\n',
    );
    expect(run.stderr).not.toMatch(/ RateLimitPolicy|"ratelimitpolicies"|Secret/);
    // The route is there, but was not seen.
    expect(findings(run).filter(({ rule }) => rule === "policy-target-missing")).toEqual([]);
  });

  test("fails when the account may list nothing", async () => {
    const config = await kubeconfigOf("nobody", []);
    const run = await runSluice(["lint", "--no-config", "--cluster", "--kubeconfig", config, "-n", NAMESPACE]);
    expect([run.exitCode, run.stdout]).toEqual([2, ""]);
    expect(run.stderr).toContain("SLUICE_CLUSTER_UNREACHABLE: nothing of the cluster ");
  });

  test("fails for a context that the kubeconfig does not have", async () => {
    const run = await lint("--context", "nowhere");
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('has no context "nowhere"');
  });
});
