import { describe, expect, test } from "vitest";
import { judgeChange } from "../../src/lint/admission.ts";
import { rule } from "../../src/lint/rules/auth-sa-token-forwarded.ts";
import { lintTopology } from "../../src/lint/run.ts";
import {
  authPolicy,
  EGRESS_ROUTE,
  EXTERNAL,
  GATEWAY,
  headers,
  ON_GATEWAY,
  route,
  tell,
  topologyOfObjects,
} from "../support/auth-policies.ts";

const API_SERVER = { kubernetesTokenReview: { audiences: ["https://kubernetes.default.svc.cluster.local"] } };
const identity = (item: object = API_SERVER, more: object = {}): object => ({ authentication: { who: item }, ...more });
const strip = (...names: readonly string[]): object => ({
  type: "RequestHeaderModifier",
  requestHeaderModifier: { remove: names },
});
const at = (method: string): string => `conflict spec.rules.authentication.who.${method}`;

/** What is found on the gateway's route with these rules. */
const onRules = (rules: readonly object[], policyRules: object = identity()): readonly string[] =>
  tell(rule, GATEWAY, route(rules), authPolicy({ rules: policyRules }));

const LEAK = [`error ${at("kubernetesTokenReview")}`];

describe("what carries the credential", () => {
  test.each([
    ["a ServiceAccount token", API_SERVER, `error ${at("kubernetesTokenReview")}`],
    [
      "a token for the audience `api`",
      { kubernetesTokenReview: { audiences: ["api", "x"] } },
      `error ${at("kubernetesTokenReview")}`,
    ],
    ["a token for the request's host", { kubernetesTokenReview: {} }, `error ${at("kubernetesTokenReview")}`],
    [
      "a token for the provider",
      { kubernetesTokenReview: { audiences: ["x"] } },
      `warning ${at("kubernetesTokenReview")}`,
    ],
    ["a JWT", { jwt: { issuerUrl: "https://login.example.com" } }, `error ${at("jwt")}`],
    [
      "an API key with a prefix",
      { apiKey: {}, credentials: { authorizationHeader: { prefix: "KEY" } } },
      `error ${at("apiKey")}`,
    ],
    ["an API key in the URL", { apiKey: {}, credentials: { queryString: { name: "key" } } }, `error ${at("apiKey")}`],
  ])("%s is left on the request", (_, item, told) => {
    expect(onRules([{ backendRefs: [EXTERNAL] }], identity(item))).toEqual([told]);
  });

  test.each([
    ["anonymous access", { anonymous: {} }],
    ["a client certificate", { x509: {} }],
    ["a plain value of the request", { plain: { selector: "request.headers.x-user" } }],
  ])("%s has none", (_, item) => {
    expect(onRules([{ backendRefs: [EXTERNAL] }], identity(item))).toEqual([]);
  });
});

