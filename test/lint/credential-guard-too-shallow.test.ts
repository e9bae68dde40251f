import { Environment } from "@marcbachmann/cel-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rule as missing } from "../../src/lint/rules/credential-guard-missing.ts";
import { rule } from "../../src/lint/rules/credential-guard-too-shallow.ts";
import { lintTopology } from "../../src/lint/run.ts";
import {
  authPolicy,
  EGRESS_ROUTE,
  GATEWAY,
  headers,
  lookup,
  matching,
  ON_GATEWAY,
  tell,
  topologyOfObjects,
} from "../support/auth-policies.ts";

const KEY = "auth.metadata.secret.data.data.api_key";
const metadata = { secret: lookup() };
const response = headers({ authorization: `'Bearer ' + ${KEY}` });
const at = "spec.rules.authorization.guard.patternMatching.patterns[0]";

const guarded = (authorization: object, more: object = {}): readonly string[] =>
  tell(rule, authPolicy({ rules: { metadata, authorization, response, ...more } }));
const by = (...patterns: readonly (string | object)[]): readonly string[] => guarded({ guard: matching(...patterns) });

describe("a guard that passes without the value", () => {
  test.each([
    ["tests the document", "has(auth.metadata.secret.data)", "auth.metadata.secret.data"],
    ["tests the item", "has(auth.metadata.secret)", "auth.metadata.secret"],
    ["tests the item by name", "'secret' in auth.metadata && auth.metadata.secret != null", "auth.metadata.secret"],
    ["tests a sibling", "auth.metadata.secret.data.metadata.version > 0", "auth.metadata.secret.data.metadata.version"],
    ["tests the size around it", "auth.metadata.secret.data.data.size() > 0", "auth.metadata.secret.data.data"],
    ["has an alternative", `has(${KEY}) || request.method == 'GET'`, KEY],
    ["is negated", `!has(${KEY})`, KEY],
    ["tests it in one branch", `request.method == 'GET' ? true : has(${KEY})`, KEY],
  ])("%s", (_, predicate, text) => {
    expect(by(predicate)).toEqual([`error ${at}.predicate «${text}»`]);
  });

  test.each([
    ["neq another text", { operator: "neq", value: "x" }],
    ["eq nothing", { operator: "eq", value: "" }],
    ["excl", { operator: "excl", value: "x" }],
  ])("compares a selector by %s", (_, comparison) => {
    expect(by({ selector: KEY, ...comparison })).toEqual([`error ${at}.selector «${KEY}»`]);
  });

  test("looks at the deepest of several", () => {
    expect(by("has(auth.metadata.secret)", "has(auth.metadata.secret.data.data)")).toEqual([
      "error spec.rules.authorization.guard.patternMatching.patterns[1].predicate «auth.metadata.secret.data.data»",
    ]);
  });
});

