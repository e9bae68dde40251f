import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_CHOICES, readLintProfile } from "../../src/lint/lint-profile.ts";
import { judgingIn } from "../../src/lint/namespace-judging.ts";
import { topologyOf } from "../support/topology-of.ts";

const IDS = ["egress-open-attachment", "rlp-preauth-budget", "auth-literal-credential"];
const read = (value: unknown) => readLintProfile(value, IDS);

const profileOf = (value: unknown) => {
  const outcome = read(value);
  if (!outcome.ok) throw new Error(outcome.problems.join("; "));
  return outcome.value;
};

describe("a profile that is refused says where and why", () => {
  test.each<[unknown, string]>([
    ["lint", 'the profile must be a map, got "lint"'],
    [{ lints: {} }, "`lints` is not known; `lint`?"],
    [{ lint: [] }, "`lint` must be a map, got []"],
    [{ lint: { profil: "strict" } }, "`lint.profil` is not known; `profile`?"],
    [{ lint: { profile: "hard" } }, '`lint.profile` must be default or strict, got "hard"'],
    [{ lint: { rules: ["x"] } }, '`lint.rules` must be a map of rule ids to off, warn or deny, got ["x"]'],
    [
      { lint: { rules: { "egress-open-atachment": "off" } } },
      '`lint.rules["egress-open-atachment"]` is no rule; `egress-open-attachment`?',
    ],
    [{ lint: { rules: { zebra: "off" } } }, "`lint.rules.zebra` is no rule; see `sluice rules`"],
    [
      { lint: { rules: { "rlp-preauth-budget": "error" } } },
      '`lint.rules["rlp-preauth-budget"]` must be off, warn or deny, got "error"',
    ],
    [
      { lint: { rules: { "rlp-preauth-budget": false } } },
      '`lint.rules["rlp-preauth-budget"]` must be off, warn or deny, got false',
    ],
    [
      { lint: { rules: { "rlp-preauth-budget": "toString" } } },
      '`lint.rules["rlp-preauth-budget"]` must be off, warn or deny, got "toString"',
    ],
    [{ lint: { namespaces: {} } }, "`lint.namespaces` must be a list of at most 1000 entries"],
    [{ lint: { namespaces: [{ profile: "strict" }] } }, "`lint.namespaces[0]` must have either names or selector"],
    [
      { lint: { namespaces: [{ names: ["a"], selector: { matchLabels: { a: "b" } } }] } },
      "`lint.namespaces[0]` must have either names or selector",
    ],
    [{ lint: { namespaces: [{ names: [] }] } }, "`lint.namespaces[0].names` must be a list of texts, got []"],
    [
      { lint: { namespaces: [{ names: ["team-*"] }] } },
      '`lint.namespaces[0].names` must be names of namespaces, got "team-*"',
    ],
    [
      { lint: { namespaces: [{ selector: {} }] } },
      "`lint.namespaces[0].selector` selects every namespace; say that at `lint` itself",
    ],
    [
      { lint: { namespaces: [{ selector: { matchLabels: { a: 1 } } }] } },
      '`lint.namespaces[0].selector.matchLabels` must be a map of texts, got {"a":1}',
    ],
    [
      { lint: { namespaces: [{ selector: { matchExpressions: [{ key: "a", operator: "Is", values: ["b"] }] } }] } },
      "`lint.namespaces[0].selector.matchExpressions[0]` must have an operator: In, NotIn, Exists, DoesNotExist",
    ],
    [
      { lint: { namespaces: [{ selector: { matchExpressions: [{ key: "a", operator: "Exists", values: ["b"] }] } }] } },
      '`lint.namespaces[0].selector.matchExpressions[0]` must have no values for "Exists"',
    ],
  ])("%j", (value, problem) => {
    const outcome = read(value);
    expect(outcome.ok ? [] : outcome.problems).toContain(problem);
  });

  test("at most twenty times, however wrong it is", () => {
    const rules = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`no-rule-${at}`, "off"]));
    const outcome = read({ lint: { rules } });
    expect(outcome.ok ? 0 : outcome.problems.length).toBe(20);
  });
});

