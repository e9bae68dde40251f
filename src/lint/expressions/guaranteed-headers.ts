import type { AuthenticationItem, ResponseItem } from "../../model/kinds/auth-policy.ts";
import type { Publication } from "./published-filters.ts";

/** The header that a credential is read from; undefined when it is read from elsewhere, or none is needed. */
function credentialHeader(item: AuthenticationItem): string | undefined {
  const { kubernetesTokenReview, jwt, apiKey, oauth2Introspection, credentials } = item;
  if ([kubernetesTokenReview, jwt, apiKey, oauth2Introspection].every((method) => method === undefined))
    return undefined;
  if (credentials?.queryString !== undefined) return undefined;
  if (credentials?.cookie !== undefined) return "cookie";
  return credentials?.customHeader?.name?.toLowerCase() ?? "authorization";
}

function headersOf({ auth }: Publication): ReadonlySet<string> {
  const rules = [...(auth?.rules.values() ?? [])];
  const under = (prefix: string) =>
    rules.flatMap(({ key, value }) => (key.startsWith(prefix) ? [{ name: key.slice(prefix.length), value }] : []));
  const injected = under("response.success.headers/").map(({ name, value }) => (value as ResponseItem).key ?? name);
  const credentials = under("authentication/").map(({ value }) => credentialHeader(value as AuthenticationItem));
  const [first] = credentials;
  const required = first !== undefined && credentials.every((header) => header === first) ? [first] : [];
  return new Set([...injected.map((name) => name.toLowerCase()), ...required]);
}

/**
 * Whether a header is on every request that the limits see, because the AuthPolicy of every way through the gateway
 * answers 401 without it or sets it itself. False where no way is in view.
 */
export const isGuaranteed = (header: string, publications: readonly Publication[]): boolean =>
  publications.length > 0 && publications.every((publication) => headersOf(publication).has(header.toLowerCase()));
