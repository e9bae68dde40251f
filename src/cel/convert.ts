import type { ASTNode } from "@marcbachmann/cel-js";
import type { TextRange } from "../model/place.ts";
import type { Call, Comprehension, Identifier, Literal, LiteralType, MapEntry, Node, Select, Unary } from "./ast.ts";
import { MACROS, NAMESPACES } from "./functions.ts";
import { headerSubtractions } from "./header-names.ts";
import { isRaw, rawValue } from "./mask.ts";
import { groupingPairs, isLeadingDot, type Token } from "./tokens.ts";

/** Something that the library accepts and CEL's grammar does not. */
export type Refusal = TextRange & { readonly message: string; readonly hint?: string };

/** What the conversion of one expression reads, and where it leaves what it refuses. */
type Conversion = {
  readonly text: string;
  readonly tokens: readonly Token[];
  readonly tokenFrom: ReadonlyMap<number, number>;
  readonly tokenTo: ReadonlyMap<number, number>;
  readonly pairs: ReadonlyMap<number, number>;
  readonly refusals: Refusal[];
};

/**
 * Depth of the tree, not of brackets: `a + b + c` is a tree of depth 3. Every walk over the tree is recursive; on Node's
 * default stack they fail between 4000 and 6000 levels (measured). The deepest expression of the guides has 9.
 */
export const MAX_TREE_DEPTH = 500;

export type Converted = {
  readonly root: Node;
  readonly refusals: readonly Refusal[];
};

/** The range of a node together with the brackets that group it. */
function withBrackets(range: TextRange, conversion: Conversion): TextRange {
  let { start, end } = range;
  for (;;) {
    const before = (conversion.tokenFrom.get(start) ?? -1) - 1;
    const after = (conversion.tokenTo.get(end) ?? -2) + 1;
    if (before < 0 || after < 1 || conversion.pairs.get(before) !== after) return { start, end };
    start = conversion.tokens[before]?.start ?? start;
    end = conversion.tokens[after]?.end ?? end;
  }
}

/** Where a name begins, with the dot before an absolute one. */
function withLeadingDot(start: number, { tokens, tokenFrom }: Conversion): number {
  const position = (tokenFrom.get(start) ?? 0) - 1;
  return isLeadingDot(tokens, position) ? (tokens[position]?.start ?? start) : start;
}

/**
 * Turns the library's tree into ours. Ranges are made anew, because the library's leave out a bracket that groups
 * the first operand: `(a).b` would begin after the bracket.
 */
export function convert(root: ASTNode, text: string, tokens: readonly Token[]): Converted {
  const conversion: Conversion = {
    text,
    tokens,
    tokenFrom: new Map(tokens.map((token, position) => [token.start, position])),
    tokenTo: new Map(tokens.map((token, position) => [token.end, position])),
    pairs: groupingPairs(tokens),
    refusals: [],
  };
  return { root: convertNode(root, 0, conversion), refusals: conversion.refusals };
}

const UNARY = { "!_": "!", "-_": "-" } as const;

type Recur = (node: ASTNode) => Node;

function convertNode(node: ASTNode, depth: number, conversion: Conversion): Node {
  const { start, end } = node;
  if (depth >= MAX_TREE_DEPTH) {
    conversion.refusals.push({ start, end, message: TOO_DEEP });
    return { kind: "literal", type: "null", value: null, start, end };
  }
  const sub: Recur = (child) => convertNode(child, depth + 1, conversion);
  switch (node.op) {
    case "value":
      return convertLiteral(node, conversion);
    case "id":
      return { kind: "identifier", name: node.args, start: withLeadingDot(start, conversion), end };
    case ".":
    case ".?":
    case "[]":
    case "[?]":
      return convertAccess(node, sub, conversion);
    case "call":
      return convertCall({ name: node.args[0], receiver: undefined, args: node.args[1], node }, sub, conversion);
    case "rcall":
      return convertCall({ name: node.args[0], receiver: node.args[1], args: node.args[2], node }, sub, conversion);
    case "list":
      return { kind: "list", items: node.args.map(sub), start, end };
    case "map":
      return { kind: "map", entries: node.args.map((entry) => convertEntry(entry, sub)), start, end };
    case "?:":
      return convertTernary(node, sub, conversion);
    case "!_":
    case "-_":
      return convertUnary(node, sub, conversion);
    default: {
      const [left, right] = node.args.map(sub) as [Node, Node];
      return { kind: "binary", operator: node.op, left, right, ...spanning(left, right, conversion) };
    }
  }
}

