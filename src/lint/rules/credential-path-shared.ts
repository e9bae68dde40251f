import { parseExpression } from "../../cel/parse.ts";
import { selectorPaths } from "../../cel/selector.ts";
import { refOf } from "../../model/topology.ts";
import { type AuthBlockFlow, type AuthItem, authFlows, formatItem, itemsOf } from "../auth/auth-flow.ts";
import { type Dependence, dependenceOfReads } from "../auth/dependence.ts";
import { POLICY } from "../auth/example-objects.ts";
import {
  type CallSite,
  type CallUrl,
  callReads,
  httpCalls,
  isInjected,
  literalStart,
  urlOf,
} from "../auth/http-calls.ts";
import { conjunctsOf, selectorConjuncts } from "../auth/text-tests.ts";
import { defineRule, type Report } from "../rule.ts";

/** A read of Vault or OpenBao that is no login. */
const isVaultRead = ({ http }: CallSite, url: CallUrl): boolean => {
  const sendsToken = Object.keys(http.headers ?? {}).some((name) => name.toLowerCase() === "x-vault-token");
  return sendsToken && /\/v1\/(?!auth\/)/.test(literalStart(url));
};

const SAYS_CREDENTIAL = /token|authorization|cookie|api[-_]?key/i;

/** What decides which secret is read: everything but the credential that opens the store. */
function selection(call: CallSite, flow: AuthBlockFlow): Dependence {
  const choosing = callReads(call, flow).filter(
    ({ field, site }) => field !== "headers" || !SAYS_CREDENTIAL.test(String(site.path[call.path.length + 1])),
  );
  return dependenceOfReads(choosing, flow);
}

/** Whether a condition of the item names one caller, by everything that its identity is. */
function namesOneCaller({ value, when }: AuthItem<"authorization">): boolean {
  if (when.length > 0) return false;
  return (value.patternMatching?.patterns ?? []).some(({ predicate, selector, operator, value: expected }) => {
    const parsed = predicate === undefined ? undefined : parseExpression(predicate);
    const text = selector ?? "";
    const conjuncts = [
      ...(parsed?.ok === true ? conjunctsOf(parsed.value) : []),
      ...selectorConjuncts({
        paths: selectorPaths(text),
        text,
        ...(operator === undefined ? {} : { operator }),
        ...(expected === undefined ? {} : { value: expected }),
      }),
    ];
    return conjuncts.some(
      ({ subject, tests }) =>
        /^auth\.identity\.(user\.username|sub|metadata\.name)$/.test(subject) &&
        tests.length === 1 &&
        tests.every(({ relation, negated }) => relation === "eq" && !negated),
    );
  });
}

function reportsOn(call: CallSite, flow: AuthBlockFlow): readonly Report[] {
  const url = urlOf(call);
  if (url === undefined || call.item.phase !== "metadata") return [];
  if (!isInjected(call, flow) && !isVaultRead(call, url)) return [];
  const { identity, certain, request } = selection(call, flow);
  if (identity || !certain || request.some(([, field, header]) => field === "headers" && header === "authorization")) {
    return [];
  }
  return [
    {
      path: url.path,
      message: `${formatItem(call.item)} reads the same credential whoever calls, so that every workload that this policy lets pass uses one key: its provider cannot tell them apart, and revoking it stops all`,
      related: itemsOf(flow, "authentication")
        .slice(0, 1)
        .map((item) => ({
          object: refOf(item.owner),
          path: item.path,
          message: `${formatItem(item)} knows who calls`,
        })),
    },
  ];
}

