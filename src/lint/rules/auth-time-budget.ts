import { isListed, PRIVATE_NETWORKS } from "../../model/address.ts";
import type { FieldPath } from "../../model/field-path.ts";
import { refOf } from "../../model/topology.ts";
import { type AuthBlockFlow, type AuthItem, authFlows, formatItem, itemsOf } from "../auth/auth-flow.ts";
import { POLICY } from "../auth/example-objects.ts";
import { hostOf, urlOf } from "../auth/http-calls.ts";
import { defineRule, type Report } from "../rule.ts";

/** A call over the network that the answer to a request waits for. `field` is what makes it. */
type NetworkCall = { readonly item: AuthItem; readonly field: FieldPath; readonly host: string | undefined };

/** Calls in sequence that 200 ms are too short for under load. */
const MANY_STEPS = 3;

/** The host of `https://host/…` or `host:port`. */
const hostIn = (text: string): string | undefined =>
  /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^/?#@]*@)?([^/?#:[\]]+)/i.exec(text)?.[1]?.toLowerCase();

/** An external Rego policy is fetched beforehand, the keys of a JWT's issuer too: they cost no request anything. */
function callOf(item: AuthItem): NetworkCall | undefined {
  const call = (name: string, text?: string): NetworkCall => ({
    item,
    field: [...item.path, name],
    host: text === undefined ? undefined : hostIn(text),
  });
  switch (item.phase) {
    case "authentication":
      if (item.value.kubernetesTokenReview !== undefined) return call("kubernetesTokenReview");
      return item.value.oauth2Introspection && call("oauth2Introspection", item.value.oauth2Introspection.endpoint);
    case "metadata": {
      const { http, uma, userInfo } = item.value;
      if (http === undefined) return userInfo === undefined ? uma && call("uma", uma.endpoint) : call("userInfo");
      const url = urlOf({ http, path: [...item.path, "http"] });
      return { ...call("http"), host: url === undefined ? undefined : hostOf(url) };
    }
    case "authorization":
      if (item.value.kubernetesSubjectAccessReview !== undefined) return call("kubernetesSubjectAccessReview");
      return item.value.spicedb && call("spicedb", item.value.spicedb.endpoint);
    default:
      return undefined;
  }
}

/** One call of each step: what has the same phase and priority runs at the same time. */
function stepsOf(flow: AuthBlockFlow): readonly NetworkCall[] {
  const steps = (["authentication", "metadata", "authorization"] as const).flatMap((phase) => {
    const calls = itemsOf(flow, phase).flatMap((item) => callOf(item) ?? []);
    const sorted = calls.toSorted((a, b) => a.item.priority - b.item.priority);
    // The first method that succeeds ends authentication: one call is what every request makes.
    const byPriority = new Map(sorted.map((call) => [phase === "authentication" ? 0 : call.item.priority, call]));
    return [...byPriority.values()];
  });
  return steps;
}

const isCached = ({ item }: NetworkCall): boolean => item.value.cache?.key !== undefined;

function tooManySteps(flow: AuthBlockFlow): readonly Report[] {
  const steps = stepsOf(flow);
  const last = steps.at(-1);
  if (last === undefined || steps.length < MANY_STEPS) return [];
  const calls = flow.items.flatMap((item) => callOf(item) ?? []);
  if (calls.some(isCached)) return [];
  return [
    {
      path: last.field,
      at: "key",
      message: `this policy makes ${steps.length} network calls in sequence for every request; the gateway gives the whole check 200 ms by default and answers 500 when it takes longer`,
      related: steps.slice(0, -1).map(({ item, field }) => ({
        object: refOf(flow.owner),
        path: field,
        message: `${formatItem(item)} is waited for before`,
      })),
    },
  ];
}

/** Last labels of names that are certainly not those of a Namespace. */
const PUBLIC_SUFFIXES = new Set("com net org io dev cloud ai app".split(" "));

/** Whether a name certainly lies outside of the cluster. `vault.vault` is a Service and its Namespace. */
function isOutside(host: string): boolean {
  if (/^[\d.]+$/.test(host)) return !isListed(host, PRIVATE_NETWORKS);
  const labels = host.replace(/\.$/, "").split(".");
  if (labels.length < 2 || labels.includes("svc") || labels.at(-1) === "local") return false;
  return labels.length > 2 || PUBLIC_SUFFIXES.has(labels.at(-1) ?? "");
}

const farCalls = (flow: AuthBlockFlow): readonly Report[] =>
  flow.items
    .flatMap((item) => callOf(item) ?? [])
    .filter((call) => !isCached(call) && call.host !== undefined && isOutside(call.host))
    .map(({ item, field, host }) => ({
      path: field,
      at: "key" as const,
      message: `${formatItem(item)} asks ${host}, outside of the cluster, for every request; the gateway gives the whole check 200 ms by default and answers 500 when it takes longer`,
    }));

