import { type Node, visit } from "../../cel/ast.ts";
import { parseExpression } from "../../cel/parse.ts";
import { namesOf, pathOf } from "../../cel/path.ts";
import type { TextRange } from "../../model/place.ts";
import { type AuthBlockFlow, type AuthFlow, itemsOf } from "./auth-flow.ts";
import { type CallSite, joinedParts } from "./http-calls.ts";

/** The constant texts of an expression, joined: what is certain about the document that it makes. */
export function literalTexts(expression: string): string {
  const parsed = parseExpression(expression);
  const texts: string[] = [];
  const collect = (node: Node): void => {
    if (node.kind === "literal" && typeof node.value === "string") texts.push(node.value);
  };
  if (parsed.ok) visit(parsed.value, collect);
  return texts.join(" ");
}

/** The constant text that a body begins with. */
export function bodyStart({ http }: CallSite): string {
  const { expression, value } = http.body ?? {};
  if (expression === undefined) return typeof value === "string" ? value : "";
  const parsed = parseExpression(expression);
  return parsed.ok ? (joinedParts(parsed.value)[0]?.literal ?? "") : "";
}

/** A header that stands in a JSON text as the caller sent it. */
export type SplicedHeader = { readonly names: readonly string[]; readonly range: TextRange };

/** The header whose text goes into a sum as it is, or cut; undefined when something may have escaped it. */
function splicedHeader(node: Node): readonly string[] | undefined {
  const path = pathOf(node);
  if (path !== undefined) {
    const names = namesOf(path);
    return names[0] === "request" && names[1] === "headers" && names.length > 2 && !path.test ? names : undefined;
  }
  const passes = node.kind === "call" && ["substring", "trim", "lowerAscii", "upperAscii"].includes(node.name);
  if (passes) return node.receiver === undefined ? undefined : splicedHeader(node.receiver);
  const piece = node.kind === "index" && node.target.kind === "call" && node.target.name === "split";
  return piece && node.target.receiver !== undefined ? splicedHeader(node.target.receiver) : undefined;
}

/** Headers in which authentication has found a token: one holds no quotes. */
const tokenHeaders = (flow: AuthFlow): ReadonlySet<string> =>
  new Set(
    itemsOf(flow, "authentication")
      .filter(({ value }) => value.kubernetesTokenReview !== undefined || value.jwt !== undefined)
      .map(({ value }) => (value.credentials?.customHeader?.name ?? "authorization").toLowerCase()),
  );

/** Headers that nobody has verified and that go into the JSON text of a call's body without being escaped. */
export function splicedHeaders(call: CallSite, flow: AuthBlockFlow): readonly SplicedHeader[] {
  const expression = call.http.body?.expression ?? "";
  if (!/^\s*[[{]/.test(bodyStart(call)) || !literalTexts(expression).includes('"')) return [];
  const parsed = parseExpression(expression);
  const verified = flow.merges ? new Set(["authorization"]) : tokenHeaders(flow);
  return (parsed.ok ? joinedParts(parsed.value) : []).flatMap(({ node, start, end }) => {
    const names = node === undefined ? undefined : splicedHeader(node);
    return names === undefined || verified.has((names[2] ?? "").toLowerCase())
      ? []
      : [{ names, range: { start, end } }];
  });
}
