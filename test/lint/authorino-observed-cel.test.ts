import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { rules } from "../../src/lint/rules/index.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { authRules } from "../support/expression-policies.ts";
import { topologyOf } from "../support/topology-of.ts";

/** `authConfigReady` "false": Authorino refused to load the rules, and every host of them answered 404. */
type Case = { readonly id: string; readonly authConfigReady: string; readonly rules: object };

const { cases, meta } = JSON.parse(readFileSync("test/fixtures/authorino-observed.json", "utf8")) as {
  readonly cases: readonly Case[];
  readonly meta: { readonly crash: { readonly rules: object } };
};

const judged = rules.filter(({ id }) => /^(?:cel-|predicate-)/.test(id));

const verdictOn = (policyRules: object): readonly string[] =>
  lintTopology(topologyOf(authRules(JSON.stringify(policyRules))), { rules: judged, profile: "strict" }).map(
    ({ rule, severity }) => `${rule} ${severity}`,
  );

/** Refused for what the rules judged here look at. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  "predicate-subtraction": ["cel-header-access error"],
  "cel-syntax": ["cel-syntax-error error"],
  "cel-unknown-function": ["cel-unsupported-function error"],
  "cel-lowerascii": ["cel-unsupported-function error"],
};

/** Loaded, and still a mistake: the condition of an item compares a path that has a query. */
const MISTAKEN: Readonly<Record<string, readonly string[]>> = {
  "when-false": ["cel-composite-exact-match warning"],
};

describe("rules that a running Authorino was given", () => {
  test("have all been looked at where it refused them", () => {
    const refused = cases.filter(({ authConfigReady }) => authConfigReady === "false").map(({ id }) => id);
    expect(refused.toSorted()).toEqual(Object.keys(REFUSED).toSorted());
  });

  test.each(cases)("$id", ({ id, rules: policyRules }) => {
    expect(verdictOn(policyRules)).toEqual(REFUSED[id] ?? MISTAKEN[id] ?? []);
  });

  test("and that ended its process", () => {
    expect(verdictOn(meta.crash.rules)).toEqual(["predicate-not-boolean error"]);
  });
});
