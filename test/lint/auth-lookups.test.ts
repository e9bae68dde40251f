import { describe, expect, test } from "vitest";
import { rule as cacheKeyShared } from "../../src/lint/rules/auth-cache-key-shared.ts";
import { rule as timeBudget } from "../../src/lint/rules/auth-time-budget.ts";
import { rule as pathShared } from "../../src/lint/rules/credential-path-shared.ts";
import { rule as plaintextSecret } from "../../src/lint/rules/metadata-plaintext-secret.ts";
import { rule as untrustedUrl } from "../../src/lint/rules/metadata-untrusted-url.ts";
import { authPolicy, headers, lookup, matching, tell } from "../support/auth-policies.ts";

const TOKEN = { "X-Vault-Token": { selector: "auth.identity.token" } };
const KEY = headers({ "x-api-key": "auth.metadata.m.data.data.key" });

describe("metadata-untrusted-url", () => {
  const found = (urlExpression: string, more: object = {}): readonly string[] =>
    tell(
      untrustedUrl,
      authPolicy({ rules: { metadata: { m: { http: { urlExpression, headers: TOKEN } } }, ...more } }),
    ).map((told) => told.replace("spec.rules.metadata.m.http.urlExpression ", ""));

  test.each([
    ["request.headers.url", ["error «request.headers.url»"]],
    ["'https://' + request.headers.x + '/a'", ["error «request.headers.x»"]],
    ["'https://a.svc' + request.path", ["error «request.path»"]],
    ["'https://a.svc/' + request.path", ["error «request.path»"]],
    ["'https://a.svc/?p=' + request.path", []],
    ["'https://a.svc/' + request.method", []],
    ["'https://a.svc/' + request.host", []],
    ["'https://a.svc/' + request.headers.host", []],
    ["'https://' + request.host + '/'", ["error «request.host»"]],
    ["'https://a.svc/' + {'a': 'x'}[request.headers.x]", []],
    ["'https://a.svc/' + string(size(request.headers.x))", []],
    ["'https://a.svc/' + auth.identity.sub", []],
  ])("%s", (url, told) => {
    expect(found(url)).toEqual(told);
  });

  test("an identity that repeats what the caller says is no better", () => {
    const plain = { authentication: { said: { plain: { expression: "request.headers.user" } } } };
    const echo = { authentication: { said: { plain: { selector: "auth.identity" } } } };
    expect(found("'https://a.svc/' + auth.identity", plain)).toEqual(["error «auth.identity»"]);
    expect(found("'https://a.svc/' + auth.identity", echo)).toEqual([]);
  });
});

describe("metadata-plaintext-secret", () => {
  const found = (url: string, http: object = { headers: TOKEN }): number =>
    tell(plaintextSecret, authPolicy({ rules: { metadata: { m: lookup({}, { url, ...http }) } } })).length;

  test.each([
    ["http://vault.svc/", 1],
    ["https://vault.svc/", 0],
    ["http://localhost:8200/", 0],
    ["http://127.0.0.1/", 0],
    ["http://[::1]:8200/", 0],
    ["http://localhost.example.com/", 1],
    ["http://{auth.identity.host}/", 1],
  ])("%s", (url, count) => {
    expect(found(url)).toBe(count);
  });

  test("a call that carries nothing is not worth a word", () => {
    expect(found("http://vault.svc/", {})).toBe(0);
    expect(found("http://vault.svc/", { body: { expression: "request.headers.authorization" } })).toBe(1);
  });
});

describe("auth-cache-key-shared", () => {
  const found = (key: object, url: string): number =>
    tell(cacheKeyShared, authPolicy({ rules: { metadata: { m: { http: { urlExpression: url }, cache: { key } } } } }))
      .length;
  const BY_NAME = "'https://a.svc/' + auth.identity.sub";

  test.each([
    [{ selector: "request.host" }, BY_NAME, 1],
    [{ value: "x" }, BY_NAME, 1],
    [{ expression: "'x'" }, BY_NAME, 1],
    [{ selector: "auth.identity.sub" }, BY_NAME, 0],
    [{ selector: "context.request.http.headers.authorization" }, BY_NAME, 0],
    [{ selector: "source.address" }, BY_NAME, 0],
    [{ selector: "request.*" }, BY_NAME, 0],
    [{ expression: "'" }, BY_NAME, 0],
    [{ value: "x" }, "'https://a.svc/all'", 0],
    [{ value: "x" }, "'https://a.svc/' + request.path", 1],
    [{ selector: "request.path" }, "'https://a.svc/' + request.path", 0],
    [{ selector: "context.request.http.path" }, "'https://a.svc/' + request.path", 0],
  ])("%j for %s", (key, url, count) => {
    expect(found(key, url)).toBe(count);
  });
});

describe("auth-time-budget", () => {
  const REVIEW = { sa: { kubernetesTokenReview: { audiences: ["x"] } } };
  const found = (metadata: object, more: object = {}): number =>
    tell(timeBudget, authPolicy({ rules: { authentication: REVIEW, metadata, ...more } })).length;

  test("counts what runs one after the other, and nothing that is answered from memory", () => {
    expect(found({ a: lookup(), b: lookup() })).toBe(0);
    expect(found({ a: lookup(), b: lookup({ priority: 1 }) })).toBe(1);
    expect(found({ a: lookup(), b: lookup({ priority: 1, cache: { key: { selector: "auth.identity.sub" } } }) })).toBe(
      0,
    );
    expect(found({ a: lookup() }, { authorization: { team: matching("auth.identity.sub != ''") } })).toBe(0);
    expect(found({ a: lookup() }, { authorization: { may: { kubernetesSubjectAccessReview: {} } } })).toBe(1);
  });
});

describe("credential-path-shared", () => {
  const found = (http: object, more: object = {}): number =>
    tell(pathShared, authPolicy({ rules: { metadata: { m: { http } }, response: KEY, ...more } })).length;
  const CONSTANT = { url: "https://vault.svc/v1/kv/data/openai" };

  test("asks whether the path tells callers apart", () => {
    expect(found(CONSTANT)).toBe(1);
    expect(found({ url: "https://vault.svc/v1/kv/data/{auth.identity.sub}" })).toBe(0);
    expect(found({ urlExpression: "'https://vault.svc/' + auth.metadata.elsewhere.path" })).toBe(0);
    expect(found({ ...CONSTANT, headers: { "X-User": { selector: "auth.identity.sub" } } })).toBe(0);
    expect(found({ ...CONSTANT, headers: { "X-Vault-Token": { selector: "auth.identity.token" } } })).toBe(1);
  });

  test("is content with a policy for one workload, and with no wider one", () => {
    const allowing = (predicate: string): object => ({ authorization: { only: matching(predicate) } });
    expect(found(CONSTANT, allowing("auth.identity.user.username == 'system:serviceaccount:a:app'"))).toBe(0);
    expect(found(CONSTANT, allowing("auth.identity.user.username.startsWith('system:serviceaccount:a:')"))).toBe(1);
    expect(found(CONSTANT, allowing("auth.identity.user.username != 'system:serviceaccount:a:app'"))).toBe(1);
  });
});
