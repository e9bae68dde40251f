import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/cel-unsupported-function.ts";
import {
  authPattern,
  authWhen,
  caretsOf,
  counting,
  labelled,
  limitedWhen,
  planWhen,
} from "../support/expression-policies.ts";
import { findingsOf } from "../support/rule-findings.ts";

const inAuthorino = (predicate: string): string => authPattern({ predicate });

describe("the gateway, in counters and labels", () => {
  test.each([
    ["'%s'.format([request.host])", "format"],
    ["request.host.reverse()", "reverse"],
    ["strings.quote(request.host)", "strings.quote"],
    ["string(sets.contains(['a'], ['b']))", "sets.contains"],
    ["base64.encode(b'x')", "base64.encode"],
    ["string(url(request.path))", "url"],
    ["string(ip(source.remote_address))", "ip"],
    ["string(cidr('10.0.0.0/8'))", "cidr"],
    ["lowerascii(request.host)", "lowerascii"],
    ["request.host.toLower()", "toLower"],
    ["regex.replace(request.path, 'a', 'b')", "regex.replace"],
    ["queryMap(request.query)['a']", "queryMap"],
    ["request.headers[?'a'].optMap(v, v + 'x').orValue('n')", "optMap"],
    ["jsonpath(request.path)", "jsonpath"],
    ["string(bool('true'))", "bool"],
    ["cel.bind(h, request.host, h + h)", "cel.bind"],
  ])("has no function of %s", (expression, name) => {
    expect(caretsOf(rule, expression, counting(expression))).toEqual([`error ${name}`]);
    expect(caretsOf(rule, expression, labelled(expression))).toEqual([`error ${name}`]);
  });

  test.each([
    "request.host.lowerAscii().trim().split('.')[0]",
    "request.headers[?'x'].orValue('none')",
    "optional.ofNonZeroValue(request.host).orValue('x')",
    "['a'].map(v, v + 'b').join(',')",
    "['a'].existsOne(v, v == request.host) ? 'a' : 'b'",
    "string(requestBodyJSON('/model'))",
    "lowerAscii(request.host)",
    "request.time.getHours()",
    "broken(",
  ])("is not judged, or has all of %s", (expression) => {
    expect(caretsOf(rule, expression, counting(expression))).toEqual([]);
  });

  test("says so once for a function that is called twice", () => {
    expect(findingsOf(rule, counting("toLower(toLower(request.host))"))).toHaveLength(1);
  });
});

describe("conditions, which the operator checks and the gateway evaluates", () => {
  test.each([
    ["request.?host.orValue('') == 'a'", ["request.?host", "orValue"]],
    ["optional.of(request.host).hasValue()", ["optional.of", "hasValue"]],
    ["'%s'.format([request.host]) == 'a'", ["format"]],
    ["startsWith(request.host, 'a')", ["startsWith"]],
    ["request.host.string() == 'a'", ["string"]],
    ["['a'].existsOne(v, v == request.host)", ["existsOne"]],
    ["request.headers.all(k, v, v != '')", ["all"]],
    ["request.headers.exists(k == 'a')", ["exists"]],
    ["all(v, v == request.host)", ["all"]],
  ] as const)("%s", (predicate, names) => {
    const expected = names.map((name) => `error ${name}`);
    expect(caretsOf(rule, predicate, limitedWhen(predicate))).toEqual(expected);
    expect(caretsOf(rule, predicate, authWhen(predicate))).toEqual(expected);
  });

  test.each(["requestBodyJSON('/a') == 'b'", "size(request.host) > 1 && request.host.matches('^a')"])(
    "%s",
    (predicate) => {
      expect(findingsOf(rule, limitedWhen(predicate))).toEqual([]);
    },
  );

  test("say who does not know the function", () => {
    const message = (predicate: string): string => findingsOf(rule, limitedWhen(predicate))[0]?.message ?? "";
    expect(message("toLower(request.host) == 'a'")).toContain("does not exist in the gateway");
    expect(message("request.?host == optional.none()")).toContain("does not exist in the operator");
    expect(message("request.headers.exists(k, v, v == 'a')")).toContain(
      "not exist with these arguments in the operator",
    );
  });
});

describe("Authorino and plans", () => {
  test.each([
    ["requestBodyJSON('/a') == 'b'", "requestBodyJSON"],
    ["queryMap(request.query)['a'] == 'b'", "queryMap"],
    ["math.greatest(1, 2) == 2", "math.greatest"],
    ["request.host.size == 1 && lowerAscii(request.host) == 'a'", "lowerAscii"],
    ["['a'].existsOne(v, v == request.host)", "existsOne"],
    ["auth.identity.user.groups.map(g) == []", "map"],
    ["auth.identity.user.groups.all(i, g, g != '') && [1].all(i, i > 0)", "all"],
  ])("have no %s", (predicate, name) => {
    expect(caretsOf(rule, predicate, inAuthorino(predicate))).toEqual([`error ${name}`]);
    expect(caretsOf(rule, predicate, planWhen(predicate))).toEqual([`error ${name}`]);
  });

  test.each([
    "type(request.host) == string && dyn(1) == 1",
    "request.headers[?'a'].optMap(v, v == 'b').orValue(false)",
    "'%s'.format([request.host]).reverse() == 'a'",
    "strings.quote(request.host) != ''",
    "auth.identity.user.groups.first().orValue('') == 'a' && [optional.of(1)].unwrapOpt() == [1]",
  ])("have %s", (predicate) => {
    expect(findingsOf(rule, inAuthorino(predicate))).toEqual([]);
  });
});

test.each([
  ["lowerascii(request.host)", "`lowerAscii`"],
  ["request.host.toLower()", "`.lowerAscii()`"],
  ["request.host.startswith('a') ? 'a' : 'b'", "`startsWith`"],
])("the hint for %s names %s", (expression, name) => {
  expect(findingsOf(rule, counting(expression))[0]?.hint).toContain(name);
});
