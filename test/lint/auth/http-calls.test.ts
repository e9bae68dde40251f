import { describe, expect, test } from "vitest";
import { hostOf, isConstantUrl, literalStart, urlOf } from "../../../src/lint/auth/http-calls.ts";

const PATH = ["spec", "rules", "metadata", "m", "http"];

describe("a URL", () => {
  test.each([
    [{ url: "https://vault.vault.svc:8200/v1/x" }, "https://vault.vault.svc:8200/v1/x", "vault.vault.svc", true],
    [{ url: "https://Vault.example.com" }, "https://Vault.example.com", "vault.example.com", true],
    [{ url: "https://user:word@a.svc/{auth.identity.sub}/x" }, "https://user:word@a.svc/", "a.svc", false],
    [{ url: "https://[fd00::1]:8200/" }, "https://[fd00::1]:8200/", "[fd00::1]", true],
    [{ url: "https://{request.host}/x" }, "https://", undefined, false],
    [{ url: "https://a.{request.host}/x" }, "https://a.", undefined, false],
    [{ urlExpression: "'https://a.svc/' + auth.identity.sub" }, "https://a.svc/", "a.svc", false],
    [{ urlExpression: "'https://' + 'a' + '.svc'" }, "https://a.svc", "a.svc", true],
    [{ urlExpression: "'https://a' + auth.identity.sub" }, "https://a", undefined, false],
    [{ urlExpression: "auth.identity.url + '/x'" }, "", undefined, false],
    [{ url: "https://a.svc/", urlExpression: "'https://b.svc/'" }, "https://b.svc/", "b.svc", true],
  ])("%j", (http, start, host, constant) => {
    const url = urlOf({ http, path: PATH });
    expect(url === undefined ? undefined : [literalStart(url), hostOf(url), isConstantUrl(url)]).toEqual([
      start,
      host,
      constant,
    ]);
  });

  test("that does not parse or is not there is not known", () => {
    expect(urlOf({ http: { urlExpression: "'https://" }, path: PATH })).toBeUndefined();
    expect(urlOf({ http: {}, path: PATH })).toBeUndefined();
  });
});
