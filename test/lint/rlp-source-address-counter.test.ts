import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/rlp-source-address-counter.ts";
import { caretsOf, counting, limitedWhen } from "../support/expression-policies.ts";
import { findingsOf } from "../support/rule-findings.ts";

describe("a counter that contains the client's port", () => {
  test.each([
    ["source.address", "source.address"],
    ['source["address"]', 'source["address"]'],
    ["source['address']", "source['address']"],
    ["source.?address.orValue('')", "source.?address"],
    ["string(source.port)", "source.port"],
    ["'a-' + source.address", "source.address"],
    ["request.method == 'GET' ? 'a' : source.address.lowerAscii()", "source.address"],
    ["source.address.trim()", "source.address"],
    ["string([source.address])", "source.address"],
    ["source.address.substring(3)", "source.address"],
    ["source.address.split(':')[1]", "source.address"],
    ["source.address.replace('.', '-')", "source.address"],
    ["string(source)", "source"],
  ])("%s", (expression, at) => {
    expect(caretsOf(rule, expression, counting(expression))).toEqual([`error ${at}`]);
    expect(caretsOf(rule, expression, counting(expression, "TokenRateLimitPolicy"))).toEqual([`error ${at}`]);
  });

  test("is named with its limit", () => {
    const [finding] = findingsOf(rule, counting("source.address"));
    expect(finding?.message).toContain("`source.address`");
    expect(finding?.message).toContain("limit `x`");
    expect(finding?.hint).toContain("source.remote_address");
  });
});

describe("no finding", () => {
  test.each([
    "source.address.split(':')[0]",
    "source.address.substring(0, source.address.lastIndexOf(':'))",
    "source.remote_address",
    "source.port > 1000 ? 'a' : 'b'",
    "source.address.startsWith('10.') ? 'a' : 'b'",
    "source.address == ",
  ])("for the counter %s", (expression) => {
    expect(findingsOf(rule, counting(expression))).toEqual([]);
  });

  test("for a predicate", () => {
    expect(findingsOf(rule, limitedWhen("source.address.startsWith('10.')"))).toEqual([]);
    expect(findingsOf(rule, limitedWhen("source.address == 'x'"))).toEqual([]);
  });
});
