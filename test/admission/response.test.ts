import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allowed, encodeReview, patched, withAudit } from "../../src/admission/response.ts";
import { sanitizeWarnings } from "../../src/admission/warnings.ts";

describe("warnings", () => {
  test.each([
    ["a full stop goes", "rule: x.", "rule: x"],
    ["line feeds and tabs become spaces", "rule:\n\tx", "rule: x"],
    ["other control characters become spaces", "rule:\u0007x\u0085y", "rule: x y"],
    ["letters beyond ASCII are marked", "rule: münchen", "rule: m?nchen"],
    ["a long text is cut visibly", "x".repeat(121), `${"x".repeat(117)}...`],
  ])("%s", (_, written, sent) => expect(sanitizeWarnings([written])).toEqual([sent]));

  test("come once each", () => expect(sanitizeWarnings(["a", "b", "a", ""])).toEqual(["a", "b"]));

  test("fit the header whatever they were", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", maxLength: 400 }), { maxLength: 30 }), (texts) => {
        const sent = sanitizeWarnings(texts);
        expect(sent.length).toBeLessThanOrEqual(9);
        for (const text of sent) expect(text).toMatch(/^[ -~]{1,120}$/);
      }),
    );
  });
});

describe("an answer on the wire", () => {
  const wire = (response: Parameters<typeof encodeReview>[1]) => JSON.parse(encodeReview("u", response));

  test("R5, R6: patch and type come together", () => {
    const operation = { op: "add", path: "/a", value: "ü" } as const;
    const { response } = wire(patched([operation]));
    expect(response.patchType).toBe("JSONPatch");
    expect(JSON.parse(Buffer.from(response.patch, "base64").toString())).toEqual([operation]);
  });

  test("R5, R6: or not at all", () => {
    expect(wire(patched([])).response).toEqual({ uid: "u", allowed: true });
    expect(wire({ allowed: true, patch: [] }).response).toEqual({ uid: "u", allowed: true });
  });

  test("R16: keeps audit keys that the API server takes", () => {
    const values = { decision: "x", "a/b": "x", "-a": "x", [`a${"b".repeat(63)}`]: "x", "unknown-kind": "a\nb" };
    expect(withAudit(allowed(), values).auditAnnotations).toEqual({ decision: "x", "unknown-kind": "a b" });
  });
});
