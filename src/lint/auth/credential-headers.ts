/** Headers, in lower case, whose value is a credential whatever the expression is. */
export const CREDENTIAL_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "x-api-key",
  "api-key",
  "x-goog-api-key",
  "x-auth-token",
  "proxy-authorization",
]);