test.each([undefined, null, {}, { lint: {} }, { lint: null }])("%j makes no choices", (value) => {
  expect(profileOf(value)).toEqual(NO_CHOICES);
});

describe("how a namespace is judged", () => {
  const cluster = topologyOf(`
    apiVersion: v1
    kind: Namespace
    metadata: {name: shop, labels: {stage: sandbox}}
    ---
    apiVersion: v1
    kind: Namespace
    metadata: {name: quiet, labels: {sluice.dev/lint: "off"}}
    ---
    apiVersion: v1
    kind: Namespace
    metadata: {name: mild, labels: {sluice.dev/lint: warn, stage: sandbox}}
    ---
    apiVersion: v1
    kind: Namespace
    metadata: {name: hard, labels: {sluice.dev/lint: strict}}
    ---
    apiVersion: v1
    kind: Namespace
    metadata: {name: slip, labels: {sluice.dev/lint: Off}}`);
  const chosen = profileOf({
    lint: {
      rules: { "egress-open-attachment": "deny", "rlp-preauth-budget": "warn" },
      namespaces: [
        { selector: { matchLabels: { stage: "sandbox" } }, profile: "strict", rules: { "rlp-preauth-budget": "off" } },
        { names: ["shop"], rules: { "rlp-preauth-budget": "deny" } },
        { selector: { matchExpressions: [{ key: "stage", operator: "DoesNotExist" }] }, profile: "strict" },
      ],
    },
  });
  const judging = (namespace: string, choices = chosen) => {
    const { levels, ...rest } = judgingIn(namespace, cluster, choices, "default");
    return { ...rest, levels: [...levels].map(([rule, level]) => `${rule}=${level}`).sort() };
  };

  test("later entries win over earlier ones, rule by rule", () => {
    expect(judging("shop")).toEqual({
      mode: "deny",
      profile: "strict",
      levels: ["egress-open-attachment=error", "rlp-preauth-budget=error"],
    });
    expect(judging("mild").levels).toEqual(["egress-open-attachment=error", "rlp-preauth-budget=off"]);
  });

  test.each([
    ["quiet", { mode: "off", profile: "strict" }],
    ["mild", { mode: "warn", profile: "strict" }],
    ["hard", { mode: "deny", profile: "strict" }],
    ["slip", { mode: "deny", profile: "strict", unclearLabel: "Off" }],
  ])("the label of %s wins over the ConfigMap, and one that means nothing is passed on", (namespace, expected) => {
    expect(judging(namespace)).toMatchObject(expected);
  });

  test("a Namespace that is not in view fits no selector, also not by what it lacks", () => {
    expect(judging("unseen")).toEqual({
      mode: "deny",
      profile: "default",
      levels: ["egress-open-attachment=error", "rlp-preauth-budget=warning"],
    });
  });

  test("without choices the process's own profile counts", () => {
    expect(judging("shop", NO_CHOICES)).toEqual({ mode: "deny", profile: "default", levels: [] });
  });
});

test("nothing that JSON can say makes reading throw, and what is accepted can be used", () => {
  const cluster = topologyOf("");
  const member = fc.constantFrom("lint", "profile", "rules", "namespaces", "names", "selector", "matchLabels", ...IDS);
  const tree = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.jsonValue({ maxDepth: 1 }),
      fc.dictionary(member, tie("value")),
      fc.array(tie("value")),
    ),
  })).value;
  fc.assert(
    fc.property(fc.oneof(tree, fc.record({ lint: tree })), (value) => {
      const outcome = read(value);
      if (outcome.ok) judgingIn("shop", cluster, outcome.value, "default");
      else expect(outcome.problems.length).toBeGreaterThan(0);
    }),
  );
});
