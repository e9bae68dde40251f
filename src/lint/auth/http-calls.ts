import type { Node } from "../../cel/ast.ts";
import { parseExpression } from "../../cel/parse.ts";
import { templatePaths } from "../../cel/selector.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type { HttpCall } from "../../model/kinds/auth-policy.ts";
import type { TextRange } from "../../model/place.ts";
import type { AuthFlow, AuthItem } from "./auth-flow.ts";
import { type ItemRead, itemReads } from "./auth-sites.ts";
import { CREDENTIAL_HEADERS } from "./credential-headers.ts";
import { requestPath } from "./dependence.ts";
import { headerNeeds } from "./header-needs.ts";

/** One call of a URL that an item makes: a lookup, an external policy, a callback. */
export type CallSite = {
  readonly item: AuthItem<"metadata" | "authorization" | "callbacks">;
  readonly http: HttpCall;
  readonly path: FieldPath;
};

/** A stretch of a URL: constant, or what is put there. Ranges are those of the field's text. */
export type UrlPart = TextRange & { readonly literal?: string; readonly node?: Node };

/** The URL of a call, in the order in which it is put together. */
export type CallUrl = { readonly path: FieldPath; readonly text: string; readonly parts: readonly UrlPart[] };

/** Every call that a flow makes, in the order of its phases. */
export const httpCalls = (flow: AuthFlow): readonly CallSite[] => flow.items.flatMap(callOf);

function callOf(item: AuthItem): readonly CallSite[] {
  if (item.phase === "metadata" || item.phase === "callbacks") {
    const { http } = item.value;
    return http === undefined ? [] : [{ item, http, path: [...item.path, "http"] }];
  }
  if (item.phase !== "authorization") return [];
  const http = item.value.opa?.externalPolicy;
  return http === undefined ? [] : [{ item, http, path: [...item.path, "opa", "externalPolicy"] }];
}

/** Calls are immutable, and several rules ask for their URLs: each is read once. */
const urls = new WeakMap<HttpCall, { readonly url: CallUrl | undefined }>();

/** The URL of a call; undefined when there is none, or none that can be read. An expression counts before a text. */
export function urlOf({ http, path }: Pick<CallSite, "http" | "path">): CallUrl | undefined {
  const known = urls.get(http) ?? { url: readUrl(http, path) };
  urls.set(http, known);
  return known.url;
}

function readUrl(http: HttpCall, path: FieldPath): CallUrl | undefined {
  if (http.urlExpression !== undefined) {
    const text = http.urlExpression;
    const parsed = parseExpression(text);
    return parsed.ok ? { path: [...path, "urlExpression"], text, parts: joinedParts(parsed.value) } : undefined;
  }
  return http.url === undefined
    ? undefined
    : { path: [...path, "url"], text: http.url, parts: templateParts(http.url) };
}

/** The operands of a sum of texts, from left to right. */
export function joinedParts(root: Node): readonly UrlPart[] {
  const operands: Node[] = [];
  let node = root;
  for (; node.kind === "binary" && node.operator === "+"; node = node.left) operands.unshift(node.right);
  return [node, ...operands].map((operand): UrlPart => {
    const { start, end } = operand;
    const isText = operand.kind === "literal" && typeof operand.value === "string";
    return isText ? { literal: String(operand.value), start, end } : { node: operand, start, end };
  });
}

function templateParts(text: string): readonly UrlPart[] {
  const parts: UrlPart[] = [];
  let offset = 0;
  for (const { start, end } of templatePaths(text)) {
    if (start - 1 > offset) parts.push({ literal: text.slice(offset, start - 1), start: offset, end: start - 1 });
    parts.push({ start, end });
    offset = end + 1;
  }
  return offset < text.length ? [...parts, { literal: text.slice(offset), start: offset, end: text.length }] : parts;
}

/** The constant text that a URL begins with. */
export function literalStart({ parts }: CallUrl): string {
  const dynamic = parts.findIndex(({ literal }) => literal === undefined);
  return parts
    .slice(0, dynamic < 0 ? undefined : dynamic)
    .map(({ literal = "" }) => literal)
    .join("");
}

/** Whether the whole URL is constant. */
export const isConstantUrl = ({ parts }: CallUrl): boolean => parts.every(({ literal }) => literal !== undefined);

const AUTHORITY = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?(\[[^\]/]*\]|[^/?#:]+)(:\d+)?(?=[/?#]|$)/i;

/** The lower-case host that a URL names for certain; undefined when a part of it is computed. */
export function hostOf(url: CallUrl): string | undefined {
  const start = literalStart(url);
  const found = AUTHORITY.exec(start);
  if (found === null || (found[0].length === start.length && !isConstantUrl(url))) return undefined;
  return found[1]?.toLowerCase();
}

/** Everything that a call reads to be made; `field` is the member of the call that reads it. */
export function callReads(
  { item, path }: CallSite,
  flow: AuthFlow,
): readonly (ItemRead & { readonly field: string })[] {
  return itemReads(item, flow).flatMap((place) => {
    const inside = place.part === "value" && path.every((step, position) => place.site.path[position] === step);
    return inside ? [{ ...place, field: String(place.site.path[path.length]) }] : [];
  });
}

const SAYS_CREDENTIAL = /token|secret|authorization|api[-_]?key|cookie|password/i;

/** Whether the call carries a credential: its own, or the caller's. */
export function sendsCredential(call: CallSite, flow: AuthFlow): boolean {
  const { sharedSecretRef, oauth2, headers = {} } = call.http;
  if (sharedSecretRef !== undefined || oauth2 !== undefined) return true;
  if (Object.keys(headers).some((name) => SAYS_CREDENTIAL.test(name))) return true;
  return callReads(call, flow).some(({ read }) => {
    const [root, field, header = ""] = requestPath(read.names);
    return root === "request" && field === "headers" && CREDENTIAL_HEADERS.has(header.toLowerCase());
  });
}

/** Lookups whose answers become credentials are asked for with every call, so that each flow is read once. */
const injected = new WeakMap<readonly AuthItem[], ReadonlySet<string>>();

/** Whether what a call answers becomes a credential on the request. */
export function isInjected({ item }: Pick<CallSite, "item">, flow: AuthFlow): boolean {
  if (item.phase !== "metadata") return false;
  const needs = (): readonly string[] =>
    headerNeeds(flow).flatMap(({ names, credential }) => (credential ? [names[2] ?? ""] : []));
  const known = injected.get(flow.items) ?? new Set(needs());
  injected.set(flow.items, known);
  return known.has(item.name);
}
