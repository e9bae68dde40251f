import { describe, expect, test } from "vitest";
import type { JudgedVerdict } from "../../src/admission/profile-judge.ts";
import { encodeReview } from "../../src/admission/response.ts";
import { parseReview } from "../../src/admission/review.ts";
import { type JudgedChange, validate } from "../../src/admission/validate.ts";
import type { Finding } from "../../src/model/finding.ts";
import { reviewOf } from "./reviews.ts";
import { factsFor } from "./started.ts";

const KIND = { group: "kuadrant.io", version: "v1", kind: "RateLimitPolicy" };

const finding = (changes: Partial<Finding> = {}): Finding => ({
  rule: "rlp-source-address-counter",
  severity: "error",
  scope: "object",
  title: "A limit counts by source.address",
  message: "source.address ends in the port,\nso every connection has a bucket of its own.",
  hint: "Count by auth.identity.username.",
  object: { apiVersion: "kuadrant.io/v1", kind: "RateLimitPolicy", namespace: "apps", name: "egress" },
  path: ["spec", "limits", "per-ip", "counters", 0, "expression"],
  ...changes,
});

const outcomeOf = (
  verdict: Partial<JudgedVerdict>,
  request: Readonly<Record<string, unknown>> = {},
  seen: JudgedChange[] = [],
  egress = "enabled",
) => {
  const policy = { apiVersion: "kuadrant.io/v1", kind: "RateLimitPolicy", metadata: { name: "egress" } };
  const review = parseReview(
    Buffer.from(JSON.stringify(reviewOf({ kind: KIND, name: "egress", object: policy, ...request }))),
  );
  if (!review.ok) throw new Error(review.problems.join());
  const judge = (change: JudgedChange): JudgedVerdict => {
    seen.push(change);
    return { denied: [], warned: [], exempted: [], unknownKind: false, ...verdict };
  };
  return validate(review.value, judge, factsFor(egress)("apps"), 1000);
};

describe("a denial", () => {
  test("says in each cause where, what, how to mend it and who says so", async () => {
    const message =
      "rlp-source-address-counter: source.address ends in the port, so every connection has a bucket of its own - " +
      "Count by auth.identity.username (sluice)";
    const field = 'spec.limits["per-ip"].counters[0].expression';
    expect((await outcomeOf({ denied: [finding()] })).response).toEqual({
      allowed: false,
      status: {
        status: "Failure",
        code: 422,
        reason: "Invalid",
        message: `${field}: ${message}`,
        details: {
          group: "kuadrant.io",
          kind: "RateLimitPolicy",
          name: "egress",
          causes: [{ reason: "FieldValueInvalid", field, message }],
        },
      },
      auditAnnotations: { decision: "denied", reason: "rlp-source-address-counter" },
    });
  });

  test("names an object without name by its generateName", async () => {
    const object = { metadata: { generateName: "egress-" } };
    const { response } = await outcomeOf({ denied: [finding()] }, { name: undefined, object });
    expect(response.status?.details?.name).toBe("egress-*");
  });

  test("stays on one line and below 64 KiB whatever the object says", async () => {
    const denied = Array.from({ length: 500 }, (_, at) =>
      finding({ message: "x\n".repeat(20_000), path: [`k\n${at}`] }),
    );
    const { response } = await outcomeOf({ denied });
    expect(encodeReview("u", response).length).toBeLessThan(65_536);
    expect(response.status?.message).not.toMatch(/[\n\r\t]/);
    expect(response.status?.details?.causes?.at(-1)?.message).toContain("480 more findings");
  });

  test("stays small when keys of the object are as long as an object may be", async () => {
    const denied = Array.from({ length: 1000 }, (_, at) =>
      finding({ message: `"${"x".repeat(5_000)}"`, path: ["spec", "limits", `${at}${'"'.repeat(100_000)}`] }),
    );
    const { response } = await outcomeOf({ denied, warned: denied });
    expect(encodeReview("u", response).length).toBeLessThan(120_000);
    expect(response.warnings).toHaveLength(9);
  });

  test("is the same for a dry run", async () => {
    const answers = [true, false].map((dryRun) => outcomeOf({ denied: [finding()], warned: [finding()] }, { dryRun }));
    const [dry, wet] = await Promise.all(answers);
    expect(dry).toEqual(wet);
  });

  test("carries the warnings as well", async () => {
    const warned = [finding({ rule: "other-rule", severity: "warning" })];
    expect((await outcomeOf({ denied: [finding()], warned })).response.warnings).toHaveLength(1);
  });
});

describe("warnings", () => {
  test("are rule, path and title, errors first", async () => {
    const warned = [
      finding({ rule: "b-rule", severity: "warning", path: [] }),
      finding({ rule: "a-rule", severity: "warning" }),
      finding({ rule: "c-rule", severity: "error" }),
    ];
    expect((await outcomeOf({ warned })).response.warnings).toEqual([
      'c-rule: spec.limits["per-ip"].counters[0].expression: A limit counts by source.address',
      'a-rule: spec.limits["per-ip"].counters[0].expression: A limit counts by source.address',
      "b-rule: A limit counts by source.address",
    ]);
  });

  test("are eight and a ninth that says how many more", async () => {
    const warned = Array.from({ length: 12 }, (_, at) => finding({ path: ["spec", `p${at}`] }));
    const { warnings = [] } = (await outcomeOf({ warned })).response;
    expect(warnings).toHaveLength(9);
    expect(warnings[8]).toBe("4 more warnings, see sluice lint");
  });
});

