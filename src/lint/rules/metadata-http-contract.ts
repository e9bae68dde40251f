import { type AuthBlockFlow, authFlows, formatItem } from "../auth/auth-flow.ts";
import { bodyStart, splicedHeaders } from "../auth/call-body.ts";
import { POLICY } from "../auth/example-objects.ts";
import { type CallSite, httpCalls, urlOf } from "../auth/http-calls.ts";
import { misreadSecrets, missingLoginFields } from "../auth/vault-contract.ts";
import { spellPath } from "../expressions/attribute-reads.ts";
import { FORM, typedAsJson } from "../mends/json-body.ts";
import { defineRule, type Report } from "../rule.ts";

/** A method that Authorino does not have, and a body that its method does not send. */
function methodReports({ item, http, path }: CallSite): readonly Report[] {
  const { method = "GET" } = http;
  if (method !== "GET" && method !== "POST") {
    return [
      {
        path: [...path, "method"],
        message: `Authorino implements only GET and POST for lookups; ${formatItem(item)} always fails`,
        hint: "Use POST where there is a body, and GET otherwise.",
      },
    ];
  }
  const field = (["body", "bodyParameters"] as const).find((name) => http[name] !== undefined);
  if (method !== "GET" || field === undefined) return [];
  return [
    {
      path: [...path, field],
      at: "key",
      message: `${formatItem(item)} is a GET, which sends no body: \`${field}\` is ignored`,
      hint: "Set `method: POST`, or take the body off.",
    },
  ];
}

function contentTypeReports(call: CallSite): readonly Report[] {
  const { contentType, method } = call.http;
  const isForm = contentType === undefined || contentType.toLowerCase().startsWith(FORM);
  if (method !== "POST" || !isForm || !/^\s*[[{]/.test(bodyStart(call))) return [];
  return [
    {
      path: [...call.path, contentType === undefined ? "body" : "contentType"],
      ...(contentType === undefined ? { at: "key" as const, mend: typedAsJson(call.path) } : {}),
      message: `${formatItem(call.item)} sends JSON as ${FORM}${contentType === undefined ? ", which is the default" : ""}; a server that looks at the type refuses it`,
      hint: "Set `contentType: application/json`.",
    },
  ];
}

function urlReports({ item, http, path }: CallSite): readonly Report[] {
  if (http.url === undefined && http.urlExpression === undefined) {
    return [
      {
        path,
        at: "key",
        severity: "warning",
        message: `${formatItem(item)} has no URL to call and always fails`,
        hint: "Set `url`, or `urlExpression` for one that is computed.",
      },
    ];
  }
  const template = urlOf({ http: http.url === undefined ? {} : { url: http.url }, path });
  if (http.urlExpression === undefined || template?.parts.every(({ literal }) => literal !== undefined) !== false)
    return [];
  return [
    {
      path: [...path, "url"],
      severity: "warning",
      message: `${formatItem(item)} has two computed URLs: \`urlExpression\` is called, and what this template says is not`,
      hint: "Keep one of them.",
    },
  ];
}

function vaultReports(call: CallSite, flow: AuthBlockFlow): readonly Report[] {
  const name = call.item.name;
  const misread = misreadSecrets(call, flow).map(({ place, range, wants }): Report => {
    const answer = spellPath(["auth", "metadata", name, "data"]);
    return {
      path: place.site.path,
      range,
      severity: "warning",
      message:
        wants === "deeper"
          ? `\`${name}\` reads a secret of Vault's KV version 2, whose keys are below \`${answer}.data\``
          : `the path of \`${name}\` has no \`/data/\`: a secret of Vault's KV version 1 has its keys in \`${answer}\` itself`,
      hint: wants === "deeper" ? `Read \`${answer}.data\`.` : `Read \`${answer}\`, or call \`/v1/<mount>/data/…\`.`,
    };
  });
  const missing = missingLoginFields(call);
  if (missing.length === 0) return misread;
  const field = (["body", "bodyParameters"] as const).find((one) => call.http[one] !== undefined);
  return [
    ...misread,
    {
      path: field === undefined ? call.path : [...call.path, field],
      at: "key",
      severity: "warning",
      message: `a login at Vault's Kubernetes method without ${missing.map((one) => `\`${one}\``).join(" and ")} is refused`,
      hint: "Send JSON with the members `jwt`, the caller's token, and `role`.",
    },
  ];
}

const spliceReports = (call: CallSite, flow: AuthBlockFlow): readonly Report[] =>
  splicedHeaders(call, flow).map(({ names, range }) => ({
    path: [...call.path, "body", "expression"],
    range,
    severity: "warning",
    message: `\`${spellPath(names)}\` goes into the JSON of ${formatItem(call.item)} as it is: a caller that sends a quote in it can write members of its own`,
    hint: "Escape it, `.replace('\\\\', '').replace('\"', '')`, or send `bodyParameters`.",
  }));