const convertEntry = ([key, value]: [ASTNode, ASTNode], sub: Recur): MapEntry => ({ key: sub(key), value: sub(value) });

/** From the first operand's brackets to the last one's. */
const spanning = (first: Node, last: Node, conversion: Conversion): TextRange => ({
  start: withBrackets(first, conversion).start,
  end: withBrackets(last, conversion).end,
});

/** CEL's grammar has runs of `!` and runs of `-`, and no mixture of both; a number has its own minus. */
function convertUnary(node: Extract<ASTNode, { readonly op: "!_" | "-_" }>, sub: Recur, conversion: Conversion): Unary {
  const operand = sub(node.args);
  const operator = UNARY[node.op];
  const { start, end } = withBrackets(operand, conversion);
  const isNumber = operand.kind === "unary" && operand.operand.kind === "literal";
  const isBare = operand.kind === "unary" && start === operand.start;
  if (isBare && operand.operator !== operator && !(operator === "!" && isNumber)) {
    const hint = `write \`${operator}(${conversion.text.slice(start, end)})\``;
    conversion.refusals.push({ start, end: start + 1, message: "`!` and `-` do not mix without round brackets", hint });
  }
  return { kind: "unary", operator, operand, start: node.start, end };
}

type AccessNode = Extract<ASTNode, { readonly op: "." | ".?" | "[]" | "[?]" }>;

function convertAccess(node: AccessNode, sub: Recur, conversion: Conversion): Node {
  const target = sub(node.args[0]);
  const range = { start: withBrackets(target, conversion).start, end: node.end };
  const optional = node.op === ".?" || node.op === "[?]";
  if (node.op === "[]" || node.op === "[?]")
    return { kind: "index", target, key: sub(node.args[1]), optional, ...range };
  const field = node.args[1];
  const fieldRange = { start: node.end - field.length, end: node.end };
  return { kind: "select", target, field, fieldRange, optional, testOnly: false, ...range };
}

/** CEL's grammar takes no bare `a ? b : c` between `?` and `:`; the library does. */
function convertTernary(node: Extract<ASTNode, { readonly op: "?:" }>, sub: Recur, conversion: Conversion): Node {
  const [condition, whenTrue, whenFalse] = [sub(node.args[0]), sub(node.args[1]), sub(node.args[2])];
  if (whenTrue.kind === "ternary" && withBrackets(whenTrue, conversion).start === whenTrue.start) {
    conversion.refusals.push({
      start: whenTrue.start,
      end: whenTrue.end,
      message: "a ternary between `?` and `:` needs round brackets",
      hint: `write \`(${conversion.text.slice(whenTrue.start, whenTrue.end)})\``,
    });
  }
  return { kind: "ternary", condition, whenTrue, whenFalse, ...spanning(condition, whenFalse, conversion) };
}

export const MACRO_ARGUMENT = "the first argument of a macro must be a plain name";
export const TOO_DEEP = `the expression is nested more than ${MAX_TREE_DEPTH} levels deep`;

function convertLiteral(node: ASTNode & { op: "value" }, conversion: Conversion): Literal {
  const { end, args: value } = node;
  const token = conversion.tokens[conversion.tokenTo.get(end) ?? -1];
  // The parser never sees the dot of `.5`, nor the r of `br'a'`.
  const start = token?.kind === "string" || token?.kind === "number" ? token.start : node.start;
  const literal = (type: LiteralType, converted: Literal["value"]): Literal => ({
    kind: "literal",
    type,
    value: converted,
    start,
    end,
  });
  if (value === null) return literal("null", null);
  if (typeof value === "string")
    return literal("string", token !== undefined && isRaw(token) ? rawValue(token) : value);
  if (typeof value === "boolean") return literal("bool", value);
  if (token?.kind === "number" && token.text.startsWith(".")) return literal("double", Number(token.text));
  if (typeof value === "number") return literal("double", value);
  if (typeof value === "bigint") return literal("int", value);
  if (value instanceof Uint8Array) return literal("bytes", conversion.text.slice(start, end));
  return literal("uint", BigInt(value.valueOf()));
}

type CallParts = {
  readonly name: string;
  readonly receiver: ASTNode | undefined;
  readonly args: readonly ASTNode[];
  readonly node: ASTNode;
};

