import { parseExpression } from "../../cel/parse.ts";
import type { AuthenticationItem, DynamicValue } from "../../model/kinds/auth-policy.ts";
import { type AuthBlockFlow, type AuthItem, authFlows, formatItem } from "../auth/auth-flow.ts";
import { type ItemRead, itemReads } from "../auth/auth-sites.ts";
import { dependenceOf, requestPath } from "../auth/dependence.ts";
import { POLICY } from "../auth/example-objects.ts";
import { readsBelow, spellPath } from "../expressions/attribute-reads.ts";
import { quote } from "../expressions/quote.ts";
import { defineRule, type Report } from "../rule.ts";

/** Authorino's own, in seconds. */
const DEFAULT_TTL = 60;
/** From here on a hint warns of what the cache keeps alive. */
const LONG_TTL = 300;

/** What a key is made of; undefined when that cannot be said. */
type Key = {
  readonly reads: readonly ItemRead[];
  readonly text: string;
  readonly field: "value" | "selector" | "expression";
};

function keyOf(item: AuthItem, key: DynamicValue, flow: AuthBlockFlow): Key | undefined {
  const reads = itemReads(item, flow).filter(({ part }) => part === "cache");
  if (key.expression !== undefined) {
    return parseExpression(key.expression).ok ? { reads, text: key.expression, field: "expression" } : undefined;
  }
  if (key.selector !== undefined) {
    return reads.some(({ read }) => read.open) ? undefined : { reads, text: key.selector, field: "selector" };
  }
  return key.value === undefined ? undefined : { reads, text: JSON.stringify(key.value), field: "value" };
}

/** Whether one of the paths is read, or something that it is a part of. */
const readsAny = ({ reads }: Key, paths: readonly (readonly string[])[]): boolean =>
  reads.some(({ read }) => {
    const names = requestPath(read.names);
    return paths.some((path) => readsBelow({ names }, path) || readsBelow({ names: path }, names));
  });

/** What a key can tell workloads apart by; the address and the certificate belong to one of them. */
const readsIdentity = (key: Key): boolean =>
  readsAny(key, [["request", "headers", "authorization"], ["auth"], ["source"]]);

/** The attributes by which an authentication method tells callers apart; undefined when there is nothing to tell. */
function credentialPaths(value: AuthenticationItem): readonly (readonly string[])[] | undefined {
  const { queryString, cookie, customHeader } = value.credentials ?? {};
  if (value.x509 !== undefined) return [["source"]];
  const methods = [value.kubernetesTokenReview, value.jwt, value.apiKey, value.oauth2Introspection];
  if (methods.every((method) => method === undefined)) return undefined;
  if (queryString !== undefined)
    return [
      ["request", "path"],
      ["request", "query"],
    ];
  const header = cookie !== undefined ? "cookie" : (customHeader?.name ?? "authorization").toLowerCase();
  return [["request", "headers", header]];
}

/** What is served to the wrong caller; undefined when the key tells all results apart, or when that is not certain. */
function sharedBy(item: AuthItem, key: Key, flow: AuthBlockFlow): string | undefined {
  if (item.phase === "authentication") {
    const credential = credentialPaths(item.value);
    // There is no identity yet: what reads one finds nothing, and then nothing is shared (observed).
    const distinct = credential === undefined || readsAny(key, [...credential, ["auth"], ["source"]]);
    return distinct ? undefined : "identity";
  }
  const { identity, request, certain } = dependenceOf(item, flow);
  const inRequest = item.phase === "metadata" && certain && request.length > 0 && !readsIdentity(key);
  const unlike = inRequest && request.every((path) => !readsAny(key, [path]));
  if (!unlike && (!identity || readsIdentity(key))) return undefined;
  return item.phase === "authorization" ? "decision" : item.phase === "metadata" ? "secret or document" : "header";
}

function reportsOn(item: AuthItem, flow: AuthBlockFlow): readonly Report[] {
  const { cache } = item.value;
  const key = cache?.key === undefined ? undefined : keyOf(item, cache.key, flow);
  const shared = key === undefined || item.phase === "callbacks" ? undefined : sharedBy(item, key, flow);
  if (key === undefined || shared === undefined) return [];
  const ttl = cache?.ttl ?? DEFAULT_TTL;
  const [first] = key.reads;
  const range = first === undefined ? {} : { range: { start: first.read.start, end: first.read.end } };
  const long = ttl > LONG_TTL ? " Keep it for at most 300 s: an error of the store is cached as well." : "";
  return [
    {
      path: [...item.path, "cache", "key", key.field],
      ...range,
      message: `results of ${formatItem(item)} are cached under ${quote(key.text)}, which is the same for different callers: they receive each other's ${shared} for ${ttl} s`,
      hint: `${hintFor(item)}${long}`,
    },
  ];
}

function hintFor(item: AuthItem): string {
  if (item.phase !== "authentication")
    return "Write `cache: {key: {selector: auth.identity.user.username}}`, or whatever tells identities apart.";
  const [path = ["request", "headers", "authorization"]] = credentialPaths(item.value) ?? [];
  return `Use the credential itself as the key: \`cache: {key: {expression: "${spellPath(path)}"}}\`.`;
}