describe("a guard that does not pass", () => {
  test.each([
    [`has(${KEY})`],
    [`${KEY} != ''`],
    [`${KEY}.startsWith('sk-')`],
    [`size(${KEY}) > 0`],
    [`'api_key' in auth.metadata.secret.data.data`],
    [`has(${KEY}) && ${KEY} != '' && request.method == 'GET'`],
    [`!(!has(${KEY}) || request.method == 'GET')`],
    [`has(${KEY}) ? request.method == 'GET' : false && has(${KEY})`],
    [`auth.metadata.secret.data.data.?api_key.orValue('') != ''`],
    [`auth.metadata.secret.data.data.exists(name, name == 'api_key')`],
    [`auth['metadata']['secret'].data['data'].api_key != ''`],
  ])("%s", (predicate) => {
    expect(by(predicate)).toEqual([]);
  });

  test.each([
    ["neq nothing", { operator: "neq", value: "" }],
    ["eq a text", { operator: "eq", value: "x" }],
    ["an expression", { operator: "matches", value: "^sk-" }],
  ])("compares a selector by %s", (_, comparison) => {
    expect(by({ selector: KEY, ...comparison })).toEqual([]);
  });

  test("is one of several patterns or items, or stands in all, in every any, or under a name", () => {
    const deep = { predicate: `has(${KEY})` };
    expect(by("has(auth.metadata.secret)", deep)).toEqual([]);
    expect(guarded({ a: matching("has(auth.metadata.secret)"), b: matching(deep) })).toEqual([]);
    expect(by({ all: [{ predicate: "true" }, deep] })).toEqual([]);
    expect(by({ any: [deep, { predicate: `${KEY} == 'x'` }] })).toEqual([]);
    const named = { patterns: { fetched: { allOf: [deep] } } };
    const rules = { metadata, authorization: { guard: matching({ patternRef: "fetched" }) }, response };
    expect(tell(rule, authPolicy({ ...named, rules }))).toEqual([]);
  });

  test("tests what is below the value, where the header takes the document as a whole", () => {
    const whole = { response: headers({ authorization: "auth.metadata.secret.data" }) };
    expect(guarded({ guard: matching("has(auth.metadata.secret.data.x)") }, whole)).toEqual([]);
  });
});

describe("an element of a list", () => {
  const more = { response: headers({ authorization: "'Bearer ' + auth.metadata.secret.keys[0].value" }) };

  test.each([
    ["its size", "auth.metadata.secret.keys.size() > 0", 0],
    ["an element", "auth.metadata.secret.keys.exists(key, key.value != '')", 0],
    ["the element", "auth.metadata.secret.keys[0].value != ''", 0],
    ["that there is a list", "has(auth.metadata.secret.keys)", 1],
    ["another list", "auth.metadata.secret.users.size() > 0", 1],
  ])("is guarded by a test of %s, or not", (_, predicate, count) => {
    expect(guarded({ guard: matching(predicate) }, more)).toHaveLength(count);
  });
});

describe("a guard under a condition", () => {
  const when = [{ predicate: "request.method == 'POST'" }];
  const guard = { ...matching(`has(${KEY})`), when };

  test("warns, unless the header has the same condition", () => {
    expect(guarded({ guard })).toEqual(["warning spec.rules.authorization.guard.when"]);
    const same = headers({ authorization: { when, plain: { expression: KEY } } });
    expect(guarded({ guard }, { response: same })).toEqual([]);
  });
});

describe("words", () => {
  test.each([
    [
      "has(auth.metadata.secret)",
      `the guard checks \`auth.metadata.secret\` but the header needs \`${KEY}\`; an error reply passes the guard and the caller's token is forwarded unchanged`,
    ],
    [
      "has(auth.metadata.secret.data)",
      `the guard checks \`auth.metadata.secret.data\` but the header needs \`${KEY}\`; a reply that lacks it passes the guard and the caller's token is forwarded unchanged`,
    ],
    [
      `!has(${KEY})`,
      `the guard also passes when \`${KEY}\` is not there; a reply that lacks it passes the guard and the caller's token is forwarded unchanged`,
    ],
  ])("%s", (predicate, message) => {
    const policy = authPolicy({ rules: { metadata, authorization: { guard: matching(predicate) }, response } });
    const [finding] = lintTopology(topologyOfObjects([policy]), { rules: [rule], profile: "default" });
    expect(finding?.message).toBe(message);
  });
});