describe("the judge", () => {
  test("is given the change as it came", async () => {
    const seen: JudgedChange[] = [];
    await outcomeOf({}, { operation: "UPDATE", object: { a: 1 }, oldObject: { a: 2 }, dryRun: true }, seen);
    expect(seen).toEqual([
      { operation: "UPDATE", object: { a: 1 }, oldObject: { a: 2 }, namespace: "apps", dryRun: true },
    ]);
  });

  test.each([{ operation: "CONNECT" }, { subResource: "status" }, { subResource: "scale" }])(
    "is not asked about %o",
    async (request) => {
      const seen: JudgedChange[] = [];
      expect((await outcomeOf({ denied: [finding()] }, request, seen)).response).toEqual({ allowed: true });
      expect(seen).toEqual([]);
    },
  );

  test("may know nothing of a kind, which is allowed and noted", async () => {
    expect((await outcomeOf({ unknownKind: true })).response).toEqual({
      allowed: true,
      auditAnnotations: { decision: "allowed", reason: "unknown-kind", "unknown-kind": "kuadrant.io/RateLimitPolicy" },
    });
  });

  test("may have been silenced by an exemption, which is noted", async () => {
    const { response, exempted } = await outcomeOf({ exempted: ["a-rule", "b-rule"] });
    expect(response.auditAnnotations).toEqual({ decision: "allowed", exempted: "a-rule,b-rule" });
    expect(exempted).toEqual(["a-rule", "b-rule"]);
  });
});

describe("the audit log", () => {
  const audit = async (verdict: Partial<JudgedVerdict>) => (await outcomeOf(verdict)).response.auditAnnotations;
  const judging = { mode: "deny", profile: "strict", levels: new Map() } as const;

  test("is told which rules warned, each once, and the profile", async () => {
    const warned = ["b-rule", "a-rule", "b-rule"].map((rule) => finding({ rule, severity: "warning" }));
    expect(await audit({ warned, judging })).toEqual({
      decision: "allowed",
      findings: "a-rule,b-rule",
      profile: "strict",
    });
  });

  test("is told the levels that the platform team chose, in its words, and a mode that denies nothing", async () => {
    const levels = new Map([
      ["c-rule", "error"],
      ["a-rule", "off"],
      ["b-rule", "warning"],
    ] as const);
    expect(await audit({ judging: { ...judging, levels, mode: "warn" } })).toEqual({
      decision: "allowed",
      profile: "strict",
      mode: "warn",
      levels: "a-rule=off,b-rule=warn,c-rule=deny",
    });
  });

  test.each(["cache-cold", "off", "being-deleted", "unchanged-spec"] as const)("is told of %s", async (inPart) => {
    expect(await audit({ inPart })).toEqual({ decision: "allowed", reason: inPart });
  });

  test("gets values of at most 1024 characters, whole ids, and how many more there are", async () => {
    const warned = Array.from({ length: 200 }, (_, at) =>
      finding({ rule: `some-rule-${1000 + at}`, severity: "warning" }),
    );
    const { findings = "" } = (await audit({ warned })) ?? {};
    expect(findings.length).toBeLessThanOrEqual(1024);
    const ids = findings.split(",");
    expect(ids.slice(0, -1).every((id) => /^some-rule-\d{4}$/.test(id))).toBe(true);
    expect(Number(ids.at(-1)) + ids.length - 1).toBe(200);
  });
});

test("a label of the namespace that means nothing is told", async () => {
  const judging = { mode: "deny", profile: "default", levels: new Map(), unclearLabel: "loud" } as const;
  expect((await outcomeOf({ judging })).response.warnings).toEqual([
    "lint-label: sluice.dev/lint=loud of namespace apps means nothing and counts as absent",
  ]);
});

describe("the preview of a workload", () => {
  const deployment = (spec: object, metadata: object = {}) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "apps", ...metadata },
    spec: { replicas: 1, template: { metadata: {}, spec: { containers: [], ...spec } } },
  });
  const preview = async (object: object, request: object = {}, egress = "enabled") => {
    const kind = { group: "apps", version: "v1", kind: "Deployment" };
    const seen: JudgedChange[] = [];
    const { response } = await outcomeOf(
      { denied: [finding()] },
      { kind, name: "web", object, ...request },
      seen,
      egress,
    );
    expect(seen).toEqual([]);
    return response;
  };

  test("row 70: warns of pods that would not be routed, with the place in the template", async () => {
    expect(await preview(deployment({ dnsPolicy: "Default" }))).toEqual({
      allowed: true,
      warnings: [
        "dns-policy-default: spec.template.spec.dnsPolicy: not routed: Default asks the node's DNS, not Sluice's resolver",
      ],
    });
  });

  test("never refuses, even where the pods would be", async () => {
    const { allowed, warnings } = await preview(deployment({ hostNetwork: true }), {}, "strict");
    expect([allowed, warnings]).toEqual([
      true,
      [expect.stringMatching(/^host-network: spec\.template\.spec\.hostNetwork: /)],
    ]);
  });

  test("says nothing of pods that are injected", async () => {
    expect(await preview(deployment({}))).toEqual({ allowed: true });
  });

  test("says nothing where the namespace is not opted in", async () => {
    expect(await preview(deployment({ dnsPolicy: "Default" }), {}, "disabled")).toEqual({ allowed: true });
  });

  test("says nothing when the template has not changed", async () => {
    const [object, oldObject] = [
      deployment({ dnsPolicy: "Default" }, { labels: { a: "b" } }),
      deployment({ dnsPolicy: "Default" }),
    ];
    expect(await preview(object, { operation: "UPDATE", oldObject })).toEqual({ allowed: true });
  });
});
