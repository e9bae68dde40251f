import { parseExpression } from "../../cel/parse.ts";
import { namesOf } from "../../cel/path.ts";
import { isTainted, type TaintSources, taintOf } from "../../cel/taint.ts";
import type { TextRange } from "../../model/place.ts";
import { type AuthBlockFlow, authFlows, formatItem, itemsOf } from "../auth/auth-flow.ts";
import { itemReads } from "../auth/auth-sites.ts";
import { requestPath } from "../auth/dependence.ts";
import { POLICY } from "../auth/example-objects.ts";
import {
  type CallSite,
  type CallUrl,
  callReads,
  httpCalls,
  isInjected,
  sendsCredential,
  type UrlPart,
  urlOf,
} from "../auth/http-calls.ts";
import { conjunctsOf } from "../auth/text-tests.ts";
import { spellPath } from "../expressions/attribute-reads.ts";
import { defineRule, type Report } from "../rule.ts";

/** How far a caller decides a value: freely, among the names that the route serves, or not at all. */
type Control = "free" | "host" | "none";

const FREE_FIELDS = new Set(["path", "url_path", "query", "body", "raw_body", "referer", "useragent", "user_agent"]);

/** What of a request can be believed when anything but authentication runs. */
type Trust = {
  /** Headers that authentication has verified, in lower case. */
  readonly headers: ReadonlySet<string>;
  /** Whether every identity is more than what a caller says of itself. */
  readonly identity: boolean;
};

function trustIn(flow: AuthBlockFlow): Trust {
  const methods = itemsOf(flow, "authentication");
  const verified = methods.filter(({ value }) =>
    [value.kubernetesTokenReview, value.jwt, value.apiKey, value.oauth2Introspection].some((how) => how !== undefined),
  );
  const headers = new Set(
    verified.map(({ value }) => (value.credentials?.customHeader?.name ?? "authorization").toLowerCase()),
  );
  const echoed = methods.filter(({ value }) => value.plain !== undefined).flatMap((item) => itemReads(item, flow));
  return {
    headers,
    identity: !echoed.some(({ read }) => controlOf(read.names, { headers, identity: true }) === "free"),
  };
}

function controlOf(names: readonly string[], trust: Trust): Control {
  const [root, field = "", header = ""] = requestPath(names);
  if (root === "auth" && field === "identity") return trust.identity ? "none" : "free";
  if (root !== "request") return "none";
  if (field === "headers") {
    if (header === "host" || header === ":authority") return "host";
    return trust.headers.has(header.toLowerCase()) ? "none" : "free";
  }
  if (field === "host") return "host";
  return FREE_FIELDS.has(field) ? "free" : "none";
}

/** What a part of the URL gets from the caller; the range is that in the whole text. */
type Chosen = { readonly names: readonly string[]; readonly control: Control; readonly range: TextRange };

type Context = { readonly flow: AuthBlockFlow; readonly trust: Trust };

function chosenIn(call: CallSite, url: CallUrl, part: UrlPart, { flow, trust }: Context): readonly Chosen[] {
  if (part.literal !== undefined) return [];
  if (part.node !== undefined) {
    const sources: TaintSources = {
      variationOf: (path) => (controlOf(namesOf(path), trust) === "none" ? "clean" : "tainted"),
    };
    const taint = taintOf(part.node, sources);
    if (!isTainted(taint)) return [];
    return taint.from.map((path) => ({
      names: namesOf(path),
      control: controlOf(namesOf(path), trust),
      range: { start: path.start, end: path.end },
    }));
  }
  return callReads(call, flow).flatMap(({ site, read }) => {
    const control = controlOf(read.names, trust);
    const inside = site.text === url.text && read.start >= part.start && read.end <= part.end;
    return inside && control !== "none"
      ? [{ names: read.names, control, range: { start: read.start, end: read.end } }]
      : [];
  });
}

/** Where in the URL a part stands. */
type Position = "host" | "path" | "query";

