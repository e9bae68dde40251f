import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { rules } from "../../src/lint/rules/index.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { topologyOf } from "../support/topology-of.ts";

/** What a running Authorino answered for a policy's rules, and what reached the provider. */
type Observation = {
  /** Null for a request without a token. */
  readonly caller: string | null;
  readonly secretStore: string;
  readonly status: number;
  readonly upstreamHeaders?: Readonly<Record<string, string>>;
};
type Case = {
  readonly id: string;
  readonly rules: { readonly authentication?: object };
  readonly observed: readonly Observation[];
};

const { cases } = JSON.parse(readFileSync("test/fixtures/authorino-observed.json", "utf8")) as {
  readonly cases: readonly Case[];
};

const JUDGED = [
  "auth-anonymous-fallback",
  "auth-cache-key-shared",
  "auth-constant-header",
  "auth-contradictory-patterns",
  "auth-item-order",
  "auth-no-authorization",
  "auth-sa-token-forwarded",
  "authorization-when-fails-open",
  "credential-guard-missing",
  "credential-guard-too-shallow",
  "identity-prefix-open",
  "metadata-http-contract",
  "metadata-untrusted-url",
  "tokenreview-identity-path",
];
const judged = rules.filter(({ id }) => JUDGED.includes(id));

const infrastructure = readFileSync("test/fixtures/manifests/000-egress-gateway/infrastructure.yaml", "utf8");

/** The policy on the guide's route, linted as strictly as possible: "rule severity", sorted. */
function verdictOn(policyRules: object): readonly string[] {
  const policy = {
    apiVersion: "kuadrant.io/v1",
    kind: "AuthPolicy",
    metadata: { namespace: "gateway-system", name: "observed" },
    spec: {
      targetRef: { group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "httpbin-external" },
      rules: policyRules,
    },
  };
  const topology = topologyOf(`${infrastructure}\n---\n${JSON.stringify(policy)}\n`);
  const found = lintTopology(topology, { rules: judged, profile: "strict" });
  return [...new Set(found.map(({ rule, severity }) => `${rule} ${severity}`))].sort();
}

const OPEN = "auth-no-authorization warning";

/** What the rules say, where it is more than that the caller's token is forwarded. */
const SAID: Readonly<Record<string, readonly string[]>> = {
  "identity-two-patterns": ["auth-contradictory-patterns error"],
  "identity-prefix": ["identity-prefix-open error"],
  "identity-wrong-path": ["tokenreview-identity-path error"],
  "no-authorization": [OPEN],
  "anonymous-fallback": ["auth-anonymous-fallback warning", OPEN],
  "no-authentication": ["auth-anonymous-fallback warning"],
  "audience-missing": [OPEN],
  "audience-other": [OPEN],
  "header-selector-nothing": [OPEN, "tokenreview-identity-path error"],
  "header-authorization-selector-nothing": ["auth-item-order error", OPEN, "credential-guard-missing warning"],
  "header-authorization-empty": ["auth-constant-header warning", OPEN],
  "header-value": ["auth-constant-header warning", OPEN],
  "header-json": [OPEN],
  "credential-guide": ["credential-guard-too-shallow error"],
  "credential-order-swapped": ["auth-item-order error", "credential-guard-too-shallow error"],
  "metadata-put": ["credential-guard-too-shallow error", "metadata-http-contract error"],
  "metadata-no-content-type": ["credential-guard-too-shallow error", "metadata-http-contract error"],
  "credential-other-header": ["credential-guard-too-shallow error"],
  "cache-by-host": ["auth-cache-key-shared error", "credential-guard-missing warning"],
  "cache-by-nothing": ["credential-guard-missing warning", "tokenreview-identity-path warning"],
  "metadata-not-json": [OPEN, "credential-guard-missing warning"],
  "authorization-priority": ["auth-item-order warning"],
};

const FORWARDED = "auth-sa-token-forwarded";

describe("the rules agree with a running Authorino", () => {
  test.each(cases)("on $id they say what is known of it", ({ id, rules: policyRules }) => {
    expect(verdictOn(policyRules).filter((said) => !said.startsWith(FORWARDED))).toEqual(SAID[id] ?? []);
  });

  test("every case that is known here was observed", () => {
    expect(cases.map(({ id }) => id)).toEqual(expect.arrayContaining(Object.keys(SAID)));
  });
});

/** Headers of the requests that passed while the secret store worked. */
const passedWith = ({ observed }: Case): readonly Readonly<Record<string, string>>[] =>
  observed
    .filter(({ status, secretStore }) => status === 200 && secretStore === "ok")
    .map(({ upstreamHeaders = {} }) => upstreamHeaders);

/** The token that the policy reads was seen at the provider, or what replaced it. */
const sawAuthorization = (observed: Case): boolean =>
  JSON.stringify(observed.rules).includes("TokenReview") &&
  passedWith(observed).some(({ authorization }) => authorization !== undefined);

const sawFailure = ({ observed }: Case): boolean => observed.some(({ secretStore }) => secretStore !== "ok");

/** Rules whose error means that no request can succeed as it was meant to. */
const NEVER_WORKS = ["auth-contradictory-patterns error", "auth-item-order error", "tokenreview-identity-path error"];

describe("laws over every observation", () => {
  test.each(cases.filter(sawAuthorization))(
    "$id: a token is reported if and only if the provider got it",
    (observed) => {
      const says = verdictOn(observed.rules).some((said) => said.startsWith(FORWARDED));
      const sent = passedWith(observed).flatMap(({ authorization }) => authorization ?? []);
      expect(sent.map((authorization) => authorization.includes("$SA_TOKEN"))).toEqual(sent.map(() => says));
    },
  );

  test.each(cases)("$id: what is said never to work was never seen to work", (observed) => {
    const never = verdictOn(observed.rules).some((said) => NEVER_WORKS.includes(said));
    const worked = passedWith(observed).some((headers) => !Object.values(headers).includes("<nil>"));
    expect(never && worked).toBe(false);
  });

  test.each(cases.filter(sawFailure))(
    "$id: a guard is reported if and only if a failed lookup passed it",
    (observed) => {
      const reported = verdictOn(observed.rules).some((said) => said.startsWith("credential-guard-"));
      const passed = observed.observed.some(({ status, secretStore }) => status === 200 && secretStore !== "ok");
      expect(reported).toBe(passed);
    },
  );

  test.each(cases)("$id: a constant header is reported if and only if one arrived garbled", (observed) => {
    const garbled = passedWith(observed).some((headers) =>
      Object.values(headers).some((value) => value.startsWith("{[")),
    );
    expect(verdictOn(observed.rules).includes("auth-constant-header warning")).toBe(garbled);
  });

  test.each(cases)("$id: a cache is reported if and only if one caller got another's answer", (observed) => {
    const callers = observed.observed.flatMap(({ caller, upstreamHeaders }) => {
      const answer = upstreamHeaders?.["x-who"];
      return answer === undefined ? [] : [answer === caller];
    });
    expect(verdictOn(observed.rules).includes("auth-cache-key-shared error")).toBe(callers.includes(false));
  });

  const severalMethods = cases.filter(({ rules: { authentication = {} } }) => Object.keys(authentication).length > 1);
  test.each(severalMethods)(
    "$id: a fallback is reported if and only if a request without a token passed",
    (observed) => {
      const passed = observed.observed.some(({ caller, status }) => caller === null && status === 200);
      const reported = verdictOn(observed.rules).some((said) => said.startsWith("auth-anonymous-fallback"));
      expect(reported).toBe(passed);
    },
  );
});
