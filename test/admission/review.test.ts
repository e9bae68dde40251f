import { describe, expect, test } from "vitest";
import { parseReview } from "../../src/admission/review.ts";
import { MAX_DEPTH } from "../../src/admission/review-json.ts";
import { reviewOf } from "./reviews.ts";

const parse = (review: unknown) =>
  parseReview(Buffer.from(typeof review === "string" ? review : JSON.stringify(review)));
const read = (review: unknown) => {
  const result = parse(review);
  if (!result.ok) throw new Error(result.problems.join());
  return result.value;
};

describe("a review", () => {
  test("is read with everything that a decision needs", () => {
    expect(read(reviewOf({ subResource: "status", dryRun: true }))).toMatchObject({
      uid: "13117d9f-ce4b-486c-99a5-768a53998922",
      kind: { group: "", version: "v1", kind: "Pod" },
      subResource: "status",
      displayName: "web",
      namespace: "apps",
      operation: "CREATE",
      groups: ["system:authenticated"],
      dryRun: true,
      oldObject: null,
      droppedKeys: 0,
    });
  });

  test("row 36: shows a pod without name by its generateName", () => {
    const object = { metadata: { generateName: "web-" } };
    expect(read(reviewOf({ name: undefined, object })).displayName).toBe("web-*");
  });

  test("takes dryRun from the request, not from the options", () => {
    expect(read(reviewOf({ dryRun: undefined, options: { dryRun: ["All"] } })).dryRun).toBe(false);
  });

  test("keeps fields that nobody knows", () => {
    const object = { metadata: {}, spec: { fromTheFuture: [{ a: 1 }] } };
    expect(read(reviewOf({ object })).object).toEqual(object);
  });

  test.each([{ userInfo: null }, { userInfo: { groups: "x" } }, { userInfo: { groups: [1, "g"] } }])(
    "takes groups as far as they are text: %o",
    ({ userInfo }) => {
      expect(read(reviewOf({ userInfo })).groups.every((group) => typeof group === "string")).toBe(true);
    },
  );

  test("row 41: has no object on DELETE", () => {
    const request = read(
      reviewOf({ operation: "DELETE", name: undefined, object: null, oldObject: { metadata: { name: "old" } } }),
    );
    expect([request.object, request.displayName]).toEqual([null, "old"]);
  });

  test("keeps a key that only looks poisonous", () => {
    const object = { metadata: { labels: { constructors: "x", proto: "y" } }, text: "__proto__ and constructor" };
    expect(read(reviewOf({ object }))).toMatchObject({ object, droppedKeys: 0 });
  });
});

describe("poisonous keys", () => {
  test.each(['"__proto__"', '"constructor"', '"__pr\\u006fto__"', '"\\u0063onstructor"'])(
    "are dropped and counted: %s",
    (key) => {
      const body = JSON.stringify(reviewOf({ object: "OBJECT" })).replace('"OBJECT"', `{"a":[{${key}:{"x":1},"b":2}]}`);
      const { object, droppedKeys } = read(body);
      expect(JSON.stringify(object)).toBe('{"a":[{"b":2}]}');
      expect(droppedKeys).toBe(1);
    },
  );
});

describe("nesting", () => {
  const nested = (depth: number): string =>
    JSON.stringify(reviewOf({ object: "OBJECT" })).replace('"OBJECT"', "[".repeat(depth) + "]".repeat(depth));

  test("is allowed to the limit", () => expect(parse(nested(MAX_DEPTH - 2)).ok).toBe(true));
  test("is refused beyond", () => expect(parse(nested(MAX_DEPTH - 1)).ok).toBe(false));
  test("in a string is text", () => {
    expect(parse(reviewOf({ object: { a: `\\"${"[{".repeat(2000)}` } })).ok).toBe(true);
  });
});
