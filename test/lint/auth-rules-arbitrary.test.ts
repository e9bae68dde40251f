import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rules } from "../../src/lint/rules/index.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { decodeObject } from "../../src/model/decode.ts";
import { buildTopology } from "../../src/model/topology.ts";
import { authPolicy, EGRESS_ROUTE, GATEWAY } from "../support/auth-policies.ts";

const TEXTS = [
  "",
  "a",
  "auth.metadata.a.data.data.key",
  "auth.metadata.b",
  "auth.identity.user.username",
  "'https://' + request.headers.x + auth.metadata.a",
  "request.headers['x-team'] == 'a' && has(auth.metadata.a.data)",
  "auth.identity.user.username.contains('a')",
  "https://vault.vault.svc/v1/kv/data/{auth.metadata.b}",
  "http://{request.host}",
  '\'{"a": "\' + request.headers.x',
  "'",
  "GET",
  "POST",
] as const;

const text = fc.constantFrom(...TEXTS);
const name = fc.constantFrom("a", "b", "authorization", "x-api-key");
const leaf = fc.oneof(text, fc.integer({ min: -1, max: 3 }), fc.constant(null), fc.boolean());
const dynamic = fc.record({ value: leaf, selector: text, expression: text }, { requiredKeys: [] });
const patterns = fc.array(
  fc.record({ predicate: text, selector: text, operator: text, value: text, patternRef: name }, { requiredKeys: [] }),
  { maxLength: 3 },
);
const http = fc.record(
  {
    url: text,
    urlExpression: text,
    method: text,
    contentType: text,
    body: dynamic,
    bodyParameters: fc.dictionary(name, dynamic, { maxKeys: 2 }),
    headers: fc.dictionary(fc.oneof(name, fc.constant("X-Vault-Token")), dynamic, { maxKeys: 2 }),
    sharedSecretRef: fc.constant({}),
  },
  { requiredKeys: [] },
);
const common = { when: patterns, priority: fc.integer({ min: -1, max: 2 }), cache: fc.record({ key: dynamic }) };
const items = (own: Readonly<Record<string, fc.Arbitrary<unknown>>>) =>
  fc.dictionary(name, fc.oneof(leaf, fc.record({ ...common, ...own }, { requiredKeys: [] })), { maxKeys: 3 });
const block = fc.record(
  {
    when: patterns,
    strategy: fc.constantFrom("merge", "atomic"),
    patterns: fc.dictionary(name, fc.record({ allOf: patterns }), { maxKeys: 2 }),
    rules: fc.record(
      {
        authentication: items({ kubernetesTokenReview: fc.constant({}), anonymous: fc.constant({}), plain: dynamic }),
        metadata: items({ http }),
        authorization: items({
          patternMatching: fc.record({ patterns }),
          opa: fc.record({ rego: text, externalPolicy: http }, { requiredKeys: [] }),
        }),
        response: fc.record({
          success: fc.record({ headers: items({ plain: dynamic }), filters: items({ plain: dynamic }) }),
        }),
        callbacks: items({ http }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

const judged = rules.filter(({ kinds }) => kinds.includes("AuthPolicy"));

describe("every rule about an AuthPolicy", () => {
  test("judges any policy without throwing, the same each time", () => {
    const spec = fc.oneof(block, fc.record({ defaults: block }), fc.record({ overrides: block, defaults: block }));
    fc.assert(
      fc.property(spec, (value) => {
        const decoded = [authPolicy(value), GATEWAY, EGRESS_ROUTE].flatMap((raw) => {
          const outcome = decodeObject(raw);
          return outcome.status === "decoded" ? [outcome.decoded] : [];
        });
        const found = () => lintTopology(buildTopology(decoded), { rules: judged, profile: "strict" });
        expect(found()).toEqual(found());
      }),
      { numRuns: 300 },
    );
  });
});
