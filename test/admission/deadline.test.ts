import { describe, expect, test } from "vitest";
import { JSON_TYPE, keepAliveAgent, send } from "./client.ts";
import { reviewOf } from "./reviews.ts";
import { factsFor, start } from "./started.ts";

const BODY = JSON.stringify(reviewOf());

describe("time", () => {
  /** A server whose clock says that each review has taken so long. */
  const slow = async (ms: number, egress: string, timelyLooks = 1) => {
    let looks = 0;
    const started = await start({ facts: factsFor(egress), now: () => (looks++ < timelyLooks ? 0 : ms) });
    const agent = keepAliveAgent(started.ca);
    const path = "/mutate?timeout=2s";
    const reply = await send({ port: started.admission.port, path, agent, headers: JSON_TYPE }, BODY);
    agent.destroy();
    await started.admission.close();
    return reply.json.response;
  };

  test("T9: within the API server's patience a pod is injected", async () => {
    expect(await slow(1700, "enabled")).toMatchObject({ allowed: true, patchType: "JSONPatch" });
  });

  test("T9: beyond it a pod is let through with a warning", async () => {
    const response = await slow(1800, "enabled");
    expect(response).toMatchObject({ allowed: true, auditAnnotations: { decision: "skipped", reason: "deadline" } });
    expect(response.warnings).toEqual([expect.stringMatching(/^internal-error: /)]);
    expect(response).not.toHaveProperty("patch");
  });

  test("T9: beyond it a strict namespace refuses for now", async () => {
    expect(await slow(1800, "strict")).toMatchObject({
      allowed: false,
      status: { code: 503, reason: "ServiceUnavailable", details: { retryAfterSeconds: 5 } },
    });
  });

  test("T9: a decision that took too long is not sent as if it had not", async () => {
    // On arrival and before deciding there is time left; after deciding there is none.
    expect(await slow(1800, "strict", 2)).toMatchObject({ allowed: false, status: { code: 503 } });
  });
});