describe("what takes it off", () => {
  const key = (credentials: object): object => identity({ apiKey: {}, credentials });

  test.each([
    ["the rule removes it", [{ backendRefs: [EXTERNAL], filters: [strip("Authorization")] }], []],
    ["the backend removes it", [{ backendRefs: [{ ...EXTERNAL, filters: [strip("authorization")] }] }], []],
    [
      "the rule sets it",
      [
        {
          backendRefs: [EXTERNAL],
          filters: [{ requestHeaderModifier: { set: [{ name: "authorization", value: "x" }] } }],
        },
      ],
      [],
    ],
    [
      "the rule adds another value to it",
      [
        {
          backendRefs: [EXTERNAL],
          filters: [{ requestHeaderModifier: { add: [{ name: "authorization", value: "x" }] } }],
        },
      ],
      LEAK,
    ],
    [
      "only the response is changed",
      [{ backendRefs: [EXTERNAL], filters: [{ responseHeaderModifier: { remove: ["authorization"] } }] }],
      LEAK,
    ],
    [
      "one of two rules removes it",
      [{ backendRefs: [EXTERNAL], filters: [strip("authorization")] }, { backendRefs: [EXTERNAL] }],
      LEAK,
    ],
    [
      "one of two backends removes it",
      [{ backendRefs: [{ ...EXTERNAL, filters: [strip("authorization")] }, EXTERNAL] }],
      LEAK,
    ],
    ["another header is removed", [{ backendRefs: [EXTERNAL], filters: [strip("x-internal")] }], LEAK],
  ])("%s", (_, rules, told) => {
    expect(onRules(rules)).toEqual(told);
  });

  test.each([
    ["a custom header", key({ customHeader: { name: "X-Key" } }), strip("x-key")],
    ["a cookie", key({ cookie: { name: "session" } }), strip("Cookie")],
  ])("%s is removed by its own name", (_, rules, filter) => {
    expect(onRules([{ backendRefs: [EXTERNAL], filters: [filter] }], rules)).toEqual([]);
    expect(onRules([{ backendRefs: [EXTERNAL], filters: [strip("authorization")] }], rules)).toHaveLength(1);
  });

  test("an injected header of that name replaces it, one of another name does not", () => {
    const rules = [{ backendRefs: [EXTERNAL] }];
    const injecting = (response: object): object => identity(API_SERVER, { response });
    expect(onRules(rules, injecting(headers({ Authorization: "'Bearer x'" })))).toEqual([]);
    expect(onRules(rules, injecting(headers({ x: { key: "AUTHORIZATION", plain: { value: "" } } })))).toEqual([]);
    expect(onRules(rules, injecting(headers({ "x-api-key": "'key'" })))).toEqual(LEAK);
    expect(onRules(rules, injecting({ success: { filters: { authorization: { plain: { value: "" } } } } }))).toEqual(
      LEAK,
    );
  });
});

describe("where requests go", () => {
  const service = (externalName: string): object => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "gateways", name: "provider" },
    spec: { type: "ExternalName", externalName },
  });
  const entry = (spec: object): object => ({
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: { namespace: "gateways", name: "provider" },
    spec: {
      hosts: ["*.example.com"],
      resolution: "STATIC",
      ports: [{ number: 443, name: "tls", protocol: "TLS" }],
      ...spec,
    },
  });
  const found = (backend: object, ...more: readonly object[]): readonly string[] =>
    tell(rule, GATEWAY, route([{ backendRefs: [backend] }]), authPolicy({ rules: identity() }), ...more);

  test.each([
    ["a Service of the cluster", { name: "web", port: 80 }, [], []],
    ["a Service with an external name", { name: "provider", port: 443 }, [service("api.example.com")], LEAK],
    [
      "a Service with a name of the cluster",
      { name: "provider", port: 443 },
      [service("web.apps.svc.cluster.local.")],
      [],
    ],
    ["a host name of the cluster", { ...EXTERNAL, name: "web.apps.svc.cluster.local" }, [], []],
    ["a backend that gets no requests", { ...EXTERNAL, weight: 0 }, [], []],
    ["a host of the mesh", EXTERNAL, [entry({ location: "MESH_INTERNAL", endpoints: [{ address: "10.0.0.7" }] })], []],
    [
      "a host of the mesh by name",
      EXTERNAL,
      [entry({ location: "MESH_INTERNAL", endpoints: [{ address: "vm.corp" }] })],
      [],
    ],
    [
      "a host of the mesh at a public address",
      EXTERNAL,
      [entry({ location: "MESH_INTERNAL", endpoints: [{ address: "8.8.8.8" }] })],
      LEAK,
    ],
    [
      "an external host at a private address",
      EXTERNAL,
      [entry({ location: "MESH_EXTERNAL", endpoints: [{ address: "10.0.0.7" }] })],
      LEAK,
    ],
    ["an external host by default", EXTERNAL, [entry({})], LEAK],
  ])("%s", (_, backend, more, told) => {
    expect(found(backend, ...more)).toEqual(told);
  });

  test("nothing is said without the gateway or the route in view", () => {
    expect(tell(rule, authPolicy({ rules: identity() }))).toEqual([]);
    expect(tell(rule, EGRESS_ROUTE, authPolicy({ rules: identity() }))).toEqual([]);
  });
});

