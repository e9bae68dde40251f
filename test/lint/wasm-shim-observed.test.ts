import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { rules } from "../../src/lint/rules/index.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { authRules, counting, limitedWhen } from "../support/expression-policies.ts";
import { yamlOf } from "../support/rule-findings.ts";
import { topologyOf } from "../support/topology-of.ts";

/** What the gateway's own evaluation code gave for an expression, with the username published or nothing. */
type Observation = {
  readonly site: "counter" | "predicate";
  readonly source: string;
  readonly auth: boolean;
  readonly value?: string;
  readonly error?: string;
  readonly parse?: string;
};

const { cases } = JSON.parse(readFileSync("test/fixtures/wasm-shim-observed.json", "utf8")) as {
  readonly cases: readonly Observation[];
};

const WAY = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: gateways, name: egress}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: gateways, name: httpbin}
spec: {parentRefs: [{name: egress}], rules: [{}]}`;
const PUBLISHED = "{identity: {json: {properties: {username: {selector: auth.identity.user.username}}}}}";

const judged = rules.filter(({ id }) => /^(?:rlp-|cel-|predicate-)/.test(id));

/** Rules about how the limits file is written and about the order of limits, not about what an expression gives. */
const ABOUT_OTHERS = new Set(["rlp-counter-not-key-safe", "rlp-preauth-budget"]);

/** The findings for one observation as `id severity`. */
function verdictOn({ source, site, auth }: Observation): readonly string[] {
  const filters = auth ? PUBLISHED : "{}";
  const policies = [
    site === "counter" ? counting(source) : limitedWhen(source),
    authRules(`{authentication: {sa: {kubernetesTokenReview: {}}}, response: {success: {filters: ${filters}}}}`),
  ];
  return lintTopology(topologyOf(yamlOf(WAY, ...policies)), { rules: judged, profile: "strict" })
    .filter(({ rule }) => !ABOUT_OTHERS.has(rule))
    .map(({ rule, severity }) => `${rule} ${severity}`);
}

/** A known function on a value of another type, which no rule looks at. */
const WRONG_OPERAND = /want: "Arc<Vec<Value>>"/;

describe("an expression that the gateway could not evaluate", () => {
  test.each(cases.filter(({ error, parse }) => (error ?? parse) !== undefined && !WRONG_OPERAND.test(error ?? "")))(
    "is reported: $source ($site, auth $auth)",
    (observation) => {
      expect(verdictOn(observation)).not.toEqual([]);
    },
  );
});

/** Evaluated without an error, and still a mistake. */
const MISTAKEN: Readonly<Record<string, readonly string[]>> = {
  "source.address": ["rlp-source-address-counter error"],
  "source.port": ["rlp-source-address-counter error"],
  "request.headers['x-team']": ["rlp-counter-client-controlled warning", "rlp-counter-missing-attribute warning"],
  "'x-none' in request.headers ? request.headers['x-none'] : 'none'": ["rlp-counter-client-controlled warning"],
  "request.url_path": ["rlp-counter-client-controlled warning"],
  "request.query": ["rlp-counter-credential error", "rlp-counter-client-controlled warning"],
  "request.id": ["rlp-counter-per-request error"],
  "request.path == '/v1/chat'": ["cel-composite-exact-match warning"],
  "has(request.headers.x_none)": ["cel-header-access warning"],
  "request.method": ["predicate-not-boolean error"],
};

describe("an expression that the gateway evaluated", () => {
  test.each(cases.filter(({ value }) => value !== undefined))(
    "is accepted, or mistaken: $source ($site)",
    (observation) => {
      expect(verdictOn(observation)).toEqual(MISTAKEN[observation.source] ?? []);
    },
  );
});
