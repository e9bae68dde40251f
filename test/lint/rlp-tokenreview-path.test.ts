import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/rlp-tokenreview-path.ts";
import { authRules, caretsOf, counting, labelled, limitedWhen } from "../support/expression-policies.ts";
import { findingsOf } from "../support/rule-findings.ts";

const publishing = (filters: string): string => authRules(`{response: {success: {filters: ${filters}}}}`);

describe("a path of Authorino in the gateway", () => {
  test.each([
    "auth.identity.user.username",
    "auth['identity'].user.username",
    "auth.identity['user']['username']",
    "auth.identity.claims.email",
    "auth.identity.metadata.annotations['tier']",
    "auth.identity.sub.name",
  ])("%s", (path) => {
    expect(caretsOf(rule, path, counting(path))).toEqual([`error ${path}`]);
    expect(caretsOf(rule, path, labelled(path))).toEqual([`error ${path}`]);
    expect(caretsOf(rule, `${path} == 'a'`, limitedWhen(`${path} == 'a'`))).toEqual([`error ${path}`]);
  });

  test("inside has(), which fails as well", () => {
    const text = "has(auth.identity.user.username) ? 'a' : 'b'";
    expect(caretsOf(rule, text, counting(text))).toEqual(["error auth.identity.user.username"]);
  });

  test("is mended with the name that it ends in", () => {
    const [finding] = findingsOf(rule, counting("auth.identity.claims.email"));
    expect(finding?.hint).toContain("`auth.identity.email`");
  });

  test.each([
    ["without that property", "{identity: {json: {properties: {username: {selector: auth.identity.user.username}}}}}"],
    [
      "with a text under that name",
      "{identity: {json: {properties: {user: {selector: auth.identity.user.username}}}}}",
    ],
    ["of another name", "{who: {json: {properties: {user: {selector: auth.identity.user}}}}}"],
  ])("beside a filter %s", (_, filters) => {
    expect(findingsOf(rule, counting("auth.identity.user.username"), publishing(filters))).toHaveLength(1);
  });
});

describe("no finding", () => {
  test.each([
    "auth.identity.username",
    "auth.identity.sub",
    "auth.identity.user",
    "auth.identity.profile.name",
    "auth.caller.user.username",
    "has(auth.identity.user) ? auth.identity.user.username : 'none'",
    "auth.identity.?user.?username.orValue('none')",
  ])("for the counter %s", (expression) => {
    expect(findingsOf(rule, counting(expression))).toEqual([]);
  });

  test.each([
    ["the user", "{identity: {json: {properties: {user: {selector: auth.identity.user}}}}}"],
    ["a computed user", "{identity: {json: {properties: {user: {expression: auth.identity.user}}}}}"],
    ["the user under a key", "{who: {key: identity, json: {properties: {user: {selector: auth.identity.user}}}}}"],
    ["the whole identity", "{identity: {plain: {selector: auth.identity}}}"],
  ])("when a filter publishes %s", (_, filters) => {
    expect(findingsOf(rule, counting("auth.identity.user.username"), publishing(filters))).toEqual([]);
  });
});
