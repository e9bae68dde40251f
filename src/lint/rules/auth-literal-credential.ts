import type { FieldPath } from "../../model/field-path.ts";
import { GATEWAY, POLICY, ROUTE } from "../auth/example-objects.ts";
import { CREDENTIAL_KINDS, type LiteralCredential, literalCredentials } from "../auth/literal-credentials.ts";
import { defineRule, type Report } from "../rule.ts";

/** Where a field is, in words that need no path. */
function placeOf(path: FieldPath): string {
  const part = ["response", "metadata", "authorization", "authentication", "callbacks", "filters", "headers"].find(
    (step) => path.includes(step),
  );
  return part === undefined ? "the policy" : `\`${part}\``;
}

const reportOn = ({ path, range, shown }: LiteralCredential): Report => ({
  path,
  range,
  secret: true,
  message: `a credential is written into ${placeOf(path)} (${shown}): everybody who can read the policy, its history or its file has it`,
});

/** One report for a field: the first credential in it stands for the others. */
const onePerField = (reports: readonly Report[]): readonly Report[] => [
  ...new Map(reports.toReversed().map((report) => [JSON.stringify(report.path), report])).values(),
];

/** Made up, and cut in two, so that nobody takes it for a key that was lost. */
const KEY = ["sk-", "9fQ2mZr7Lk4TwX8bVn3Ds6Hc"].join("");
const JWT = ["eyJhbGciOiJub25lIn0", "eyJzdWIiOiJ3b3JrbG9hZCJ9", ""].join(".");

