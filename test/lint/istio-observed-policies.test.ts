import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Rule } from "../../src/lint/rule.ts";
import { rule as authzPrincipalFormat } from "../../src/lint/rules/authz-principal-format.ts";
import { rule as meshDnsCaptured } from "../../src/lint/rules/mesh-dns-captured.ts";
import { rule as waypointAllowBlocksOtherHosts } from "../../src/lint/rules/waypoint-allow-blocks-other-hosts.ts";
import { rule as waypointPolicyAttachment } from "../../src/lint/rules/waypoint-policy-attachment.ts";
import { rule as waypointTlsPortL7 } from "../../src/lint/rules/waypoint-tls-port-l7.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { decodeObject } from "../../src/model/decode.ts";
import { buildTopology } from "../../src/model/topology.ts";

const rules: readonly Rule[] = [
  authzPrincipalFormat,
  meshDnsCaptured,
  waypointAllowBlocksOtherHosts,
  waypointPolicyAttachment,
  waypointTlsPortL7,
];

type Observed = { readonly id: string; readonly objects: readonly unknown[] };
const { cases } = JSON.parse(readFileSync("test/fixtures/istio-observed.json", "utf8")) as {
  readonly cases: readonly Observed[];
};

const found = ({ objects }: Observed): readonly string[] => {
  const outcomes = objects.map((raw) => decodeObject(raw));
  const topology = buildTopology(outcomes.flatMap((one) => (one.status === "decoded" ? [one.decoded] : [])));
  return lintTopology(topology, { rules, profile: "strict" }).map(({ rule, severity, message }) =>
    [severity, rule, /403/.test(message) ? "403" : ""].join(" "),
  );
};

/** What each configuration with an AuthorizationPolicy did at a gateway; the others give nothing. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  // `Host: httpbin.org:80` was refused under `hosts: [httpbin.org]`.
  "authz-allow-get": ["warning waypoint-allow-blocks-other-hosts 403"],
  // other.example was refused as well.
  "authz-other-host": [
    "warning waypoint-allow-blocks-other-hosts 403",
    "warning waypoint-allow-blocks-other-hosts 403",
  ],
  // The caller came by plain HTTP, and the right principal was refused.
  "authz-principal-plain": ["error authz-principal-format 403"],
};

describe("policies under a real istiod and Envoy", () => {
  test.each(cases)("$id", (observed) => {
    expect(found(observed)).toEqual(EXPECTED[observed.id] ?? []);
  });
});
