import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Rule } from "../../src/lint/rule.ts";
import { rule as egressNoTlsOrigination } from "../../src/lint/rules/egress-no-tls-origination.ts";
import { rule as hostnameBackendNoServiceEntry } from "../../src/lint/rules/hostname-backend-no-serviceentry.ts";
import { rule as missingUrlRewriteHostname } from "../../src/lint/rules/missing-urlrewrite-hostname.ts";
import { rule as policyShadowed } from "../../src/lint/rules/policy-shadowed.ts";
import { rule as policyTargetMissing } from "../../src/lint/rules/policy-target-missing.ts";
import { rule as serviceEntryWaypointUnbound } from "../../src/lint/rules/serviceentry-waypoint-unbound.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { decodeObject } from "../../src/model/decode.ts";
import { formatPath } from "../../src/model/field-path.ts";
import { buildTopology, type Topology } from "../../src/model/topology.ts";
import { topologyOf } from "../support/topology-of.ts";

const rules: readonly Rule[] = [
  egressNoTlsOrigination,
  hostnameBackendNoServiceEntry,
  missingUrlRewriteHostname,
  policyShadowed,
  policyTargetMissing,
  serviceEntryWaypointUnbound,
];

/** `severity rule Kind/name path` of these rules, in the default profile. */
const found = (topology: Topology): readonly string[] =>
  lintTopology(topology, { rules, profile: "default" }).map(
    ({ severity, rule, object, path }) => `${severity} ${rule} ${object.kind}/${object.name} ${formatPath(path)}`,
  );

const guide = (...files: readonly string[]): Topology =>
  topologyOf(files.map((file) => readFileSync(`test/fixtures/manifests/${file}.yaml`, "utf8")).join("\n---\n"));

describe("the guides' own manifests", () => {
  const PLAIN = "warning egress-no-tls-origination ServiceEntry/httpbin.org spec.ports[0]";

  test.each([
    [
      "000 whole, its limits apart",
      [
        "000-egress-gateway/infrastructure",
        "000-egress-gateway/workload-identity",
        "000-egress-gateway/per-workload-rate-limit",
      ],
      [],
    ],
    [
      "000 with both limits",
      [
        "000-egress-gateway/infrastructure",
        "000-egress-gateway/per-workload-rate-limit",
        "000-egress-gateway/rate-limit",
      ],
      ["warning policy-shadowed RateLimitPolicy/egress-ratelimit spec.targetRef.name"],
    ],
    ["001", ["001-openai/infrastructure", "001-openai/access-control", "001-openai/rate-limit"], []],
    [
      "001 without the delete step",
      ["001-openai/infrastructure", "001-openai/access-control", "001-openai/credential-injection"],
      ["warning policy-shadowed AuthPolicy/openai-credential-injection spec.targetRef.name"],
    ],
    ["003", ["003-credential-injection/infrastructure", "003-credential-injection/credential-injection"], []],
    ["002, first form", ["002-ambient-waypoint/infrastructure"], [PLAIN]],
    [
      "002 with its policy and header",
      [
        "002-ambient-waypoint/infrastructure",
        "002-ambient-waypoint/authorization",
        "002-ambient-waypoint/header-manipulation",
      ],
      [PLAIN],
    ],
    [
      "002, TLS step in its labelled namespace",
      [
        "002-ambient-waypoint/infrastructure",
        "002-ambient-waypoint/authorization",
        "002-ambient-waypoint/tls-origination",
      ],
      [],
    ],
    [
      "002, TLS step without its namespace",
      ["002-ambient-waypoint/authorization", "002-ambient-waypoint/tls-origination"],
      ["error serviceentry-waypoint-unbound ServiceEntry/httpbin.org metadata.labels"],
    ],
    [
      "a policy without its infrastructure",
      ["000-egress-gateway/rate-limit"],
      ["error policy-target-missing RateLimitPolicy/egress-ratelimit spec.targetRef.name"],
    ],
  ])("%s", (_, files, expected) => {
    expect(found(guide(...files))).toEqual(expected);
  });
});

type Observed = {
  readonly id: string;
  readonly objects: readonly unknown[];
  readonly observed: readonly { readonly status: number; readonly upstream?: { readonly tls: boolean } | null }[];
};
const { cases } = JSON.parse(readFileSync("test/fixtures/istio-observed.json", "utf8")) as {
  readonly cases: readonly Observed[];
};
const observed = (objects: readonly unknown[]): readonly string[] =>
  found(
    buildTopology(
      objects.flatMap((raw) => {
        const outcome = decodeObject(raw);
        return outcome.status === "decoded" ? [outcome.decoded] : [];
      }),
    ),
  );

/** What each observed configuration that has something wrong must give; all others give nothing. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  "no-destinationrule": ["error egress-no-tls-origination HTTPRoute/r spec.rules[0].backendRefs[0].port"],
  "plain-80": ["warning egress-no-tls-origination HTTPRoute/r spec.rules[0].backendRefs[0].port"],
  "targetport-443-no-dr": ["error egress-no-tls-origination HTTPRoute/r spec.rules[0].backendRefs[0].port"],
  "no-serviceentry": ["error hostname-backend-no-serviceentry HTTPRoute/r spec.rules[0].backendRefs[0].name"],
  "dr-other-namespace": ["error egress-no-tls-origination HTTPRoute/r spec.rules[0].backendRefs[0].port"],
  "dr-mode-disable": ["error egress-no-tls-origination HTTPRoute/r spec.rules[0].backendRefs[0].port"],
  "dr-host-short": ["error egress-no-tls-origination HTTPRoute/r spec.rules[0].backendRefs[0].port"],
};

describe("configurations under a real istiod and Envoy", () => {
  test.each(cases)("$id", ({ id, objects }) => {
    expect(observed(objects)).toEqual(EXPECTED[id] ?? []);
  });

  test("no error is reported where every request reached the provider", () => {
    const fine = cases.filter(({ observed: requests }) => requests.every(({ status }) => status === 200));
    expect(fine.length).toBeGreaterThan(10);
    for (const { objects } of fine) expect(observed(objects).filter((text) => text.startsWith("error"))).toEqual([]);
  });
});
