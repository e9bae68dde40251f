import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { literalCredentials } from "../../src/lint/auth/literal-credentials.ts";
import { rule } from "../../src/lint/rules/auth-literal-credential.ts";
import { rules } from "../../src/lint/rules/index.ts";
import { lintObject } from "../../src/lint/run.ts";
import { buildTopology } from "../../src/model/topology.ts";
import { authPolicy, headers, tell } from "../support/auth-policies.ts";
import { corpus } from "../support/corpus.ts";
import { runSluice } from "../support/run-sluice.ts";

const KEY = `sk-${"9fQ2mZr7Lk4TwX8bVn3Ds6Hc"}`;

const POLICY = `apiVersion: kuadrant.io/v1
kind: AuthPolicy
metadata: {namespace: gateways, name: policy}
spec:
  targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: provider}
  rules:
    authorization:
      keyed: {opa: {rego: "allow { input.key == '${KEY}' }"}}
    response:
      success:
        headers:
          authorization: {plain: {value: "Bearer ${KEY}"}}
          x-api-key:
            plain:
              expression: >-
                'Bearer '
                + '${KEY}'
`;

test.each(["text", "json"])("no output in the format %s shows the credential", async (format) => {
  const folder = mkdtempSync(join(tmpdir(), "literal-credential-"));
  try {
    const file = join(folder, "policy.yaml");
    writeFileSync(file, POLICY);
    const { stdout, stderr } = await runSluice(["lint", file, "--format", format, "--profile", "strict"]);
    expect(stdout.match(/auth-literal-credential/g)).toHaveLength(3);
    expect(stdout).toContain("auth-constant-header");
    expect(stdout + stderr).not.toContain(KEY.slice(3, 12));
    if (format === "text") expect(stdout).toContain('value: "Bearer ***');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("fields in which a credential is expected are judged more strictly than others", () => {
  const value = "f3a91c0b7d524e68";
  const injecting = (name: string): object => authPolicy({ rules: { response: headers({ [name]: `'${value}'` }) } });
  expect(tell(rule, injecting("Authorization"))).toHaveLength(1);
  expect(tell(rule, injecting("x-api-key"))).toHaveLength(1);
  expect(tell(rule, injecting("Ocp-Apim-Subscription-Key"))).toHaveLength(1);
  expect(tell(rule, injecting("x-request-source"))).toEqual([]);
  expect(tell(rule, injecting("idempotency-key"))).toEqual([]);
});

test("a key in an expression that does not parse is found as well", () => {
  expect(tell(rule, authPolicy({ rules: { response: headers({ "x-any": `'Bearer ${KEY}` }) } }))).toEqual([
    `error spec.rules.response.success.headers["x-any"].plain.expression «${KEY}»`,
  ]);
});

test.each(["text", "json", "sarif", "github"])(
  "a credential is hidden in the format %s also when the object is exempt from the rule, or the rule is off",
  async (format) => {
    const folder = mkdtempSync(join(tmpdir(), "literal-credential-"));
    try {
      const file = join(folder, "policy.yaml");
      const ignore = "annotations: {sluice.dev/ignore: 'auth-literal-credential: a test key'}";
      writeFileSync(file, POLICY.replace("name: policy}", `name: policy, ${ignore}}`));
      for (const more of [[], ["--rule", "auth-literal-credential=off"]]) {
        const { stdout, stderr } = await runSluice(["lint", file, "--format", format, "--profile", "strict", ...more]);
        expect(stdout).toContain("auth-constant-header");
        expect(stdout + stderr).not.toContain(KEY.slice(3, 12));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

test("no message of any rule shows a credential of the examples", () => {
  for (const { title, written, cluster } of corpus()) {
    const secrets = literalCredentials(written.object);
    if (secrets.length === 0) continue;
    const picture = buildTopology([...cluster.decoded, written]);
    const { findings } = lintObject(written.object, picture, { rules, profile: "strict" });
    const said = JSON.stringify(findings.map(({ message, hint, title: about, path }) => [message, hint, about, path]));
    for (const { text } of secrets) expect(said, title).not.toContain(text);
  }
});