export const rule = defineRule({
  id: "credential-path-shared",
  kinds: ["AuthPolicy"],
  reads: [],
  severity: "warning",
  scope: "object",
  title: "All workloads share one credential",
  why: "A secret whose path does not depend on who calls is one key for every workload that passes. Its use cannot be told apart or limited at the provider, and when one workload leaks or misuses it all of them lose it.",
  fix: "Make the path of the verified identity: `'…/egress/' + auth.identity.user.username.split(':')[2] + '/' + auth.identity.user.username.split(':')[3]`, or of what the login at the store answers about it.",
  sources: [
    "kuadrant credential injection guide: the path is made of the namespace and the name of the ServiceAccount",
    "HashiCorp Vault: templated policies, one path for each Kubernetes ServiceAccount",
  ],
  since: "0.2.0",

  check(object) {
    return authFlows(object).flatMap((flow) => {
      const reports = httpCalls(flow).flatMap((call) => reportsOn(call, flow));
      return reports.length > 0 && itemsOf(flow, "authorization").some(namesOneCaller) ? [] : reports;
    });
  },

  bad: [
    {
      name: "a constant path",
      finds: [{ path: "spec.rules.metadata.secret.http.url" }],
      yaml: `${POLICY}
          rules:
            authentication: {sa: {kubernetesTokenReview: {audiences: [egress-gateway]}}}
            metadata:
              secret: {http: {url: "https://vault.vault.svc:8200/v1/kv/data/openai", method: GET, sharedSecretRef: {name: vault, key: token}}}
            response: {success: {headers: {authorization: {plain: {expression: "'Bearer ' + auth.metadata.secret.data.data.api_key"}}}}}`,
    },
    {
      name: "the caller's own token of the store, and a path by the host, in defaults",
      finds: [{ path: "spec.defaults.rules.metadata.secret.http.urlExpression" }],
      yaml: `${POLICY}
          defaults:
            rules:
              metadata:
                login: {http: {url: "https://vault.vault.svc:8200/v1/auth/kubernetes/login", method: POST, body: {expression: request.headers.authorization}}}
                secret:
                  priority: 1
                  http:
                    urlExpression: "'https://vault.vault.svc:8200/v1/kv/data/' + request.host"
                    headers: {X-Vault-Token: {selector: auth.metadata.login.auth.client_token}}
              authorization:
                team: {patternMatching: {patterns: [{predicate: "auth.identity.user.username.startsWith('system:serviceaccount:a:')"}]}}`,
    },
  ],
  good: [
    {
      name: "a path of the verified identity",
      yaml: `${POLICY}
          rules:
            metadata:
              secret: {http: {urlExpression: "'https://vault.vault.svc:8200/v1/kv/data/' + auth.identity.user.username.split(':')[2]", sharedSecretRef: {name: vault, key: token}}}
            response: {success: {headers: {x-api-key: {plain: {expression: auth.metadata.secret.data.data.api_key}}}}}`,
    },
    {
      name: "a path of what the login answers about the caller",
      yaml: `${POLICY}
          rules:
            metadata:
              login: {http: {url: "https://vault.vault.svc:8200/v1/auth/kubernetes/login", method: POST, body: {expression: request.headers.authorization}}}
              secret:
                priority: 1
                http:
                  urlExpression: "'https://vault.vault.svc:8200/v1/kv/data/' + auth.metadata.login.auth.metadata.service_account_namespace"
                  headers: {X-Vault-Token: {selector: auth.metadata.login.auth.client_token}}`,
    },
    {
      name: "one workload, named",
      yaml: `${POLICY}
          rules:
            metadata:
              secret: {http: {url: "https://vault.vault.svc:8200/v1/kv/data/openai", sharedSecretRef: {name: vault, key: token}}}
            authorization:
              billing: {patternMatching: {patterns: [{selector: auth.identity.user.username, operator: eq, value: "system:serviceaccount:billing:app"}]}}
            response: {success: {headers: {x-api-key: {plain: {expression: auth.metadata.secret.data.data.api_key}}}}}`,
    },
    {
      name: "a lookup that is no secret, and a store that is asked by the caller's name in the body",
      yaml: `${POLICY}
          rules:
            metadata:
              geo: {http: {url: "https://geo.platform.svc/all"}}
              key: {http: {url: "https://keys.platform.svc/lookup", method: POST, bodyParameters: {user: {selector: auth.identity.user.username}}}}
            response:
              success:
                headers:
                  x-region: {plain: {expression: auth.metadata.geo.region}}
                  x-api-key: {plain: {expression: auth.metadata.key.value}}`,
    },
  ],
});
