import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { knownSecret, secretInUrl, secretValue } from "../../../src/lint/auth/secret-text.ts";

/** Put together here, so that no scanner takes the file for one that lost a key. */
const KEY = `sk-${"9fQ2mZr7Lk4TwX8bVn3Ds6Hc"}`;

const cut = (text: string, found: { readonly start: number; readonly end: number } | undefined): string | undefined =>
  found === undefined ? undefined : text.slice(found.start, found.end);

describe("keys of a known shape are found anywhere", () => {
  test.each([
    ["an API key", KEY],
    ["an API key of a project", "sk-proj-aZ09_bY18-cX27dW36eV45"],
    ["an AWS access key", `AKIA${"Q7ZB2XK4WN9RT5MV"}`],
    ["a GitHub token", `ghp_${"A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"}`],
    ["a Slack token", `xoxb-${"123456789012-aBcDeFgHiJkL"}`],
    ["a Vault token", `hvs.${"CAESIJ9f2mZr7Lk4TwX8bVn3Ds6Hc"}`],
    ["a JWT", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3b3JrbG9hZCJ9"],
    ["a private key", "-----BEGIN RSA PRIVATE KEY-----"],
  ])("%s", (_, key) => {
    const text = `Bearer ${key}, and more`;
    expect(cut(text, knownSecret(text))).toBe(key);
  });

  test.each([
    "sk-your-api-key-goes-here-0001",
    "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "sk-learn-model-serving-for-everybody",
    "AKIAIOSFODNN7EXAMPLE",
    "risk-9fQ2mZr7Lk4TwX8bVn3Ds6Hc",
    "sk-short",
    "",
  ])("`%s` is none", (text) => {
    expect(knownSecret(text)).toBeUndefined();
  });
});

describe("where a credential belongs", () => {
  test.each([
    ["Bearer f3a91c0b7d524e68", "f3a91c0b7d524e68"],
    ["  ApiKey Zx8-kQ2_Lm9Rt4Kz1", "Zx8-kQ2_Lm9Rt4Kz1"],
    ["Basic dXNlcjpUcjB1YjRkb3I=", "dXNlcjpUcjB1YjRkb3I="],
    ["0b7d524e-68f3-4a91-9c0b-7d524e68f3a9", "0b7d524e-68f3-4a91-9c0b-7d524e68f3a9"],
  ])("the constant `%s` is one", (text, secret) => {
    expect(cut(text, secretValue(text))).toBe(secret);
  });

  test.each([
    "",
    "Bearer ",
    "Bearer <token-12345678>",
    `\${API_KEY_12345}`,
    "{{ .Values.key1 }}",
    "{auth.identity.key1}",
    "not-a-real-key-1234",
    "changeme-12345678",
    "REDACTED",
    "egress-gateway-v2",
    "workload-identity-2026",
    "a sentence with 12 words",
    "none",
    "true",
    "short1A",
    "aaaaaaaaaaaa1111",
  ])("the text `%s` is none", (text) => {
    expect(secretValue(text)).toBeUndefined();
  });
});

describe("in a URL", () => {
  test.each([
    ["https://reader:Tr0ub4dor@users.svc/", "Tr0ub4dor"],
    ["https://users.svc/?a=1&api_key=f3a91c0b7d524e68#x", "f3a91c0b7d524e68"],
    [`https://users.svc/${KEY}`, KEY],
  ])("%s holds one", (text, secret) => {
    expect(cut(text, secretInUrl(text))).toBe(secret);
  });

  test.each([
    "https://users.svc/?key=name",
    "https://users.svc/?page=f3a91c0b7d524e68",
    "https://user@users.svc/",
    "https://users.svc:8443/a@b",
    "https://user:<password>@users.svc/",
  ])("%s holds none", (text) => {
    expect(secretInUrl(text)).toBeUndefined();
  });
});

test("what may be said of a credential never holds it", () => {
  const secret = fc.string({ unit: fc.constantFrom(..."abcdefXYZ0123456789"), minLength: 20, maxLength: 60 });
  fc.assert(
    fc.property(secret, fc.constantFrom("", "sk-", "ghp_", "glpat-", "hvs.", "gsk_", "hf_"), (text, prefix) => {
      for (const found of [knownSecret(prefix + text), secretValue(prefix + text)]) {
        expect(found?.shown ?? "").not.toContain(text.slice(0, 6));
      }
    }),
  );
});

test("any text is read to its end", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (text) => {
      for (const found of [knownSecret(text), secretValue(text), secretInUrl(text)]) {
        if (found !== undefined) expect(found.start < found.end && found.end <= text.length).toBe(true);
      }
    }),
  );
});