function reportsOn(call: CallSite, flow: AuthBlockFlow): readonly Report[] {
  return [
    ...methodReports(call),
    ...contentTypeReports(call),
    ...urlReports(call),
    ...vaultReports(call, flow),
    ...(call.http.method === "POST" ? spliceReports(call, flow) : []),
  ];
}

export const rule = defineRule({
  id: "metadata-http-contract",
  kinds: ["AuthPolicy"],
  reads: [],
  severity: "error",
  scope: "object",
  title: "A lookup asks for what Authorino or the secret store does not do",
  why: "The schema allows more than is implemented. The failure is only logged: the request goes on without the value, and what needs it fails or is missing.",
  fix: "Use GET, or POST with the right `contentType` and body, and read the answer where the store puts it.",
  sources: [
    "authorino 58fecc6c pkg/evaluators/metadata/generic_http.go: GET and POST only, a body with POST only",
    "Observed on Authorino 58fecc6c: a login by PUT, and one with a JSON body and no content type, give no result",
    "Vault API: KV version 2 answers below data.data; the Kubernetes login takes jwt and role",
  ],
  since: "0.2.0",

  check(object) {
    return authFlows(object).flatMap((flow) =>
      httpCalls(flow)
        .filter(({ item }) => item.phase === "metadata")
        .flatMap((call) => reportsOn(call, flow)),
    );
  },

  bad: [
    {
      name: "a login by PUT",
      finds: [{ path: "spec.rules.metadata.vault_login.http.method" }],
      yaml: `${POLICY}
          rules:
            metadata:
              vault_login:
                http:
                  url: https://vault.vault.svc:8200/v1/auth/kubernetes/login
                  method: PUT
                  body: {expression: '"{\\"jwt\\": \\"" + request.headers.authorization.substring(7) + "\\", \\"role\\": \\"egress\\"}"'}`,
    },
    {
      name: "a body that a GET does not send, in defaults",
      finds: [{ path: "spec.defaults.rules.metadata.user.http.bodyParameters" }],
      yaml: `${POLICY}
          defaults:
            rules:
              metadata: {user: {http: {url: "https://users.platform.svc/", bodyParameters: {name: {selector: auth.identity.sub}}}}}`,
    },
    {
      name: "JSON as a form",
      finds: [
        { path: "spec.rules.metadata.a.http.body", mended: "spec.rules.metadata.a.http.contentType: application/json" },
        { path: "spec.rules.metadata.b.http.contentType" },
      ],
      yaml: `${POLICY}
          rules:
            metadata:
              a: {http: {url: "https://a.platform.svc/", method: POST, body: {expression: "'{\\"user\\": \\"' + auth.identity.sub + '\\"}'"}}}
              b: {http: {url: "https://b.platform.svc/", method: POST, contentType: application/x-www-form-urlencoded, body: {value: '["a"]'}}}`,
    },
    {
      name: "no URL, and two",
      finds: [
        { path: "spec.rules.metadata.both.http.url", severity: "warning" },
        { path: "spec.rules.metadata.none.http", severity: "warning" },
      ],
      yaml: `${POLICY}
          rules:
            metadata:
              none: {http: {method: GET}}
              both: {http: {url: "https://a.platform.svc/{auth.identity.sub}", urlExpression: "'https://a.platform.svc/' + auth.identity.sub"}}`,
    },
    {
      name: "secrets of Vault that are read as those of the other version",
      finds: [
        {
          path: 'spec.rules.response.success.headers["x-api-key"].plain.expression',
          text: "auth.metadata.two.data.api_key",
          severity: "warning",
        },
        {
          path: 'spec.rules.response.success.headers["x-auth-token"].plain.selector',
          text: "auth.metadata.one.data.data",
          severity: "warning",
        },
      ],
      yaml: `${POLICY}
          rules:
            metadata:
              two: {http: {url: "https://vault.vault.svc:8200/v1/secret/data/openai", headers: {X-Vault-Token: {selector: auth.identity.token}}}}
              one: {http: {url: "https://vault.vault.svc:8200/v1/secret/openai", headers: {X-Vault-Token: {selector: auth.identity.token}}}}
            response:
              success:
                headers:
                  x-api-key: {plain: {expression: auth.metadata.two.data.api_key}}
                  x-auth-token: {plain: {selector: auth.metadata.one.data.data.token}}`,
    },
    {
      name: "logins that lack a member",
      finds: [
        { path: "spec.rules.metadata.a.http.body", severity: "warning" },
        { path: "spec.rules.metadata.b.http.bodyParameters", severity: "warning" },
      ],
      yaml: `${POLICY}
          rules:
            metadata:
              a: {http: {url: "https://vault.vault.svc:8200/v1/auth/kubernetes/login", method: POST, contentType: application/json, body: {expression: "'{\\"jwt\\": \\"' + auth.identity.token + '\\"}'"}}}
              b: {http: {url: "https://vault.vault.svc:8200/v1/auth/kubernetes/login", method: POST, contentType: application/json, bodyParameters: {role: {value: egress}}}}`,
    },
    {
      name: "a header that nobody has verified, in JSON",
      finds: [
        {
          path: "spec.rules.metadata.user.http.body.expression",
          text: "request.headers['x-user'].trim()",
          severity: "warning",
        },
      ],
      yaml: `${POLICY}
          rules:
            authentication: {sa: {kubernetesTokenReview: {audiences: [egress-gateway]}}}
            metadata:
              user:
                http:
                  url: https://users.platform.svc/
                  method: POST
                  contentType: application/json
                  body: {expression: "'{\\"user\\": \\"' + request.headers['x-user'].trim() + '\\", \\"token\\": \\"' + request.headers.authorization.substring(7) + '\\"}'"}`,
    },
  ],
  good: [
    {
      name: "a login by POST",
      yaml: `${POLICY}
          rules:
            authentication: {sa: {kubernetesTokenReview: {audiences: [egress-gateway]}}}
            metadata:
              vault_login:
                http:
                  url: https://vault.vault.svc:8200/v1/auth/kubernetes/login
                  method: POST
                  contentType: application/json
                  body: {expression: '"{\\"jwt\\": \\"" + request.headers.authorization.substring(7) + "\\", \\"role\\": \\"egress\\"}"'}`,
    },
    {
      name: "an answer with a member called data, of something that is not Vault, and a computed mount",
      yaml: `${POLICY}
          rules:
            metadata:
              api: {http: {url: "https://api.platform.svc/v1/users/data/all"}}
              computed: {http: {urlExpression: "'https://vault.vault.svc:8200/v1/' + auth.identity.mount + '/openai'", headers: {X-Vault-Token: {selector: auth.identity.token}}}}
            response:
              success:
                headers:
                  x-user: {plain: {expression: auth.metadata.api.data.name}}
                  x-api-key: {plain: {expression: auth.metadata.computed.data.data.api_key}}`,
    },
    {
      name: "both versions read as they are, a form, and a header whose quotes are taken out",
      yaml: `${POLICY}
          rules:
            metadata:
              two: {http: {url: "https://vault.vault.svc:8200/v1/secret/data/openai", headers: {X-Vault-Token: {selector: auth.identity.token}}}}
              one: {http: {url: "https://vault.vault.svc:8200/v1/secret/openai", headers: {X-Vault-Token: {selector: auth.identity.token}}}}
              form: {http: {url: "https://a.platform.svc/", method: POST, body: {expression: "'user=' + auth.identity.sub"}}}
              user:
                http:
                  url: https://users.platform.svc/
                  method: POST
                  contentType: application/json
                  body: {expression: "'{\\"user\\": \\"' + request.headers['x-user'].replace('\\"', '') + '\\"}'"}
            response:
              success:
                headers:
                  x-version: {plain: {expression: string(auth.metadata.two.data.metadata.version)}}
                  x-api-key: {plain: {expression: auth.metadata.two.data.data.api_key}}
                  x-auth-token: {plain: {selector: auth.metadata.one.data.token}}`,
    },
  ],
});
