import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { runSluice } from "../support/run-sluice.ts";

const POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: c, image: x}]}\n";
const HOST_NETWORK = POD.replace("spec: {", "spec: {hostNetwork: true, ");
const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: x}]}}}
`;
const FLAGS = ["inject", "-f", "-", "--namespace", "ai-workloads", "--nameserver", "10.96.0.53"];

describe("inject", () => {
  test("prints the pod as it would be stored", async () => {
    const { stdout, exitCode } = await runSluice(FLAGS, POD);
    expect(exitCode).toBe(0);
    expect(parseAllDocuments(stdout)[0]?.toJS()).toMatchObject({
      metadata: { name: "web", annotations: { "sluice.dev/dns": expect.stringContaining("10.96.0.53") as string } },
      spec: {
        dnsPolicy: "None",
        dnsConfig: {
          nameservers: ["10.96.0.53"],
          searches: ["ai-workloads.svc.cluster.local", "svc.cluster.local", "cluster.local"],
          options: expect.arrayContaining([{ name: "ndots", value: "5" }]) as unknown,
        },
      },
    });
  });

  test("prints one patch a document, [] for one that is skipped", async () => {
    const { stdout, exitCode } = await runSluice([...FLAGS, "--format", "patch"], `${POD}---\n${HOST_NETWORK}`);
    const patches = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { path: string }[]);
    expect(exitCode).toBe(0);
    expect(patches.map((patch) => patch.map(({ path }) => path))).toEqual([
      ["/metadata/annotations", "/metadata/annotations/sluice.dev~1dns", "/spec/dnsPolicy", "/spec/dnsConfig"],
      [],
    ]);
  });

  test("says why, and previews the pods of a workload without changing it", async () => {
    const report = await runSluice([...FLAGS, "--format", "report"], DEPLOYMENT);
    expect(report.stdout).toContain("pods of Deployment web in namespace ai-workloads");
    expect(report.stdout).toContain("nameservers: 10.96.0.53");
    const yaml = await runSluice(FLAGS, DEPLOYMENT);
    expect(parseAllDocuments(yaml.stdout)[0]?.toJS()).toEqual(parseAllDocuments(DEPLOYMENT)[0]?.toJS());
  });

  test("exits 1 only when the pod would be denied", async () => {
    const strict = [...FLAGS, "--namespace-labels", "sluice.dev/egress=strict", "--format", "report"];
    expect((await runSluice(strict, HOST_NETWORK)).exitCode).toBe(1);
    expect((await runSluice(FLAGS, HOST_NETWORK)).exitCode).toBe(0);
  });
});

describe("dns query", () => {
  const EXAMPLE = ["--manifests", "manifests/examples/openai", "--gateway-address", "egress=10.96.0.50"];
  test.each([
    ["the gateway's address", ["api.openai.com"], ["10.96.0.50", "gateway-system/egress"]],
    ["no data for other types", ["api.openai.com", "https"], ["NOERROR, no data", "SOA"]],
    ["a name that nobody claims", ["example.org"], ["forward (not-egress)", "no gateway claims it"]],
  ])("explains %s", async (_title, question, expected) => {
    const { stdout, exitCode } = await runSluice(["dns", "query", ...question, ...EXAMPLE]);
    expect(exitCode).toBe(0);
    for (const part of expected) expect(stdout).toContain(part);
  });

  test("says why a gateway without an address is closed", async () => {
    const { stdout } = await runSluice(["dns", "query", "api.openai.com", "--manifests", "manifests/examples/openai"]);
    expect(stdout).toContain("SERVFAIL");
    expect(stdout).toContain("the gateway has no address yet");
  });

  test("gives JSON", async () => {
    const { stdout } = await runSluice(["dns", "query", "api.openai.com", ...EXAMPLE, "--format", "json"]);
    expect(JSON.parse(stdout)).toMatchObject({ action: "answer", reason: "steered", listener: "openai" });
  });
});