function convertCall(parts: CallParts, sub: Recur, conversion: Conversion): Node {
  const { name, node } = parts;
  const inNamespace = parts.receiver?.op === "id" && NAMESPACES.has(parts.receiver.args);
  const receiver = parts.receiver === undefined || inNamespace ? undefined : sub(parts.receiver);
  const args = parts.args.map(sub);
  refuseTrailingComma(node, args, conversion);
  const start =
    receiver === undefined ? withLeadingDot(node.start, conversion) : withBrackets(receiver, conversion).start;
  const range = { start, end: node.end };
  if (name === "has" && parts.receiver === undefined) return convertHas(range, args, conversion);
  const namespace = inNamespace && parts.receiver?.op === "id" ? `${parts.receiver.args}.` : "";
  const call: Call = {
    kind: "call",
    name: `${namespace}${name}`,
    nameRange: nameRangeOf(name, parts.receiver, node, conversion),
    ...(receiver === undefined ? {} : { receiver }),
    args,
    ...range,
  };
  const comprehension = asComprehension(call);
  if (comprehension === undefined) refuseMacroArgument(call, conversion);
  return comprehension ?? call;
}

/** The library knows no `optMap`, and so does not see what its first argument must be. */
function refuseMacroArgument({ name, receiver, args }: Call, conversion: Conversion): void {
  const [variable] = args;
  if (!/^opt(?:Flat)?Map$/.test(name) || receiver === undefined || variable === undefined || args.length !== 2) return;
  conversion.refusals.push({ start: variable.start, end: variable.end, message: MACRO_ARGUMENT });
}

/** The word before the bracket that opens the arguments: the first such word after the receiver. */
function nameRangeOf(name: string, receiver: ASTNode | undefined, node: ASTNode, conversion: Conversion): TextRange {
  if (receiver === undefined) return { start: node.start, end: node.start + name.length };
  let position = (conversion.tokenTo.get(withBrackets(receiver, conversion).end) ?? -1) + 1;
  while (position < conversion.tokens.length && conversion.tokens[position]?.text !== name) position++;
  const token = conversion.tokens[position];
  return token === undefined ? { start: node.start, end: node.end } : { start: token.start, end: token.end };
}

function refuseTrailingComma(node: ASTNode, args: readonly Node[], conversion: Conversion): void {
  const last = args.at(-1);
  const closing = conversion.tokenTo.get(node.end);
  if (last === undefined || closing === undefined) return;
  const comma = conversion.tokens[closing - 1];
  if (comma?.text !== "," || comma.kind !== "operator") return;
  conversion.refusals.push({
    start: comma.start,
    end: comma.end,
    message: "a call's last argument has no comma after it",
  });
}

function convertHas(range: TextRange, args: readonly Node[], conversion: Conversion): Node {
  const argument = args[0];
  if (args.length === 1 && argument?.kind === "select" && !argument.optional) {
    return { ...argument, testOnly: true, ...range } satisfies Select;
  }
  const at = argument ?? range;
  const text = (node: TextRange): string => conversion.text.slice(node.start, node.end);
  const [dashed] = argument === undefined ? [] : headerSubtractions(argument, conversion.text);
  const hint =
    argument?.kind === "index"
      ? `write \`${text(argument.key)} in ${text(argument.target)}\``
      : dashed !== undefined
        ? `write \`'${dashed.header.toLowerCase()}' in request.headers\``
        : "write `has(a.b)`: has() needs a field selection";
  conversion.refusals.push({ start: at.start, end: at.end, message: "invalid argument to has()", hint });
  return { kind: "call", name: "has", nameRange: { start: range.start, end: range.start + 3 }, args, ...range };
}

/** A macro, when the call has a macro's name, its number of arguments and names where a macro has them. */
function asComprehension(call: Call): Comprehension | undefined {
  // `cel.bind` belongs to a namespace, the others to a value: `all(v, c)` is a call of a function.
  if ((call.receiver === undefined) !== call.name.includes(".")) return undefined;
  const macro = Object.hasOwn(MACROS, call.name) ? MACROS[call.name] : undefined;
  const form = macro?.find((candidate) => candidate.arguments === call.args.length);
  if (form === undefined) return undefined;
  const names = call.args.slice(0, form.variables);
  const rest = call.args.slice(form.variables);
  const subject = call.receiver ?? rest.shift();
  if (subject === undefined || !names.every((name): name is Identifier => name.kind === "identifier")) return undefined;
  return {
    kind: "comprehension",
    macro: call.name,
    nameRange: call.nameRange,
    subject,
    variables: names,
    bodies: rest,
    start: call.start,
    end: call.end,
  };
}