describe("several headers", () => {
  test("of the same value share one finding, of different values do not", () => {
    const two = { a_key: `${KEY}`, authorization: `'Bearer ' + ${KEY}`, other: "auth.metadata.secret.data.data.other" };
    const topology = topologyOfObjects([
      authPolicy({
        rules: {
          metadata,
          authorization: { guard: matching("has(auth.metadata.secret.data)") },
          response: headers(two),
        },
      }),
    ]);
    const found = lintTopology(topology, { rules: [rule], profile: "default" });
    expect(found.map(({ related }) => related?.length).toSorted()).toEqual([1, 2]);
    expect(found.every(({ severity }) => severity === "warning")).toBe(true);
  });

  test("a selector sends <nil>, so it warns", () => {
    const selected = { response: headers({ authorization: { plain: { selector: KEY } } }) };
    expect(guarded({ guard: matching("has(auth.metadata.secret)") }, selected)[0]).toMatch(/^warning/);
  });

  test("a header that nothing guards is the business of another rule", () => {
    expect(guarded({})).toEqual([]);
  });
});

describe("a guard of another policy", () => {
  const own = authPolicy({ rules: { metadata, response } });
  const merging = (predicate: string): object =>
    authPolicy(
      { defaults: { strategy: "merge", rules: { authorization: { guard: matching(predicate) } } } },
      { name: "gw", target: ON_GATEWAY },
    );

  test("is reported on the header that it fails", () => {
    expect(tell(rule, GATEWAY, EGRESS_ROUTE, own, merging("has(auth.metadata.secret)"))).toEqual([
      `error conflict spec.rules.response.success.headers.authorization.plain.expression «${KEY}»`,
    ]);
    expect(tell(rule, GATEWAY, EGRESS_ROUTE, own, merging(`has(${KEY})`))).toEqual([]);
  });
});

describe("law", () => {
  const paths = ["auth.metadata.secret", "auth.metadata.secret.data", "auth.metadata.secret.data.data", KEY];
  const atom = fc.oneof(
    fc.constantFrom(...paths).map((path) => `has(${path})`),
    fc.constant(`${KEY} != ''`),
    fc.constant("'api_key' in auth.metadata.secret.data.data"),
    fc.constant("request.method == 'GET'"),
  );
  const joined = (inner: fc.Arbitrary<string>): readonly fc.Arbitrary<string>[] => [
    fc.tuple(inner, inner).map(([left, right]) => `(${left} && ${right})`),
    fc.tuple(inner, inner).map(([left, right]) => `(${left} || ${right})`),
  ];
  const { positive, any } = fc.letrec<{ positive: string; any: string }>((tie) => ({
    positive: fc.oneof({ depthSize: "small" }, atom, ...joined(tie("positive"))),
    any: fc.oneof(
      { depthSize: "small" },
      atom,
      ...joined(tie("any")),
      tie("any").map((inner) => `!(${inner})`),
      fc.tuple(tie("any"), tie("any"), tie("any")).map((parts) => `(${parts[0]} ? ${parts[1]} : ${parts[2]})`),
    ),
  }));
  const cel = new Environment({ unlistedVariablesAreDyn: true });
  /** Everything that the secret store may answer without the key. */
  const failures: readonly object[] = [
    {},
    { secret: {} },
    { secret: { errors: [] } },
    { secret: { data: {} } },
    { secret: { data: { data: {} } } },
    { secret: { data: { data: { other: "x" } } } },
  ];
  const passes = (predicate: string): boolean => {
    const guard = cel.parse(predicate);
    return ["GET", "POST"].some((method) =>
      failures.some((answer) => {
        try {
          return guard({ auth: { metadata: answer }, request: { method } }) === true;
        } catch {
          return false;
        }
      }),
    );
  };

  const reported = (predicate: string): boolean => {
    const policy = authPolicy({ rules: { metadata, authorization: { guard: matching(predicate) }, response } });
    return [...tell(rule, policy), ...tell(missing, policy)].length > 0;
  };

  test("a guard that a failed lookup can pass is reported", () => {
    fc.assert(
      fc.property(any, (predicate) => {
        expect(reported(predicate) || !passes(predicate)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("a guard without negations is reported only if a failed lookup can pass it", () => {
    fc.assert(
      fc.property(positive, (predicate) => {
        expect(reported(predicate)).toBe(passes(predicate));
      }),
      { numRuns: 500 },
    );
  });
});
