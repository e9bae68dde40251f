import type { CelFunctions } from "./evaluate-context.ts";
import { type CelUrl, type CelValue, failed, isTagged, noOverload } from "./evaluate-values.ts";

const SCHEME = /^([a-zA-Z][a-zA-Z0-9+.-]*):([\s\S]*)$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what a URL may not hold
const CONTROL = /[\u0000-\u001f\u007f]/;
const BAD_ESCAPE = /%(?![0-9a-fA-F]{2})/;
const BAD_HOST = /[\s<>"\\^`{|}]/;
const MAX_URL = 8192;

type Authority = Pick<CelUrl, "host" | "hostname" | "port">;

function authorityOf(text: string): Authority | undefined {
  const host = text.slice(text.lastIndexOf("@") + 1);
  const closing = host.startsWith("[") ? host.indexOf("]") : -1;
  if (host.startsWith("[") && closing < 0) return undefined;
  const after = closing < 0 ? host : host.slice(closing + 1);
  const colon = after.lastIndexOf(":");
  const port = colon < 0 ? "" : after.slice(colon + 1);
  if (!/^\d*$/.test(port) || BAD_HOST.test(host)) return undefined;
  if (closing >= 0 && colon !== 0 && after !== "") return undefined;
  const hostname = closing >= 0 ? host.slice(1, closing) : colon < 0 ? host : host.slice(0, colon);
  return { host, hostname, port };
}

/**
 * A URL as Go reads one of a request: with a scheme, or a path that begins with a slash. Undefined for others.
 * SOURCE: Go, net/url, ParseRequestURI.
 */
export function parseUrl(text: string): CelUrl | undefined {
  if (text === "" || text.length > MAX_URL || CONTROL.test(text)) return undefined;
  const [, scheme = "", afterScheme = text] = SCHEME.exec(text) ?? [];
  if (scheme === "" && !afterScheme.startsWith("/")) return undefined;
  const question = afterScheme.indexOf("?");
  const rest = question < 0 ? afterScheme : afterScheme.slice(0, question);
  const query = question < 0 ? "" : afterScheme.slice(question + 1);
  const none = { host: "", hostname: "", port: "" };
  if (scheme === "" || !rest.startsWith("//")) {
    if (BAD_ESCAPE.test(rest)) return undefined;
    return { scheme, ...none, path: rest.startsWith("/") ? rest : "", query };
  }
  const slash = rest.indexOf("/", 2);
  const authority = authorityOf(slash < 0 ? rest.slice(2) : rest.slice(2, slash));
  const path = slash < 0 ? "" : rest.slice(slash);
  return authority === undefined || BAD_ESCAPE.test(path)
    ? undefined
    : { scheme: scheme.toLowerCase(), ...authority, path, query };
}

/** The query as lists of texts by name. */
function queryOf(query: string): CelValue {
  const lists = new Map<string, CelValue[]>();
  for (const [name, value] of new URLSearchParams(query)) lists.set(name, [...(lists.get(name) ?? []), value]);
  return lists;
}

const part =
  (name: string, read: (url: CelUrl) => CelValue): CelFunctions[string] =>
  ([value = null]) =>
    isTagged(value, "url") ? read(value.url) : noOverload(name, value);

/** Kubernetes' functions of URLs. SOURCE: apiserver, pkg/cel/library/urls.go. */
export const URL_FUNCTIONS: CelFunctions = {
  url: ([value = null]) => {
    if (typeof value !== "string") return noOverload("url", value);
    const url = parseUrl(value);
    return url === undefined ? failed("URL parse error during conversion from string") : { type: "url", url };
  },
  isURL: ([value = null]) => (typeof value === "string" ? parseUrl(value) !== undefined : noOverload("isURL", value)),
  getScheme: part("getScheme", ({ scheme }) => scheme),
  getHost: part("getHost", ({ host }) => host),
  getHostname: part("getHostname", ({ hostname }) => hostname),
  getPort: part("getPort", ({ port }) => port),
  getEscapedPath: part("getEscapedPath", ({ path }) => path),
  getQuery: part("getQuery", ({ query }) => queryOf(query)),
};