const HOST_ENDED = /^[^/]*:\/\/[^/?#]+[/?#]/;

/** What certain values are kept to by a condition of the item: `request.headers['x-team'] in ['a', 'b']`. */
function boundedSubjects({ item }: CallSite): ReadonlySet<string> {
  const bounded = item.when.flatMap(({ predicate }) => {
    const parsed = predicate === undefined ? undefined : parseExpression(predicate);
    if (parsed?.ok !== true) return [];
    return conjunctsOf(parsed.value).filter(({ tests }) =>
      tests.every(({ relation, negated }) => relation === "eq" && !negated),
    );
  });
  return new Set(bounded.map(({ subject }) => subject));
}

function judge(call: CallSite, context: Context): readonly Report[] {
  const url = urlOf(call);
  if (url === undefined) return [];
  const bounded = boundedSubjects(call);
  const injected = isInjected(call, context.flow);
  const guarded = injected || sendsCredential(call, context.flow);
  let before = "";
  for (const part of url.parts) {
    const where = !HOST_ENDED.test(before) ? "host" : before.includes("?") ? "query" : "path";
    const matters = { host: true, path: guarded, query: injected }[where];
    const chosen = chosenIn(call, url, part, context).find(
      ({ names, control }) => !bounded.has(spellPath(names)) && matters && (where === "host" || control === "free"),
    );
    if (chosen !== undefined) return [toReport(call, url, chosen, where)];
    before += part.literal ?? "x";
  }
  return [];
}

const toReport = ({ item }: CallSite, url: CallUrl, { names, range }: Chosen, where: Position): Report => ({
  path: url.path,
  range,
  // Parameters are for the caller's choices as well, such as a path to be judged.
  ...(where === "query" ? { severity: "warning" } : {}),
  message: `the URL of ${formatItem(item)} is partly chosen by the caller (\`${spellPath(names)}\`), who can ${
    where !== "host" ? "read another team's secret" : "redirect the lookup, and what it carries, to another host"
  }`,
  hint:
    where !== "host"
      ? "Build the path from the verified identity, such as `auth.identity.user.username.split(':')[2]`, never from the request."
      : "Write the host as a constant, and build the path from the verified identity.",
});

export const rule = defineRule({
  id: "metadata-untrusted-url",
  kinds: ["AuthPolicy"],
  reads: [],
  severity: "error",
  scope: "object",
  title: "The caller chooses where a lookup goes",
  why: "Authorino calls the URL with its own rights. A caller that decides the host gets the lookup's credential sent to it; one that decides the path gets somebody else's secret.",
  fix: "Build the URL from constants and from `auth.identity`, never from the request.",
  sources: [
    "kuadrant credential injection guide: the path is made of what Vault verified",
    "authorino 58fecc6c pkg/evaluators/metadata/generic_http.go: the URL is called as it was put together",
    "CWE-918 server-side request forgery",
  ],
  since: "0.2.0",

  check(object) {
    return authFlows(object).flatMap((flow) => {
      const context: Context = { flow, trust: trustIn(flow) };
      return httpCalls(flow).flatMap((call) => judge(call, context));
    });
  },

  bad: [
    {
      name: "a header as the path of an injected secret",
      finds: [{ path: "spec.rules.metadata.secret.http.urlExpression", text: "request.headers['x-team']" }],
      yaml: `${POLICY}
          rules:
            metadata:
              secret: {http: {urlExpression: "'https://vault.vault.svc:8200/v1/kv/data/' + request.headers['x-team']", method: GET}}
            response: {success: {headers: {x-api-key: {plain: {expression: auth.metadata.secret.data.data.api_key}}}}}`,
    },
    {
      name: "a query in the template of a call with a token, in defaults",
      finds: [{ path: "spec.defaults.rules.metadata.secret.http.url", text: "context.request.http.query" }],
      yaml: `${POLICY}
          defaults:
            rules:
              metadata:
                secret: {http: {url: "https://vault.vault.svc:8200/v1/kv/data/{context.request.http.query}", headers: {X-Vault-Token: {selector: auth.identity.token}}}}`,
    },
    {
      name: "a parameter of a lookup whose answer is injected",
      finds: [
        {
          path: "spec.rules.metadata.secret.http.urlExpression",
          text: "request.headers['x-team']",
          severity: "warning",
        },
      ],
      yaml: `${POLICY}
          rules:
            metadata: {secret: {http: {urlExpression: "'https://keys.platform.svc/find?team=' + request.headers['x-team']"}}}
            response: {success: {headers: {x-api-key: {plain: {expression: auth.metadata.secret.value}}}}}`,
    },
    {
      name: "the host itself, of a lookup and of a callback",
      finds: [
        { path: "spec.rules.callbacks.audit.http.urlExpression", text: "request.host" },
        { path: "spec.rules.metadata.tenant.http.urlExpression", text: "request.headers.tenant" },
      ],
      yaml: `${POLICY}
          rules:
            metadata:
              tenant: {http: {urlExpression: "'https://' + request.headers.tenant.lowerAscii() + '.tenants.svc/info'"}}
            callbacks:
              audit: {http: {urlExpression: "'https://audit-' + request.host + '/log'", method: POST}}`,
    },
    {
      name: "an identity that is what the caller says",
      finds: [{ path: "spec.rules.metadata.secret.http.urlExpression", text: "auth.identity.team" }],
      yaml: `${POLICY}
          rules:
            authentication: {said: {plain: {selector: request.headers.x-user}}}
            metadata:
              secret: {http: {urlExpression: "'https://vault.vault.svc:8200/v1/kv/data/' + auth.identity.team", sharedSecretRef: {name: vault, key: token}}}`,
    },
  ],
  good: [
    {
      name: "the verified namespace",
      yaml: `${POLICY}
          rules:
            metadata:
              secret: {http: {urlExpression: "'https://vault.vault.svc:8200/v1/kv/data/' + auth.identity.user.username.split(':')[2]", method: GET}}
            response: {success: {headers: {x-api-key: {plain: {expression: auth.metadata.secret.data.data.api_key}}}}}`,
    },
    {
      name: "a choice among constants, by condition and by ternary, and a lookup of nobody's secret",
      yaml: `${POLICY}
          rules:
            metadata:
              listed:
                when: [{predicate: "request.headers['x-team'] in ['a', 'b']"}]
                http: {urlExpression: "'https://vault.vault.svc:8200/v1/kv/data/' + request.headers['x-team']", sharedSecretRef: {name: vault, key: token}}
              either: {http: {urlExpression: "'https://vault.vault.svc:8200/v1/kv/data/' + (request.headers['x-team'] == 'a' ? 'a' : 'b')", sharedSecretRef: {name: vault, key: token}}}
              geo: {http: {url: "https://geo.platform.svc/{request.path}"}}
              judge: {http: {url: "https://judge.platform.svc/check?path={request.path}", sharedSecretRef: {name: judge, key: token}}}`,
    },
    {
      name: "the served host in a path, and the token that was verified",
      yaml: `${POLICY}
          rules:
            authentication: {sa: {kubernetesTokenReview: {audiences: [egress-gateway]}}}
            metadata:
              secret: {http: {urlExpression: "'https://vault.vault.svc:8200/v1/kv/data/' + request.host", sharedSecretRef: {name: vault, key: token}}}
              session: {http: {urlExpression: "'https://sessions.platform.svc/' + request.headers.authorization", sharedSecretRef: {name: vault, key: token}}}`,
    },
  ],
});