export const rule = defineRule({
  id: "auth-cache-key-shared",
  kinds: ["AuthPolicy"],
  reads: [],
  severity: "error",
  scope: "object",
  title: "A cache serves one workload's result to another",
  why: "Authorino keeps one cache per item and looks into it by nothing but the key. What is different for each caller, kept under a key that is the same, reaches the wrong one.",
  fix: "Key lookups and decisions by `auth.identity.user.username`, and authentication by `request.headers.authorization`.",
  sources: [
    "authorino 58fecc6c pkg/evaluators/cache.go: one cache for each item, by the key alone, 60 seconds unless set",
    "Observed on Authorino 58fecc6c: a lookup by username, cached under `request.host`, gave the second namespace the first one's answer; with a key that finds nothing each got its own",
  ],
  since: "0.2.0",

  check(object) {
    return authFlows(object).flatMap((flow) => flow.items.flatMap((item) => reportsOn(item, flow)));
  },

  bad: [
    {
      name: "a secret of the namespace under the host",
      finds: [{ path: "spec.rules.metadata.secret.cache.key.selector", text: "request.host" }],
      yaml: `${POLICY}
          rules:
            metadata:
              secret:
                http: {urlExpression: "'https://vault.vault.svc:8200/v1/kv/data/' + auth.identity.user.username.split(':')[2]"}
                cache: {key: {selector: request.host}, ttl: 300}`,
    },
    {
      name: "identities under what is not the credential",
      finds: [
        {
          path: "spec.rules.authentication.key.cache.key.selector",
          text: "context.request.http.headers.authorization",
        },
        { path: "spec.rules.authentication.sa.cache.key.expression", text: "request.headers['x-user']" },
      ],
      yaml: `${POLICY}
          rules:
            authentication:
              sa:
                kubernetesTokenReview: {audiences: [egress-gateway]}
                cache: {key: {expression: "request.headers['x-user']"}}
              key:
                apiKey: {}
                credentials: {customHeader: {name: X-Api-Key}}
                cache: {key: {selector: context.request.http.headers.authorization}}`,
    },
    {
      name: "a lookup made of another lookup, under a constant and for long",
      finds: [{ path: "spec.defaults.rules.metadata.secret.cache.key.value" }],
      yaml: `${POLICY}
          defaults:
            rules:
              metadata:
                login: {http: {url: "https://vault.vault.svc:8200/v1/auth/kubernetes/login", method: POST, body: {expression: "auth.identity.sub"}}}
                secret:
                  priority: 1
                  http: {urlExpression: "'https://vault.vault.svc:8200/v1/kv/data/' + auth.metadata.login.auth.metadata.name"}
                  cache: {key: {value: all}, ttl: 3600}`,
    },
    {
      name: "a lookup by a header under the path, nobody's identity being part of it",
      finds: [{ path: "spec.rules.metadata.geo.cache.key.expression", text: "request.path" }],
      yaml: `${POLICY}
          rules:
            metadata:
              geo:
                http: {urlExpression: "'https://geo.platform.svc/' + request.headers['x-city']"}
                cache: {key: {expression: request.path}}`,
    },
    {
      name: "a decision and a header about the caller under the path",
      finds: [
        { path: "spec.rules.authorization.team.cache.key.selector", text: "request.path" },
        { path: 'spec.rules.response.success.headers["x-user"].cache.key.expression', text: "request.url_path" },
      ],
      yaml: `${POLICY}
          rules:
            authorization:
              team:
                patternMatching: {patterns: [{predicate: "auth.identity.user.username.startsWith('system:serviceaccount:a:')"}]}
                cache: {key: {selector: request.path}}
            response:
              success:
                headers:
                  x-user: {plain: {expression: auth.identity.user.username}, cache: {key: {expression: "request.url_path + '/'"}}}`,
    },
  ],
  good: [
    {
      name: "keys that tell callers apart",
      yaml: `${POLICY}
          rules:
            authentication:
              sa:
                kubernetesTokenReview: {audiences: [egress-gateway]}
                cache: {key: {selector: request.headers.authorization}}
            metadata:
              secret:
                http: {urlExpression: "'https://vault.vault.svc:8200/v1/kv/data/' + auth.identity.user.username.split(':')[2]"}
                cache: {key: {selector: auth.identity.user.username}, ttl: 300}
              geo:
                http: {urlExpression: "'https://geo.platform.svc/' + request.headers['x-city']"}
                cache: {key: {expression: "request.headers['x-city']"}}`,
    },
    {
      name: "a lookup that is the same for everybody",
      yaml: `${POLICY}
          rules:
            metadata:
              keys: {http: {url: "https://keys.platform.svc/all", method: GET}, cache: {key: {value: all}, ttl: 60}}`,
    },
    {
      name: "a key that finds nothing, and a lookup made of what is not known here",
      yaml: `${POLICY}
          rules:
            authentication:
              sa: {kubernetesTokenReview: {audiences: [egress-gateway]}, cache: {key: {selector: auth.identity.user.username}}}
            metadata:
              secret:
                http: {urlExpression: "'https://vault.vault.svc:8200/v1/kv/data/' + auth.metadata.elsewhere.name"}
                cache: {key: {selector: request.host}}`,
    },
  ],
});