export const rule = defineRule({
  id: "auth-time-budget",
  kinds: ["AuthPolicy"],
  reads: [],
  severity: "warning",
  scope: "object",
  title: "The check makes too many calls for its 200 ms",
  why: "Every call adds its latency to each request. When the sum exceeds the gateway's time for authorization, requests get 500, and under load that is where it goes first.",
  fix: "Cache the TokenReview by `request.headers.authorization` and lookups by `auth.identity.user.username`, for no longer than 300 s (what is cached outlives a revocation), or raise AUTH_SERVICE_TIMEOUT on the operator.",
  sources: [
    "kuadrant-operator ae698811: AUTH_SERVICE_TIMEOUT is 200ms unless set, failure mode deny",
    "kuadrant-operator issue 568: TokenReview fails under load",
    "authorino 58fecc6c pkg/service/auth_pipeline.go: priorities run one after the other",
  ],
  since: "0.2.0",

  check(object) {
    return authFlows(object).flatMap((flow) => [...tooManySteps(flow), ...farCalls(flow)]);
  },

  bad: [
    {
      name: "three calls in sequence, none of them cached",
      finds: [{ path: "spec.rules.metadata.secret.http" }],
      yaml: `${POLICY}
          rules:
            authentication: {sa: {kubernetesTokenReview: {audiences: [egress.example.internal]}}}
            metadata:
              login: {http: {url: "https://vault.vault.svc:8200/v1/auth/kubernetes/login", method: POST, contentType: application/json}}
              secret: {http: {url: "https://vault.vault.svc:8200/v1/kv/data/openai", headers: {X-Vault-Token: {selector: auth.metadata.login.auth.client_token}}}, priority: 1}`,
    },
    {
      name: "an introspection, a lookup and a SubjectAccessReview, in defaults",
      finds: [{ path: "spec.defaults.rules.authorization.allowed.kubernetesSubjectAccessReview" }],
      yaml: `${POLICY}
          defaults:
            rules:
              authentication: {token: {oauth2Introspection: {endpoint: "https://keycloak.login.svc/introspect"}}}
              metadata: {user: {userInfo: {identitySource: token}}}
              authorization: {allowed: {kubernetesSubjectAccessReview: {user: {selector: auth.identity.sub}}}}`,
    },
    {
      name: "hosts outside of the cluster",
      finds: [{ path: "spec.rules.authorization.graph.spicedb" }, { path: "spec.rules.metadata.secret.http" }],
      yaml: `${POLICY}
          rules:
            metadata:
              secret: {http: {urlExpression: "'https://vault.example.com/v1/kv/data/' + auth.identity.sub"}}
            authorization: {graph: {spicedb: {endpoint: "grpc.authzed.com:443"}}}`,
    },
  ],
  good: [
    {
      name: "the same three calls, cached",
      yaml: `${POLICY}
          rules:
            authentication:
              sa:
                kubernetesTokenReview: {audiences: [egress.example.internal]}
                cache: {key: {selector: request.headers.authorization}, ttl: 60}
            metadata:
              login:
                http: {url: "https://vault.vault.svc:8200/v1/auth/kubernetes/login", method: POST, contentType: application/json}
                cache: {key: {selector: auth.identity.user.username}, ttl: 300}
              secret:
                http: {url: "https://vault.vault.svc:8200/v1/kv/data/openai", headers: {X-Vault-Token: {selector: auth.metadata.login.auth.client_token}}}
                priority: 1
                cache: {key: {selector: auth.identity.user.username}, ttl: 60}`,
    },
    {
      name: "calls at the same time, a JWT and an external policy, which cost nothing",
      yaml: `${POLICY}
          rules:
            authentication:
              sa: {kubernetesTokenReview: {audiences: [egress.example.internal]}}
              staff: {priority: 1, jwt: {issuerUrl: "https://login.example.com"}}
            metadata:
              a: {http: {url: "https://a.platform.svc/"}}
              b: {http: {url: "http://b.platform/"}}
            authorization:
              rego: {opa: {externalPolicy: {url: "https://policies.example.com/egress.rego"}}}`,
    },
    {
      name: "an external host whose answers are cached, and names that may be those of a Service",
      yaml: `${POLICY}
          rules:
            metadata:
              far: {cache: {key: {selector: auth.identity.sub}}, http: {url: "https://vault.example.com/v1/kv/data/x"}}
              near: {http: {url: "https://vault.vault:8200/v1/kv/data/x"}}
              domain: {http: {url: "https://vault.vault.svc.corp.example:8200/v1/kv/data/x"}}
              node: {http: {url: "https://10.0.0.7:8200/v1/kv/data/x"}}`,
    },
  ],
});
