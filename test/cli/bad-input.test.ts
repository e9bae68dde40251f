import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runSluice } from "../support/run-sluice.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-input-"));
});
afterAll(() => rm(folder, { recursive: true }));

const write = async (name: string, content: string | Buffer): Promise<string> => {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
};

const POLICY = (expression: string): string => `apiVersion: kuadrant.io/v1
kind: RateLimitPolicy
metadata: {name: x, namespace: g}
spec:
  limits:
    a:
      counters:
        - expression: ${JSON.stringify(expression)}
      rates: [{limit: 1, window: 1m}]
`;

describe("lint", () => {
  test.each([
    ["malformed YAML", "a: [1\nb: 2\n", 2, /error\[yaml-syntax\][\s\S]*a\.yaml:\d+:\d+\n/],
    ["malformed JSON", '{"apiVersion": "v1", ', 2, /error\[yaml-syntax\][\s\S]*a\.yaml:\d+:\d+\n/],
    [
      "a text that is no object",
      "hello\n",
      2,
      /error\[object-invalid\][\s\S]*a\.yaml:1:1\n[\s\S]*= must be a Kubernetes object/,
    ],
    [
      "a field of a wrong type",
      "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: x}\nspec: {listeners: 7}\n",
      1,
      /error\[schema-gateway\][\s\S]*a\.yaml:4:19\n[\s\S]*= spec\.listeners must be a list, got a number/,
    ],
    [
      "a __proto__ key",
      'apiVersion: v1\nkind: Pod\nmetadata: {name: x, labels: {"__proto__": "y"}}\n',
      1,
      /error\[schema-pod\][\s\S]*a\.yaml:3:/,
    ],
    [
      "deep nesting",
      `a: ${"[".repeat(5000)}`,
      2,
      /error\[yaml-limit\][\s\S]*a\.yaml:1:\d+\n[\s\S]*= maps and lists are nested more than/,
    ],
    [
      "an alias bomb",
      `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefghij"
        .split("")
        .map((k, i) => `${k}: &${k} [${Array(9).fill(`*${"abcdefghi"[i]}`).join(",")}]`)
        .join("\n")}\n`,
      2,
      /error\[yaml-limit\][\s\S]*a\.yaml/,
    ],
    ["an empty file", "", 0, /^0 errors, 0 warnings in 0 objects of 1 file\n$/],
  ])("says where and what of %s", async (_title, content, exitCode, stdout) => {
    const run = await runSluice(["lint", await write("a.yaml", content)]);
    expect(run.stdout).toMatch(stdout);
    expect(run.exitCode).toBe(exitCode);
    expect(run.stderr + run.stdout).not.toMatch(/\n\s+at /);
  });

  test("refuses a file that is not UTF-8", async () => {
    const run = await runSluice(["lint", await write("b.yaml", Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe]))]);
    expect([run.exitCode, run.stdout]).toEqual([2, expect.stringMatching(/error\[yaml-encoding\][\s\S]*b\.yaml/)]);
  });

  test("refuses a file that is too large", async () => {
    const run = await runSluice(["lint", await write("c.yaml", `a: ${"x".repeat(5 * 1024 * 1024)}`)]);
    expect([run.exitCode, run.stdout]).toEqual([2, expect.stringContaining("4 MiB")]);
  });

  test("reports malformed CEL as a finding, with the column inside the expression", async () => {
    const file = await write("d.yaml", POLICY("request.method =="));
    const run = await runSluice(["lint", file, "--format", "json"]);
    expect(run.exitCode).toBe(1);
    expect(JSON.parse(run.stdout)).toMatchObject({ findings: [{ rule: "cel-syntax-error", line: 8 }] });
  });

  test("reads standard input", async () => {
    const run = await runSluice(["lint", "-"], POLICY("source.address"));
    expect([run.exitCode, run.stdout]).toEqual([1, expect.stringContaining("--> <stdin>:8:24")]);
  });

  test("judges what it can read beside what it cannot", async () => {
    const run = await runSluice(["lint", "-"], `${POLICY("source.address")}---\na: [\n`);
    expect([run.exitCode, run.stdout]).toEqual([2, expect.stringContaining("rlp-source-address-counter")]);
  });
});

describe("a wrong command line is one message and exit code 2:", () => {
  test.each([
    [["lint"], "no path is given"],
    [["lint", "/nonexistent"], "SLUICE_INPUT_UNREADABLE"],
    [["lint", "x", "--format", "xml"], "Allowed choices are text, json"],
    [["lnt"], "Did you mean lint?"],
    [["rules", "rlp-source-adress-counter"], "did you mean 'rlp-source-address-counter'?"],
    [["inject", "-f", "/nonexistent", "-n", "a", "--nameserver", "10.0.0.1"], "/nonexistent"],
    [["inject", "-f", "x", "-n", "a", "--nameserver", "dns"], "It must be an IP address"],
    [["inject", "-f", "x", "-n", "a", "--nameserver", "10.0.0.1", "--namespace-labels", "x"], "is not KEY=VALUE"],
    [["dns", "query", "api.openai.com"], "nothing to answer from"],
    [["dns", "query", "a..b", "--manifests", "manifests/examples"], "is no domain name"],
    [["dns", "query", "a.b", "NOPE", "--manifests", "manifests/examples"], "'NOPE' is no record type"],
    [["dns", "query", "a.b", "--manifests", "manifests/examples", "--gateway-address", "x"], "must have the form"],
    [["dns", "serve", "--manifests", "manifests/examples", "--listen", "nowhere"], "must be HOST:PORT"],
  ])("%j", async (args, expected) => {
    const run = await runSluice(args);
    expect(run.stderr).toContain(expected);
    expect(run.exitCode).toBe(2);
    expect(run.stderr).not.toMatch(/\n\s+at /);
  });
});

test("every command has help with examples", async () => {
  for (const args of [
    [],
    ["serve"],
    ["lint"],
    ["inject"],
    ["dns", "serve"],
    ["dns", "query"],
    ["dns", "bench"],
    ["rules"],
  ]) {
    const run = await runSluice([...args, "--help"]);
    expect([run.exitCode, run.stdout]).toEqual([0, expect.stringContaining("Examples:")]);
  }
});
