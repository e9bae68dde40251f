import { describe, expect, test } from "vitest";
import { profileJudge } from "../../src/admission/profile-judge.ts";
import { encodeReview } from "../../src/admission/response.ts";
import { parseReview } from "../../src/admission/review.ts";
import { validate } from "../../src/admission/validate.ts";
import { literalCredentials } from "../../src/lint/auth/literal-credentials.ts";
import { readLintProfile } from "../../src/lint/lint-profile.ts";
import { rules } from "../../src/lint/rules/index.ts";
import { corpus, withMetadata } from "../support/corpus.ts";
import { reviewOf } from "./reviews.ts";
import { factsFor } from "./started.ts";

const KEYED = corpus().filter(({ written }) => literalCredentials(written.object).length > 0);

/** The whole answer to the creation of an object, as the API server gets it, and what is counted and logged of it. */
async function answerTo(raw: unknown, cluster: (typeof KEYED)[number]["cluster"], choices: object): Promise<string> {
  const review = parseReview(Buffer.from(JSON.stringify(reviewOf({ object: raw, name: "x", namespace: "g" }))));
  const profile = readLintProfile(
    choices,
    rules.map(({ id }) => id),
  );
  if (!review.ok || !profile.ok) throw new Error("the review and the profile must be readable");
  const snapshot = { synced: () => true };
  const judge = profileJudge({ rules, profile: "strict", choices: () => profile.value, snapshot });
  const outcome = await validate(
    review.value,
    (change) => judge.change(change, cluster),
    factsFor("enabled")("g"),
    1000,
  );
  return `${encodeReview("u", outcome.response)} ${JSON.stringify([outcome.reason, outcome.deniedBy, outcome.exempted])}`;
}

describe("no answer shows a credential that an object holds in clear", () => {
  test("there are such objects among the examples", () => expect(KEYED.length).toBeGreaterThan(5));

  test.each([
    ["when the rule about it denies", {}, {}],
    ["when the rule is off", {}, { lint: { rules: { "auth-literal-credential": "off" } } }],
    [
      "when the object is exempt from it",
      { "sluice.dev/ignore": "auth-literal-credential: a key of a test system" },
      {},
    ],
  ])("%s", async (_when, annotations, choices) => {
    for (const { title, written, cluster } of KEYED) {
      const answer = await answerTo(withMetadata(written.raw, { annotations }), cluster, choices);
      for (const { text } of literalCredentials(written.object)) expect(answer, title).not.toContain(text);
    }
  });

  test("when it is the key of a map, or a rule quotes it", async () => {
    const key = `sk-${"9fQ2mZr7Lk4TwX8bVn3Ds6Hc"}`;
    const policy = {
      apiVersion: "kuadrant.io/v1",
      kind: "RateLimitPolicy",
      metadata: { name: "x", namespace: "g" },
      spec: {
        targetRef: { group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "r" },
        limits: {
          [key]: {
            rates: [{ limit: 1, window: "1m" }],
            when: [{ predicate: `request.headers['x-api-key'] == '${key}'` }],
            counters: [{ expression: `source.address + '${key}'` }],
          },
        },
      },
    };
    const [first] = KEYED;
    if (first === undefined) throw new Error("there must be an example");
    const answer = await answerTo(policy, first.cluster, {});
    expect(answer).toContain("rlp-source-address-counter");
    expect(answer).not.toContain(key);
  });
});
