import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { rules } from "../../src/lint/rules/index.ts";
import { lintTopology, type Profile } from "../../src/lint/run.ts";
import { formatPath, valueAt } from "../../src/model/field-path.ts";
import type { Finding } from "../../src/model/finding.ts";
import { identityOf } from "../../src/model/object-ref.ts";
import type { Topology } from "../../src/model/topology.ts";
import { yamlOf } from "../support/rule-findings.ts";
import { topologyOf } from "../support/topology-of.ts";

const judged = rules.filter(
  ({ kinds, id }) => kinds.includes("AuthPolicy") && /^(auth-|credential-|tokenreview-)/.test(id),
);

const topologyOfFiles = (files: readonly string[]): Topology =>
  topologyOf(yamlOf(...files.map((file) => readFileSync(`test/fixtures/manifests/${file}.yaml`, "utf8"))));

/** The severity, the rule, the object, the field and the text under the caret. */
function told({ severity, rule, object, path, range }: Finding, topology: Topology): string {
  const raw = topology.decoded.find(({ ref }) => identityOf(ref) === identityOf(object))?.raw;
  const value = valueAt(raw, path);
  const text = range === undefined || typeof value !== "string" ? "" : ` «${value.slice(range.start, range.end)}»`;
  return `${severity} ${rule} ${object.name} ${formatPath(path)}${text}`;
}

const findingsIn = (files: readonly string[], profile: Profile): readonly string[] => {
  const topology = topologyOfFiles(files);
  return lintTopology(topology, { rules: judged, profile }).map((finding) => told(finding, topology));
};

const GUARD =
  "authorization.vault_credential_check.patternMatching.patterns[0].predicate «auth.metadata.vault_secret.data»";

const audience = (policy: string, item: string): string =>
  `warning tokenreview-audience ${policy} spec.rules.authentication["${item}"].kubernetesTokenReview.audiences[0]`;
const budget = (policy: string): string => `warning auth-time-budget ${policy} spec.rules.metadata.vault_secret.http`;

type GuideSet = {
  readonly name: string;
  readonly files: readonly string[];
  /** Without their severity: a warning in the profile `default`, an error in `strict`. */
  readonly finds: readonly string[];
  /** The same in both profiles. */
  readonly warns: readonly string[];
};

const SETS: readonly GuideSet[] = [
  {
    name: "workload identity of the egress guide",
    files: ["000-egress-gateway/infrastructure", "000-egress-gateway/workload-identity"],
    finds: ['auth-sa-token-forwarded workload-identity spec.rules.authentication["workload-sa"].kubernetesTokenReview'],
    warns: [audience("workload-identity", "workload-sa")],
  },
  {
    name: "access control of the OpenAI guide",
    files: ["001-openai/infrastructure", "001-openai/access-control"],
    finds: [
      'auth-sa-token-forwarded openai-access-control spec.rules.authentication["workload-sa"].kubernetesTokenReview',
    ],
    warns: [audience("openai-access-control", "workload-sa")],
  },
  {
    name: "credential injection",
    files: ["003-credential-injection/infrastructure", "003-credential-injection/credential-injection"],
    finds: [`credential-guard-too-shallow httpbin-external-auth spec.rules.${GUARD}`],
    warns: [audience("httpbin-external-auth", "workload-identity"), budget("httpbin-external-auth")],
  },
  {
    name: "credential injection of the OpenAI guide",
    files: ["001-openai/infrastructure", "001-openai/credential-injection"],
    finds: [`credential-guard-too-shallow openai-credential-injection spec.rules.${GUARD}`],
    warns: [audience("openai-credential-injection", "workload-identity"), budget("openai-credential-injection")],
  },
  {
    name: "both policies of the OpenAI guide, the older of which is not in force",
    files: ["001-openai/infrastructure", "001-openai/access-control", "001-openai/credential-injection"],
    finds: [`credential-guard-too-shallow openai-credential-injection spec.rules.${GUARD}`],
    warns: [
      audience("openai-access-control", "workload-sa"),
      audience("openai-credential-injection", "workload-identity"),
      budget("openai-credential-injection"),
    ],
  },
  {
    name: "workload identity without the route in view",
    files: ["000-egress-gateway/workload-identity"],
    finds: [],
    warns: [audience("workload-identity", "workload-sa")],
  },
];

describe.each(SETS)("$name", ({ files, finds, warns }) => {
  test("warns in the profile default", () => {
    expect(findingsIn(files, "default").toSorted()).toEqual(
      [...finds.map((find) => `warning ${find}`), ...warns].sort(),
    );
  });

  test("is as strict as the rules are in the profile strict", () => {
    expect(findingsIn(files, "strict").toSorted()).toEqual([...finds.map((find) => `error ${find}`), ...warns].sort());
  });
});

test("the finding says which provider gets the token, and what it can do with it", () => {
  const topology = topologyOfFiles(["000-egress-gateway/infrastructure", "000-egress-gateway/workload-identity"]);
  const [finding] = lintTopology(topology, { rules: judged, profile: "strict" });
  expect(finding).toMatchObject({
    scope: "conflict",
    message:
      "requests through `HTTPRoute gateway-system/httpbin-external` leave the cluster with the workload's own token in `authorization`; httpbin.org could replay it against the Kubernetes API",
    related: [
      { object: { kind: "HTTPRoute", name: "httpbin-external" }, path: ["spec", "rules", 0, "backendRefs", 0] },
    ],
  });
});

test("the finding on the guard shows where the header reads the value", () => {
  const topology = topologyOfFiles(["003-credential-injection/credential-injection"]);
  const found = lintTopology(topology, { rules: judged, profile: "default" });
  expect(found.find(({ rule }) => rule === "credential-guard-too-shallow")).toMatchObject({
    scope: "object",
    hint: "Test what is used: `has(auth.metadata.vault_secret.data.data.api_key) && auth.metadata.vault_secret.data.data.api_key != ''`.",
    related: [
      {
        message: "header `authorization` reads it here",
        path: ["spec", "rules", "response", "success", "headers", "authorization", "plain", "expression"],
      },
    ],
  });
});
