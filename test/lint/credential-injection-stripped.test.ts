import { describe, expect, test } from "vitest";
import { judgeChange } from "../../src/lint/admission.ts";
import { rule } from "../../src/lint/rules/credential-injection-stripped.ts";
import {
  authPolicy,
  EXTERNAL,
  GATEWAY,
  headers,
  ON_GATEWAY,
  route,
  tell,
  topologyOfObjects,
} from "../support/auth-policies.ts";

const INJECTS = { rules: { response: headers({ Authorization: "'Bearer ' + auth.identity.key" }) } };
const changing = (change: object): object => ({ type: "RequestHeaderModifier", requestHeaderModifier: change });
const STRIP = changing({ remove: ["AUTHORIZATION"] });
const STRIPPING = route([{ backendRefs: [EXTERNAL], filters: [STRIP] }]);
const ON_ROUTE = "error conflict spec.rules[0].filters[0].requestHeaderModifier.remove[0]";
const ON_POLICY = "error conflict spec.rules.response.success.headers.Authorization";

describe("a pair of policy and route", () => {
  test("is reported once, on the one that was read last", () => {
    expect(tell(rule, GATEWAY, authPolicy(INJECTS), STRIPPING)).toEqual([ON_ROUTE]);
    expect(tell(rule, GATEWAY, STRIPPING, authPolicy(INJECTS))).toEqual([ON_POLICY]);
  });

  test("is told on the policy once for each header, with every filter that touches it", () => {
    const rules = [
      { backendRefs: [EXTERNAL], filters: [STRIP] },
      { backendRefs: [EXTERNAL], filters: [STRIP] },
    ];
    expect(tell(rule, GATEWAY, route(rules), authPolicy(INJECTS))).toEqual([ON_POLICY]);
    expect(tell(rule, GATEWAY, authPolicy(INJECTS), route(rules))).toHaveLength(2);
  });

  test("is denied at admission, whichever is applied last", () => {
    const judged = (object: object, present: object): object =>
      judgeChange(
        { operation: "CREATE", object, oldObject: null, namespace: "gateways" },
        topologyOfObjects([GATEWAY, present]),
        { rules: [rule], profile: "default" },
      );
    expect(judged(STRIPPING, authPolicy(INJECTS))).toMatchObject({ denied: [{ severity: "error" }], warned: [] });
    expect(judged(authPolicy(INJECTS), STRIPPING)).toMatchObject({ denied: [{ severity: "error" }], warned: [] });
  });

  test("says what becomes of the header", () => {
    const told = (change: object) =>
      tell(rule, GATEWAY, authPolicy(INJECTS), route([{ backendRefs: [EXTERNAL], filters: [changing(change)] }]));
    expect(told({ set: [{ name: "authorization", value: "x" }] })[0]).toContain("requestHeaderModifier.set[0].name");
    expect(told({ add: [{ name: "authorization", value: "x" }] })[0]).toContain("requestHeaderModifier.add[0].name");
    expect(told({ remove: ["x-other"] })).toEqual([]);
  });
});

describe("no certain loss is only a warning", () => {
  test.each([
    ["a policy of the gateway", authPolicy(INJECTS, { target: ON_GATEWAY }), STRIPPING],
    [
      "a header that is not always injected",
      authPolicy({
        rules: {
          response: headers({
            authorization: { when: [{ predicate: "request.method == 'GET'" }], plain: { expression: "'x'" } },
          }),
        },
      }),
      STRIPPING,
    ],
    [
      "one of two backends",
      authPolicy(INJECTS),
      route([
        {
          backendRefs: [
            { ...EXTERNAL, filters: [STRIP] },
            { ...EXTERNAL, name: "b.example.com" },
          ],
        },
      ]),
    ],
  ])("%s", (_, policy, provider) => {
    expect(tell(rule, GATEWAY, policy, provider).map((told) => told.split(" ")[0])).toEqual(["warning"]);
  });

  test("the only backend that gets requests is certain", () => {
    const backends = [
      { ...EXTERNAL, filters: [STRIP] },
      { ...EXTERNAL, weight: 0 },
    ];
    expect(tell(rule, GATEWAY, authPolicy(INJECTS), route([{ backendRefs: backends }]))[0]).toMatch(/^error/);
  });
});
