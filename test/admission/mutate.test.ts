import { describe, expect, test } from "vitest";
import { mutate } from "../../src/admission/mutate.ts";
import { encodeReview } from "../../src/admission/response.ts";
import { parseReview } from "../../src/admission/review.ts";
import { DNS_ANNOTATION } from "../../src/inject/decide.ts";
import { CLUSTER, CONFIG, PROFILE, podWith } from "../inject/inputs.ts";
import { reviewOf } from "./reviews.ts";
import { factsFor } from "./started.ts";

const outcomeOf = (changes: Readonly<Record<string, unknown>>, egress = "enabled") => {
  const review = parseReview(Buffer.from(JSON.stringify(reviewOf(changes))));
  if (!review.ok) throw new Error(review.problems.join());
  return mutate(review.value, factsFor(egress)("apps"));
};

describe("an injected pod", () => {
  test("gets four operations at most, in this order", () => {
    const { response } = outcomeOf({});
    expect(response.patch).toEqual([
      { op: "add", path: "/metadata/annotations", value: {} },
      {
        op: "add",
        path: "/metadata/annotations/sluice.dev~1dns",
        value: `{"version":1,"nameservers":["10.96.0.53"],"profile":"${PROFILE.fingerprint}","replaced":"ClusterFirst"}`,
      },
      { op: "add", path: "/spec/dnsPolicy", value: "None" },
      { op: "add", path: "/spec/dnsConfig", value: CONFIG },
    ]);
  });

  test("row 67: keeps the annotations it has", () => {
    const { response } = outcomeOf({ object: podWith({}, { annotations: { own: "x" } }) });
    expect(response.patch?.map(({ path }) => path)).toEqual([
      "/metadata/annotations/sluice.dev~1dns",
      "/spec/dnsPolicy",
      "/spec/dnsConfig",
    ]);
  });

  test("row 42: is the same on a dry run", () => {
    expect(outcomeOf({ dryRun: true })).toEqual(outcomeOf({ dryRun: false }));
  });

  test("is noted for the audit log", () => {
    expect(outcomeOf({}).response.auditAnnotations).toEqual({
      decision: "injected",
      reason: "cluster-first",
      profile: PROFILE.fingerprint,
    });
  });
});

describe("a pod that needs nothing", () => {
  const done = podWith({ dnsPolicy: "None", dnsConfig: CONFIG });

  test("is allowed without patch keys", () => {
    expect(outcomeOf({ object: done }).response).not.toHaveProperty("patch");
    const wire = JSON.parse(encodeReview("u", outcomeOf({ object: done }).response));
    expect(Object.keys(wire.response).sort()).toEqual(["allowed", "auditAnnotations", "uid"]);
  });

  test("repeats nothing in a second round", () => {
    const second = podWith({ dnsPolicy: "None", dnsConfig: CONFIG }, { annotations: { [DNS_ANNOTATION]: "{}" } });
    expect(outcomeOf({ object: second }).response).toEqual({ allowed: true });
  });
});

describe("a refusal in a strict namespace", () => {
  test("is 403 with the reason, the place and what to do", () => {
    const { response, deniedBy } = outcomeOf({ object: podWith({ hostNetwork: true }) }, "strict");
    expect(response).toMatchObject({
      allowed: false,
      status: {
        status: "Failure",
        code: 403,
        reason: "Forbidden",
        message:
          "host-network: spec.hostNetwork: not routed: ClusterFirst on the host network asks the node's DNS - " +
          "set dnsPolicy: ClusterFirstWithHostNet, or remove hostNetwork (sluice)",
        details: { kind: "Pod", name: "web" },
      },
    });
    expect(deniedBy).toEqual(["host-network"]);
  });

  test("row 51: is 503 with a time to try again while the resolver has no address", () => {
    const review = parseReview(Buffer.from(JSON.stringify(reviewOf())));
    if (!review.ok) throw new Error("a valid review");
    const facts = { ...factsFor("strict")("apps"), cluster: { ...CLUSTER, resolver: { status: "missing" } as const } };
    expect(mutate(review.value, facts).response.status).toMatchObject({
      code: 503,
      reason: "ServiceUnavailable",
      details: { retryAfterSeconds: 5 },
    });
  });
});

describe("what is no pod", () => {
  test.each([
    { group: "apps", version: "v1", kind: "Deployment" },
    { group: "", version: "v1", kind: "Service" },
    { group: "example.org", version: "v1", kind: "Pod" },
  ])("is allowed untouched: %o", (kind) => {
    const { response } = outcomeOf({ kind });
    expect(response).toEqual({ allowed: true, auditAnnotations: { decision: "skipped", reason: "unknown-kind" } });
  });

  test.each([null, [], "x", { metadata: {} }])("row 68: is allowed untouched: %o", (object) => {
    expect(outcomeOf({ object }, "strict").response).toMatchObject({ allowed: true });
    expect(outcomeOf({ object }, "strict").response).not.toHaveProperty("patch");
  });
});
