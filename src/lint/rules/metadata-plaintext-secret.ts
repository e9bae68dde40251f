import { refOf } from "../../model/topology.ts";
import { type AuthBlockFlow, authFlows, formatItem } from "../auth/auth-flow.ts";
import { POLICY } from "../auth/example-objects.ts";
import {
  type CallSite,
  type CallUrl,
  hostOf,
  httpCalls,
  isInjected,
  literalStart,
  sendsCredential,
  urlOf,
} from "../auth/http-calls.ts";
import { defineRule, type Report } from "../rule.ts";

const PLAIN = "http://";

/** The connection stays on the machine. */
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

type Exposed = { readonly call: CallSite; readonly url: CallUrl; readonly does: "sends" | "fetches" };

function exposedIn(flow: AuthBlockFlow): readonly Exposed[] {
  return httpCalls(flow).flatMap((call): readonly Exposed[] => {
    const url = urlOf(call);
    if (url === undefined || !literalStart(url).toLowerCase().startsWith(PLAIN)) return [];
    if (LOOPBACK.test(hostOf(url) ?? "")) return [];
    if (sendsCredential(call, flow)) return [{ call, url, does: "sends" }];
    return isInjected(call, flow) ? [{ call, url, does: "fetches" }] : [];
  });
}

/** Where the scheme is written; CEL can cut it apart, and then the whole field is meant. */
function schemeRange({ text }: CallUrl): Pick<Report, "range"> {
  const start = text.toLowerCase().indexOf(PLAIN);
  return start < 0 ? {} : { range: { start, end: start + PLAIN.length } };
}

export const rule = defineRule({
  id: "metadata-plaintext-secret",
  kinds: ["AuthPolicy"],
  reads: [],
  severity: "warning",
  scope: "object",
  title: "A credential is fetched or sent without TLS",
  why: "Whoever sees the connection between Authorino and the secret store can use the workloads' tokens and the provider's keys.",
  fix: "Use https and let Authorino trust the store's CA. Where the mesh encrypts the connection, exempt the policy from this rule with that reason.",
  sources: [
    "kuadrant credential injection guide: the login carries the ServiceAccount token to Vault over http",
    "Observed on Authorino 58fecc6c: a login and a secret over http are sent as they are",
  ],
  since: "0.2.0",

  check(object) {
    const [first, ...others] = authFlows(object).flatMap(exposedIn);
    if (first === undefined) return [];
    const { call, url, does } = first;
    const also = others.length === 0 ? "" : `, and so ${others.length === 1 ? "does" : "do"} ${others.length} more`;
    return [
      {
        path: url.path,
        ...schemeRange(url),
        message: `${formatItem(call.item)} ${does} a credential over plain HTTP${also}`,
        ...(others.length === 0
          ? {}
          : {
              related: others.map((other) => ({
                object: refOf(object),
                path: other.url.path,
                message: `${formatItem(other.call.item)} ${other.does} one as well`,
              })),
            }),
      },
    ];
  },

  bad: [
    {
      name: "a secret store's token in a header",
      finds: [{ path: "spec.rules.metadata.vault.http.url", text: "http://" }],
      yaml: `${POLICY}
          rules:
            metadata:
              vault: {http: {url: "http://vault.vault.svc.cluster.local:8200/v1/kv/data/openai", headers: {X-Vault-Token: {selector: auth.identity.vaultToken}}}}`,
    },
    {
      name: "the caller's token in a body, then a secret, told once",
      finds: [{ path: "spec.rules.metadata.login.http.urlExpression", text: "http://" }],
      yaml: `${POLICY}
          rules:
            metadata:
              login:
                http:
                  urlExpression: "'http://' + 'vault.vault.svc:8200/v1/auth/kubernetes/login'"
                  method: POST
                  body: {expression: "request.headers.authorization.substring(7)"}
              secret: {priority: 1, http: {url: "HTTP://vault.vault.svc:8200/v1/kv/data/openai", sharedSecretRef: {name: vault, key: token}}}`,
    },
    {
      name: "an answer that is injected, in overrides",
      finds: [{ path: "spec.overrides.rules.metadata.key.http.url", text: "http://" }],
      yaml: `${POLICY}
          overrides:
            rules:
              metadata: {key: {http: {url: "http://keys.platform.svc/{auth.identity.sub}"}}}
              response: {success: {headers: {authorization: {plain: {expression: "'Bearer ' + auth.metadata.key.value"}}}}}`,
    },
    {
      name: "an external policy and its password",
      finds: [{ path: "spec.rules.authorization.rego.opa.externalPolicy.url", text: "http://" }],
      yaml: `${POLICY}
          rules:
            authorization:
              rego: {opa: {externalPolicy: {url: "http://policies.platform.svc/egress.rego", oauth2: {tokenUrl: "https://login.example.com/token"}}}}`,
    },
  ],
  good: [
    {
      name: "TLS",
      yaml: `${POLICY}
          rules:
            metadata:
              vault: {http: {url: "https://vault.vault.svc.cluster.local:8200/v1/kv/data/openai", headers: {X-Vault-Token: {selector: auth.identity.vaultToken}}}}`,
    },
    {
      name: "an agent on the same machine, and a name that only begins like it",
      yaml: `${POLICY}
          rules:
            metadata:
              agent: {http: {url: "http://127.0.0.1:8200/v1/kv/data/openai", headers: {X-Vault-Token: {selector: auth.identity.vaultToken}}}}
              local: {http: {url: "http://localhost/v1/kv/data/openai", headers: {X-Vault-Token: {selector: auth.identity.vaultToken}}}}`,
    },
    {
      name: "a lookup without a credential, whose answer is no credential",
      yaml: `${POLICY}
          rules:
            metadata: {geo: {http: {url: "http://geo.platform.svc/{auth.identity.sub}"}}}
            response: {success: {headers: {x-region: {plain: {expression: auth.metadata.geo.region}}}}}`,
    },
  ],
});
