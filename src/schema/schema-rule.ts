import { type Node, visit } from "../cel/ast.ts";
import { parseExpression } from "../cel/parse.ts";
import { isMap } from "./json.ts";

/** An expression that was parsed, or why nothing can be said about it. */
export type ParsedRule =
  | { readonly status: "parsed"; readonly tree: Node; readonly usesOldSelf: boolean }
  | { readonly status: "unchecked"; readonly why: string };

/** One rule of `x-kubernetes-validations`. */
export type SchemaRule = {
  readonly rule: string;
  readonly message: string | undefined;
  readonly messageExpression: string | undefined;
  /** Path of the field to blame, from the node on: `.spec.a['b']`. */
  readonly fieldPath: string | undefined;
  readonly optionalOldSelf: boolean;
  /** The expression, parsed when it is first asked for. */
  readonly parsed: () => ParsedRule;
  readonly parsedMessage: () => ParsedRule | undefined;
};

/** Rules of one node that are read; the largest in use has some 20. */
const MAX_RULES = 1000;

function parse(text: string): ParsedRule {
  const parsed = parseExpression(text);
  if (!parsed.ok) return { status: "unchecked", why: parsed.problems[0]?.message ?? "it cannot be read" };
  let usesOldSelf = false;
  visit(parsed.value, (node) => {
    usesOldSelf ||= node.kind === "identifier" && node.name === "oldSelf";
  });
  return { status: "parsed", tree: parsed.value, usesOldSelf };
}

/** Calls once, and remembers. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

/** The rules of a node. What is no rule is passed over: an API server takes no such definition. */
export function readRules(value: unknown): readonly SchemaRule[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, MAX_RULES).flatMap((entry: unknown): SchemaRule[] => {
    if (!isMap(entry) || typeof entry["rule"] !== "string" || entry["rule"].trim() === "") return [];
    const { rule } = entry;
    const messageExpression = textOf(entry["messageExpression"]);
    return [
      {
        rule,
        message: textOf(entry["message"]),
        messageExpression,
        fieldPath: textOf(entry["fieldPath"]),
        optionalOldSelf: entry["optionalOldSelf"] === true,
        parsed: once(() => parse(rule)),
        parsedMessage: once(() => (messageExpression === undefined ? undefined : parse(messageExpression))),
      },
    ];
  });
}
