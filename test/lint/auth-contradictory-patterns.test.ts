import { Environment } from "@marcbachmann/cel-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/auth-contradictory-patterns.ts";
import { lintTopology } from "../../src/lint/run.ts";
import {
  authPolicy,
  EGRESS_ROUTE,
  GATEWAY,
  matching,
  ON_GATEWAY,
  tell,
  topologyOfObjects,
} from "../support/auth-policies.ts";

const U = "auth.identity.user.username";
const at = "spec.rules.authorization.check.patternMatching.patterns";

const found = (...patterns: readonly (string | object)[]): readonly string[] =>
  tell(rule, authPolicy({ rules: { authorization: { check: matching(...patterns) } } }));

describe("two tests of one value that cannot both hold", () => {
  test.each([
    [`${U} == 'a'`, `${U} == 'b'`],
    [`'a' == ${U}`, `auth['identity'].user.username == 'b'`],
    [`${U}.startsWith('ns:a:')`, `${U}.startsWith('ns:b:')`],
    [`${U}.endsWith(':reader')`, `${U}.endsWith(':writer')`],
    [`${U} == 'ns:a:x'`, `${U}.startsWith('ns:b:')`],
    [`${U} == 'ns:a:x'`, `!${U}.startsWith('ns:a:')`],
    [`${U} == 'a'`, `${U} != 'a'`],
    [`${U} == 'abc'`, `${U}.contains('x')`],
    [`${U}.startsWith('ns:a:')`, `!${U}.startsWith('ns:')`],
    [`${U}.startsWith('ns:a:')`, `!${U}.contains('a:')`],
    [`${U} == 'a' || ${U} == 'b'`, `${U}.startsWith('c')`],
    [`${U} in ['a', 'b']`, `${U} in ['c']`],
    [`${U} in ['a']`, `!(${U} in ['a', 'b'])`],
    [`!(${U} != 'a' || request.path == '/')`, `${U} == 'b'`],
    [`(${U} == 'a' && request.path == '/') || ${U} == 'b'`, `${U} == 'c'`],
    [`${U}.split(':')[2] == 'team-a'`, `${U}.split(':')[2] == 'team-b'`],
    ["request.headers['x-team'] == 'a'", "request.headers['x-team'] == 'b'"],
    ["auth.identity.admin", "!auth.identity.admin"],
    ["has(auth.identity.user.uid)", "!has(auth.identity.user.uid)"],
    ["auth.identity.level == 1", "auth.identity.level == 2"],
    [`${U}.matches('^ns:a:.*')`, `${U}.matches('^ns:b:[a-z]+$')`],
  ])("%s and %s", (one, other) => {
    expect(found(one, other)).toEqual([`error ${at}[1].predicate «${other}»`]);
  });

  test.each([
    [`${U}.startsWith('ns:')`, `${U}.startsWith('ns:a:')`],
    [`${U}.startsWith('ns:a:')`, `${U}.endsWith(':writer')`],
    [`${U}.startsWith('ns:a:') || ${U}.startsWith('ns:b:')`, `${U}.startsWith('ns:b:')`],
    [`${U} == 'a' || request.path == '/'`, `${U} == 'b'`],
    [`${U} != 'a'`, `${U} != 'b'`],
    [`${U} == 'a'`, "auth.identity.user.uid == 'b'"],
    [`${U}.contains('a')`, `${U}.contains('b')`],
    [`${U}.matches('^ns:a:|^ns:b:')`, `${U}.startsWith('ns:b:')`],
    [`${U}.matches('^ns:ab?')`, `${U}.startsWith('ns:a:')`],
    [`${U}.matches('(?i)^ns:a:')`, `${U}.startsWith('ns:b:')`],
    [`!${U}.matches('^ns:a:x')`, `${U}.startsWith('ns:a:')`],
    ["auth.identity.level == 1", "auth.identity.level == '2'"],
    ["auth.identity.level == 1", "auth.identity.level == 1.0"],
    ["auth.identity.user.groups.exists(g, g == 'a')", "auth.identity.user.groups.exists(g, g == 'b')"],
    ["auth.authorization.first == true", "auth.authorization.first == false"],
    [`request.method == 'GET' ? ${U} == 'a' : true`, `${U} == 'b'`],
    [`${U} in []`, `${U} == 'b'`],
  ])("is not said of %s and %s", (one, other) => {
    expect(found(one, other)).toEqual([]);
  });
});

describe("selectors", () => {
  const select = (operator: string, value: string, selector = U): object => ({ selector, operator, value });

  test.each([
    ["eq and eq", select("eq", "a"), select("eq", "b"), 1],
    ["eq and neq", select("eq", "a"), select("neq", "a"), 1],
    ["anchored expressions", select("matches", "^ns:a:"), select("matches", "^ns:b:"), 1],
    ["incl and excl", select("incl", "a"), select("excl", "a"), 1],
    ["incl and incl", select("incl", "a"), select("incl", "b"), 0],
    ["the same wildcard", select("eq", "a", "auth.identity.*"), select("eq", "b", "auth.identity.*"), 1],
    ["a modifier", select("eq", "a"), select("eq", "b", `${U}.@case:upper`), 0],
    ["two values", select("eq", "a"), select("eq", "b", "auth.identity.user.uid"), 0],
    ["expressions that are not anchored", select("matches", "ns:a:"), select("matches", "ns:b:"), 0],
  ])("%s", (_, one, other, count) => {
    expect(found(one, other)).toHaveLength(count);
  });

  test("and CEL test the same value", () => {
    expect(found(select("eq", "a"), `${U} == 'b'`)).toEqual([`error ${at}[1].predicate «${U} == 'b'»`]);
    expect(found(`${U}.startsWith('b')`, select("eq", "a"))).toEqual([`error ${at}[1].value`]);
  });
});

