import { afterEach, describe, expect, test } from "vitest";
import { profileJudge } from "../../src/admission/profile-judge.ts";
import { settledJudge } from "../../src/admission/settled-judge.ts";
import type { AdmissionInput } from "../../src/admission/start-admission.ts";
import { NO_CHOICES } from "../../src/lint/lint-profile.ts";
import { rules } from "../../src/lint/rules/index.ts";
import { objectsOf, topologyOf } from "../support/topology-of.ts";
import { JSON_TYPE, keepAliveAgent, send } from "./client.ts";
import { reviewOf } from "./reviews.ts";
import { type Started, start } from "./started.ts";

const KIND = { group: "kuadrant.io", version: "v1", kind: "RateLimitPolicy" };
const POLICY = objectsOf(`
  apiVersion: kuadrant.io/v1
  kind: RateLimitPolicy
  metadata: {name: egress, namespace: apps}
  spec:
    targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: none-such}
    limits:
      per-client: {rates: [{limit: 1, window: 1m}], counters: [{expression: source.address}]}
      per-user: {rates: [{limit: 1, window: 1m}], counters: [{expression: auth.identity.who}]}`)[0];

const running: Started[] = [];
afterEach(async () => {
  for (const { admission } of running.splice(0)) await admission.close();
});

async function review(changes: Partial<AdmissionInput>, object: unknown = POLICY, query = "") {
  const started = await start(changes);
  running.push(started);
  const agent = keepAliveAgent(started.ca);
  const body = JSON.stringify(reviewOf({ kind: KIND, name: "egress", object }));
  const path = `/validate${query}`;
  const { json } = await send({ port: started.admission.port, path, agent, headers: JSON_TYPE }, body);
  agent.destroy();
  return { response: json.response, metrics: await started.metrics.print() };
}

/** The judge as it is served, over a picture without any object. */
const judgeOf = (synced: boolean) => {
  const snapshot = { current: () => topologyOf(""), synced: () => synced, subscribe: () => () => undefined };
  const judge = profileJudge({ rules, profile: "strict", choices: () => NO_CHOICES, snapshot });
  return settledJudge({ snapshot, judge: judge.change });
};

describe("while objects may be missing", () => {
  test("what the object alone proves is refused, and nothing is said of what others lack", async () => {
    const { response } = await review({ judge: judgeOf(false) });
    expect(response.auditAnnotations.reason).toBe("rlp-source-address-counter");
    expect(response.status.details.causes).toHaveLength(1);
    expect(JSON.stringify(response)).not.toContain("policy-target-missing");
    const complete = await review({ judge: judgeOf(true) });
    expect(JSON.stringify(complete.response)).toContain("policy-target-missing");
  });

  test("the audit log and the metrics are told so", async () => {
    const { targetRef } = (POLICY as { spec: { targetRef: object } }).spec;
    const fine = { ...(POLICY as object), spec: { targetRef } };
    const { response, metrics } = await review({ judge: judgeOf(false) }, fine);
    expect(response).toMatchObject({ allowed: true, auditAnnotations: { decision: "allowed", reason: "cache-cold" } });
    expect(metrics).toContain('reason="cache-cold"');
  });
});

describe("the API server's patience", () => {
  test("is kept when a refusal waits for the picture to catch up", async () => {
    const patience: number[] = [];
    const judge: AdmissionInput["judge"] = (_change, patienceMs) => {
      patience.push(patienceMs);
      return { denied: [], warned: [], exempted: [], unknownKind: false };
    };
    await review({ judge }, POLICY, "?timeout=1s");
    await review({ judge });
    expect(patience[0]).toBeGreaterThan(400);
    expect(patience[0]).toBeLessThanOrEqual(750);
    expect(patience[1]).toBeGreaterThan(4_000);
  });

  test("when it is over, the object is allowed, and the audit log is told why", async () => {
    let looks = 0;
    const now = (): number => (looks++ < 2 ? 0 : 10_000);
    const { response, metrics } = await review({ judge: judgeOf(true), now });
    expect(response).toEqual({
      uid: response.uid,
      allowed: true,
      auditAnnotations: { decision: "allowed", reason: "deadline" },
    });
    expect(metrics).toContain('reason="deadline"');
  });
});
