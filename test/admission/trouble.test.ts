import { afterEach, describe, expect, test } from "vitest";
import { JSON_TYPE, keepAliveAgent, send } from "./client.ts";
import { reviewOf } from "./reviews.ts";
import { factsFor, type Started, start } from "./started.ts";

const BODY = JSON.stringify(reviewOf());

describe("a bug of our own", () => {
  const running: Started[] = [];
  afterEach(async () => {
    for (const { admission } of running.splice(0)) await admission.close();
  });

  const responseOf = async (path: string, changes: Parameters<typeof start>[0], body = BODY) => {
    const started = await start(changes);
    running.push(started);
    const agent = keepAliveAgent(started.ca);
    const { status, json } = await send({ port: started.admission.port, path, agent, headers: JSON_TYPE }, body);
    agent.destroy();
    expect(status).toBe(200);
    return { response: json.response, metrics: await started.metrics.print() };
  };
  const broken = (egress: string) => (name: string) => ({
    ...factsFor(egress)(name),
    get cluster(): never {
      throw new Error("bug");
    },
  });

  test("lets a pod of an enabled namespace through with a warning", async () => {
    const { response, metrics } = await responseOf("/mutate", { facts: broken("enabled") });
    expect(response).toMatchObject({ allowed: true, auditAnnotations: { reason: "internal-error" } });
    expect(response.warnings[0]).toMatch(/^internal-error: /);
    expect(metrics).toMatch(/decision="skipped",reason="internal-error"/);
  });

  test("refuses a pod of a strict namespace for now", async () => {
    const { response, metrics } = await responseOf("/mutate", { facts: broken("strict") });
    expect(response).toMatchObject({ allowed: false, status: { code: 503, details: { retryAfterSeconds: 5 } } });
    expect(metrics).toMatch(/sluice_admission_denials_total\{rule="internal-error"\} 1/);
  });

  test("lets a pod through when not even the namespace is known", async () => {
    const facts = () => {
      throw new Error("bug");
    };
    expect((await responseOf("/mutate", { facts })).response.allowed).toBe(true);
  });

  test("lets a policy through and notes it in the audit log alone", async () => {
    const judge = () => {
      throw new Error("bug");
    };
    const body = JSON.stringify(
      reviewOf({ kind: { group: "kuadrant.io", version: "v1", kind: "AuthPolicy" }, object: {} }),
    );
    const { response } = await responseOf("/validate", { judge }, body);
    expect(response).toEqual({
      uid: response.uid,
      allowed: true,
      auditAnnotations: { decision: "allowed", reason: "internal-error" },
    });
  });
});
