import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseReview } from "../../src/admission/review.ts";
import { JSON_TYPE, keepAliveAgent, send } from "./client.ts";
import { reviewOf } from "./reviews.ts";
import { type Started, start } from "./started.ts";

const VALID = Buffer.from(JSON.stringify(reviewOf()));

/** Bytes near a review: cut off, with bytes changed, doubled, or nothing like it. */
const nearReview = fc.oneof(
  fc.nat(VALID.length).map((length) => VALID.subarray(0, length)),
  fc.array(fc.tuple(fc.nat(VALID.length - 1), fc.nat(255)), { maxLength: 8 }).map((changes) => {
    const bytes = Buffer.from(VALID);
    for (const [at, byte] of changes) bytes[at] = byte;
    return bytes;
  }),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.json({ maxDepth: 6 }).map((text) => Buffer.from(text)),
);

/** Reviews of a right form around objects of any. */
const strangeReview = fc
  .record({
    operation: fc.constantFrom("CREATE", "UPDATE", "DELETE", "CONNECT", "x"),
    kind: fc.oneof(fc.jsonValue(), fc.constant({ group: "", version: "v1", kind: "Pod" })),
    object: fc.jsonValue({ maxDepth: 8 }),
    oldObject: fc.jsonValue({ maxDepth: 4 }),
    userInfo: fc.jsonValue({ maxDepth: 3 }),
    namespace: fc.jsonValue({ maxDepth: 1 }),
    dryRun: fc.jsonValue({ maxDepth: 0 }),
  })
  .map((request) => Buffer.from(JSON.stringify(reviewOf(request))));

describe("bytes that a stranger may send", () => {
  test("are read or refused with a reason, never more", () => {
    fc.assert(
      fc.property(fc.oneof(nearReview, strangeReview), (bytes) => {
        const review = parseReview(bytes);
        if (review.ok) expect(review.value.uid).not.toBe("");
        else expect(review.problems.join()).not.toBe("");
      }),
      { numRuns: 3000 },
    );
  });

  describe("on the wire", () => {
    let started: Started;
    let agent: ReturnType<typeof keepAliveAgent>;
    beforeAll(async () => {
      started = await start();
      agent = keepAliveAgent(started.ca);
    });
    afterAll(async () => {
      agent.destroy();
      await started.admission.close();
    });

    test("give 200 and a review, or 400 and a reason", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(nearReview, strangeReview),
          fc.constantFrom("/mutate", "/validate", "/mutate?timeout=%00", "/validate?timeout=1h&timeout=2s"),
          async (bytes, path) => {
            const { status, json } = await send(
              { port: started.admission.port, path, agent, headers: JSON_TYPE },
              bytes,
            );
            expect([200, 400]).toContain(status);
            expect(json.kind).toBe(status === 200 ? "AdmissionReview" : "Status");
            if (status === 200) expect(json.response.allowed).toBe(true);
          },
        ),
        { numRuns: 300 },
      );
    });
  });
});