describe("what is a conjunction", () => {
  const a = `${U} == 'a'`;
  const b = `${U} == 'b'`;
  const items = (authorization: object, spec: object = {}): readonly string[] =>
    tell(rule, authPolicy({ ...spec, rules: { authorization } }));
  const get = { when: [{ predicate: "request.method == 'GET'" }] };

  test.each([
    ["an && of one predicate", matching(`${a} && ${b}`), 1],
    ["an all", matching({ all: [{ predicate: a }, { all: [{ predicate: b }] }] }), 1],
    ["an any", matching({ any: [{ predicate: a }, { predicate: b }] }), 0],
    [
      "an any of which every alternative is excluded",
      matching(a, { any: [{ predicate: b }, { predicate: `${U} == 'c'` }] }),
      1,
    ],
    ["an any of which one alternative is not", matching(a, { any: [{ predicate: b }, { predicate: "true" }] }), 0],
    [
      "a dead alternative beside a live one",
      matching({ any: [{ predicate: `${a} && ${b}` }, { predicate: "true" }] }),
      0,
    ],
    ["a pattern of its own item's when", { ...matching(b), when: [{ predicate: a }] }, 0],
    ["the patterns of an item with a when", { ...matching(a, b), ...get }, 1],
  ])("%s", (_, item, count) => {
    expect(items({ check: item })).toHaveLength(count);
  });

  test("items are one when they run for the same requests", () => {
    expect(items({ one: matching(a), two: matching(b) })).toHaveLength(1);
    expect(items({ one: { ...matching(a), ...get }, two: { ...matching(b), ...get } })).toHaveLength(1);
    expect(items({ one: { ...matching(a), ...get }, two: matching(b) })).toEqual([]);
  });

  test("named patterns are looked into, and one that refers to itself does no harm", () => {
    const patterns = { loop: { allOf: [{ patternRef: "loop" }, { predicate: a }] } };
    expect(items({ check: matching({ patternRef: "loop" }, b) }, { patterns })).toHaveLength(1);
    expect(items({ check: matching({ patternRef: "unknown" }, b) }, { patterns })).toEqual([]);
  });

  test("items of a block that merges warn until a route is in view, one that is replaced is no conjunct", () => {
    const block = { strategy: "merge", rules: { authorization: { one: matching(a), two: matching(b) } } };
    const ofGateway = authPolicy({ defaults: block }, { name: "gw", target: ON_GATEWAY });
    const replacing = authPolicy({ rules: { authorization: { two: matching("true") } } });
    expect(tell(rule, ofGateway)[0]).toMatch(/^warning/);
    expect(tell(rule, GATEWAY, EGRESS_ROUTE, ofGateway)[0]).toMatch(/^error/);
    expect(tell(rule, GATEWAY, EGRESS_ROUTE, ofGateway, replacing)).toEqual([]);
  });
});

test("the message gives both texts, the hint joins the tests", () => {
  const patterns = matching(`${U}.startsWith('ns:a:')`, `${U}.startsWith('ns:b:')`);
  const topology = topologyOfObjects([authPolicy({ rules: { authorization: { check: patterns } } })]);
  expect(lintTopology(topology, { rules: [rule], profile: "default" })[0]).toMatchObject({
    message: `patterns are combined with AND; \`${U}\` cannot start with both \`ns:a:\` and \`ns:b:\`, so every request gets 403`,
    hint: `If either is enough, join them in one predicate: \`${U}.startsWith('ns:a:') || ${U}.startsWith('ns:b:')\`, or use \`any:\`.`,
    related: [{ path: ["spec", "rules", "authorization", "check", "patternMatching", "patterns", 0, "predicate"] }],
  });
});

describe("law", () => {
  const text = fc.constantFrom("", "a", "b", "ab", "ba", "aab", "bab");
  const atom = fc
    .tuple(fc.constantFrom("==", "!=", "startsWith", "endsWith", "contains"), text)
    .map(([operator, value]) =>
      operator.endsWith("=") ? `request.host ${operator} '${value}'` : `request.host.${operator}('${value}')`,
    );
  const { condition } = fc.letrec<{ condition: string }>((tie) => ({
    condition: fc.oneof(
      { depthSize: "small" },
      atom,
      tie("condition").map((inner) => `!(${inner})`),
      fc.tuple(tie("condition"), tie("condition")).map(([left, right]) => `(${left} && ${right})`),
      fc.tuple(tie("condition"), tie("condition")).map(([left, right]) => `(${left} || ${right})`),
    ),
  }));
  const cel = new Environment({ unlistedVariablesAreDyn: true });
  const hosts = ["", "a", "b", "aa", "ab", "ba", "bb", "aab", "bab", "abab", "c", "cab", "abc"];

  test("no value passes patterns that are reported", () => {
    fc.assert(
      fc.property(fc.array(condition, { minLength: 1, maxLength: 3 }), (predicates) => {
        if (found(...predicates).length === 0) return;
        const whole = cel.parse(predicates.map((predicate) => `(${predicate})`).join(" && "));
        for (const host of hosts) expect(whole({ request: { host } })).toBe(false);
      }),
      { numRuns: 400 },
    );
  });
});