describe("the policy that is in force", () => {
  const ofGateway = (spec: object): object => authPolicy(spec, { name: "gateway", target: ON_GATEWAY });
  const others = [GATEWAY, EGRESS_ROUTE];

  test("a gateway's policy is reported once for all of its routes, which are named", () => {
    const topology = topologyOfObjects([
      ...others,
      route([{ backendRefs: [EXTERNAL] }], "second"),
      ofGateway({ rules: identity() }),
    ]);
    const found = lintTopology(topology, { rules: [rule], profile: "strict" });
    expect(found).toHaveLength(1);
    expect(found[0]?.message).toContain("requests through `HTTPRoute gateways/provider` and 1 more leave the cluster");
    expect(found[0]?.related?.map(({ object }) => object.name)).toEqual(["provider", "second"]);
  });

  test("a policy that another one replaces on every path is not reported", () => {
    const injecting = { rules: identity(API_SERVER, { response: headers({ authorization: "'Bearer x'" }) }) };
    expect(tell(rule, ...others, ofGateway({ rules: identity() }), authPolicy(injecting))).toEqual([]);
    expect(tell(rule, ...others, ofGateway({ overrides: injecting }), authPolicy({ rules: identity() }))).toEqual([]);
  });

  test("a header that another policy's defaults merge in replaces the token", () => {
    const injecting = { strategy: "merge", rules: { response: headers({ authorization: "'Bearer x'" }) } };
    expect(tell(rule, ...others, ofGateway({ defaults: injecting }), authPolicy({ rules: identity() }))).toEqual([]);
  });

  test("authentication that comes from the gateway's policy is reported there", () => {
    const found = tell(
      rule,
      ...others,
      ofGateway({ defaults: { strategy: "merge", rules: identity() } }),
      authPolicy({ rules: { response: headers({ "x-api-key": "'key'" }) } }),
    );
    expect(found).toEqual(["error conflict spec.defaults.rules.authentication.who.kubernetesTokenReview"]);
  });
});

describe("words", () => {
  const finding = (item: object): { message: string; hint: string } | undefined =>
    lintTopology(topologyOfObjects([GATEWAY, EGRESS_ROUTE, authPolicy({ rules: identity(item) })]), {
      rules: [rule],
      profile: "default",
    })[0];

  test("say what a token for the API server opens, and how to strip it", () => {
    const { message = "", hint = "" } = finding(API_SERVER) ?? {};
    expect(message).toMatch(/api\.example\.com could replay it against the Kubernetes API$/);
    expect(hint).toContain("requestHeaderModifier: {remove: [authorization]}");
    expect(hint).toContain("audiences: [egress-gateway]");
  });

  test("say inside the cluster for any other credential", () => {
    expect(finding({ kubernetesTokenReview: {} })?.message).toMatch(/inside the cluster$/);
    expect(finding({ apiKey: {} })?.message).toContain("the workload's own API key in `authorization`");
  });

  test("say that no filter takes a parameter off the URL", () => {
    const found = finding({ apiKey: {}, credentials: { queryString: { name: "key" } } });
    expect(found?.message).toContain("in the URL, as parameter `key`");
    expect(found?.hint).toContain("read the credential from a header");
  });
});

describe("at admission", () => {
  const change = {
    operation: "CREATE",
    object: authPolicy({ rules: identity() }),
    oldObject: null,
    namespace: "gateways",
  } as const;
  const judged = (profile: "default" | "strict"): object =>
    judgeChange(change, topologyOfObjects([GATEWAY, EGRESS_ROUTE]), { rules: [rule], profile });

  test("it warns in the profile default and denies in strict", () => {
    expect(judged("default")).toMatchObject({ denied: [], warned: [{ severity: "warning" }] });
    expect(judged("strict")).toMatchObject({ denied: [{ severity: "error" }], warned: [] });
  });
});