export const rule = defineRule({
  id: "auth-literal-credential",
  kinds: CREDENTIAL_KINDS,
  reads: [],
  severity: "error",
  scope: "object",
  title: "A credential is written into a policy or route",
  why: "Policies and routes are no Secrets: whoever may list them reads the key, and so does everyone with the repository, the audit log or a backup. It cannot be changed without a release.",
  fix: "Revoke this one, keep its successor in a secret store, and read it with a metadata lookup: `plain: {expression: \"'Bearer ' + auth.metadata.secret.data.data.api_key\"}`.",
  sources: [
    "Kubernetes: good practices for Secrets",
    "OWASP Secrets Management Cheat Sheet",
    "kuadrant credential injection guide: the key is fetched for each request",
  ],
  since: "0.2.0",

  check(object) {
    return onePerField(literalCredentials(object).map(reportOn));
  },

  bad: [
    {
      name: "a key as a constant header",
      finds: [{ path: "spec.rules.response.success.headers.authorization.plain.value", text: KEY }],
      yaml: `${POLICY}
          rules:
            response: {success: {headers: {authorization: {plain: {value: "Bearer ${KEY}"}}}}}`,
    },
    {
      name: "keys in expressions, of a header and of a condition, in defaults",
      finds: [
        {
          path: "spec.defaults.rules.authorization.keyed.patternMatching.patterns[0].predicate",
          text: "'f3a91c0b7d524e68'",
        },
        {
          path: 'spec.defaults.rules.response.success.headers["x-goog-api-key"].plain.expression',
          text: `'${KEY}'`,
        },
      ],
      yaml: `${POLICY}
          defaults:
            rules:
              authorization:
                keyed: {patternMatching: {patterns: [{predicate: "request.headers['x-api-key'] == 'f3a91c0b7d524e68'"}]}}
              response: {success: {headers: {x-goog-api-key: {plain: {expression: "'${KEY}'"}}}}}`,
    },
    {
      name: "a token of the store, a password in a URL, a parameter and a JWT in a body",
      finds: [
        { path: "spec.rules.metadata.body.http.body.value", text: JWT.slice(0, -1) },
        { path: "spec.rules.metadata.parameter.http.url", text: "f3a91c0b7d524e68" },
        { path: "spec.rules.metadata.password.http.url", text: "Tr0ub4dor" },
        { path: 'spec.rules.metadata.token.http.headers["X-Vault-Token"].value', text: "b7Qx2Lm9Rt4Kz1Wv8Ys3" },
      ],
      yaml: `${POLICY}
          rules:
            metadata:
              token: {http: {url: "https://vault.vault.svc:8200/v1/kv/data/x", headers: {X-Vault-Token: {value: b7Qx2Lm9Rt4Kz1Wv8Ys3}}}}
              password: {http: {url: "https://reader:Tr0ub4dor@users.platform.svc/"}}
              parameter: {http: {url: "https://users.platform.svc/?api_key=f3a91c0b7d524e68"}}
              body: {http: {url: "https://users.platform.svc/", method: POST, body: {value: "token=${JWT}"}}}`,
    },
    {
      name: "headers that a route and a VirtualService set",
      finds: [
        { path: "spec.rules[0].filters[0].requestHeaderModifier.set[0].value", text: "dXNlcjpUcjB1YjRkb3I=" },
        { path: 'spec.http[0].headers.request.add["x-api-key"]', text: "f3a91c0b7d524e68" },
      ],
      yaml: `${GATEWAY}
        ---${ROUTE}
              filters:
                - type: RequestHeaderModifier
                  requestHeaderModifier: {set: [{name: Authorization, value: "Basic dXNlcjpUcjB1YjRkb3I="}]}
        ---
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: {namespace: gateway-system, name: provider}
        spec:
          hosts: [api.example.com]
          http:
            - headers: {request: {add: {x-api-key: f3a91c0b7d524e68}}}
              route: [{destination: {host: api.example.com}}]`,
    },
    {
      name: "a key in a limit's condition",
      finds: [{ path: "spec.limits.trial.when[0].predicate", text: `'${KEY}'` }],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: limits}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: provider}
          limits: {trial: {rates: [{limit: 1, window: 1m}], when: [{predicate: "request.headers['x-trial'] == '${KEY}'"}]}}`,
    },
  ],
  good: [
    {
      name: "a key that is fetched",
      yaml: `${POLICY}
          rules:
            metadata: {secret: {http: {url: "https://vault.vault.svc:8200/v1/kv/data/openai", headers: {X-Vault-Token: {selector: auth.identity.metadata.annotations.vault-token-2}}}}}
            response: {success: {headers: {authorization: {plain: {expression: "'Bearer ' + auth.metadata.secret.data.data.api_key"}}}}}`,
    },
    {
      name: "texts that only stand for a key",
      yaml: `${POLICY}
          rules:
            response:
              success:
                headers:
                  authorization: {plain: {value: "Bearer <your-api-key-123>"}}
                  x-api-key: {plain: {value: not-a-real-key}}
                  api-key: {plain: {value: "sk-xxxxxxxxxxxxxxxxxxxxxxxx"}}
                  x-auth-token: {plain: {value: "\${API_KEY_2}"}}
                  x-goog-api-key: {plain: {expression: "'sk-your-api-key-goes-here-0001'"}}
                  proxy-authorization: {plain: {value: ""}}`,
    },
    {
      name: "long texts that are no credential",
      yaml: `${POLICY}
          rules:
            metadata: {users: {http: {url: "https://users.platform.svc/v1/9fQ2mZr7Lk4TwX8bVn3Ds6Hc?key=name"}}}
            authorization: {team: {patternMatching: {patterns: [{selector: auth.identity.user.uid, operator: eq, value: 0b7d524e-68f3-4a91-9c0b-7d524e68f3a9}]}}}
            response: {success: {headers: {anthropic-version: {plain: {expression: "'2023-06-01'"}}, x-request-source: {plain: {value: egress-gateway-9fQ2mZr7Lk4T}}}}}
        ---${GATEWAY}
        ---${ROUTE}
              filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-auth-mode, value: workload-identity-v2}], remove: [authorization]}}]`,
    },
  ],
});
