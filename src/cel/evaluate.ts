import type { Binary, Call, Index, Literal, MapLiteral, Node, Select } from "./ast.ts";
import { type Budget, giveUp, made, type Scope, spend, type Walk } from "./evaluate-context.ts";
import { FUNCTION_NAMESPACES, functionOf } from "./evaluate-functions.ts";
import { evaluateMacro } from "./evaluate-macros.ts";
import { binary, keyOf, negated } from "./evaluate-operators.ts";
import {
  type CelMap,
  type CelValue,
  failed,
  isError,
  isList,
  isMap,
  isTagged,
  noOverload,
  typeName,
} from "./evaluate-values.ts";
import { escapedField } from "./field-escapes.ts";
import type { Patterns } from "./patterns.ts";

/**
 * What came of an expression. `error`: it fails at run time in a cluster as well. `unchecked`: nothing may be
 * concluded, because it uses what is not known here or takes more steps than it may.
 */
export type Evaluation =
  | { readonly status: "value"; readonly value: CelValue }
  | { readonly status: "error"; readonly message: string }
  | { readonly status: "unchecked"; readonly message: string };

export type EvaluateOptions = {
  readonly variables: ReadonlyMap<string, CelValue>;
  /** Taken from; share one among the expressions about one object, so that all together end. */
  readonly budget: Budget;
  readonly patterns: Patterns;
};

/** Evaluates a parsed expression as a Kubernetes API server does it. Never throws, and ends. */
export function evaluate(tree: Node, { variables, budget, patterns }: EvaluateOptions): Evaluation {
  const walk: Walk = { variables, budget, patterns, unchecked: undefined };
  const value = nodeValue(tree, undefined, walk);
  if (walk.unchecked !== undefined) return { status: "unchecked", message: walk.unchecked };
  return isError(value) ? { status: "error", message: value.message } : { status: "value", value };
}

function nodeValue(node: Node, scope: Scope | undefined, walk: Walk): CelValue {
  if (spend(walk, 1)) return failed("stopped");
  switch (node.kind) {
    case "literal":
      return literal(node, walk);
    case "identifier":
      return named(node.name, scope, walk);
    case "select":
      return select(node, scope, walk);
    case "index":
      return index(node, scope, walk);
    case "call":
      return call(node, scope, walk);
    case "list":
      return list(node.items, scope, walk);
    case "map":
      return map(node, scope, walk);
    case "ternary": {
      const condition = nodeValue(node.condition, scope, walk);
      if (typeof condition === "boolean") return nodeValue(condition ? node.whenTrue : node.whenFalse, scope, walk);
      return isError(condition) ? condition : noOverload("_?_:_", condition);
    }
    case "binary":
      return operation(node, scope, walk);
    case "unary": {
      const operand = nodeValue(node.operand, scope, walk);
      if (isError(operand)) return operand;
      if (node.operator === "-") return negated(operand);
      return typeof operand === "boolean" ? !operand : noOverload("!_", operand);
    }
    case "comprehension":
      return evaluateMacro(node, scope, { walk, nodeValue });
  }
}

function literal({ type, value }: Literal, walk: Walk): CelValue {
  if (type === "bytes") return giveUp(walk, "literals of bytes are not known here");
  return type === "uint" && typeof value === "bigint" ? { type: "uint", value } : value;
}

const TYPES: ReadonlySet<string> = new Set("bool int uint double string bytes list map null_type type".split(" "));

function found(name: string, scope: Scope | undefined, walk: Walk): CelValue | undefined {
  for (let at = scope; at !== undefined; at = at.outer) if (at.name === name) return at.value;
  return walk.variables.get(name);
}

function named(name: string, scope: Scope | undefined, walk: Walk): CelValue {
  const value = found(name, scope, walk);
  if (value !== undefined) return value;
  return TYPES.has(name) ? { type: "type", name } : failed(`undeclared reference to '${name}'`);
}

/** A field of an object; its name may be written with Kubernetes' escapes. */
const fieldOf = (target: CelMap, field: string): CelValue | undefined => {
  const value = target.get(field);
  if (value !== undefined || !field.includes("__")) return value;
  const name = escapedField(field);
  return name === undefined ? undefined : target.get(name);
};

/** The types of protobuf that rules compare with: `google.protobuf.Duration`. */
function protobufType({ field, target }: Select, scope: Scope | undefined, walk: Walk): CelValue | undefined {
  if (field !== "Duration" && field !== "Timestamp") return undefined;
  if (target.kind !== "select" || target.field !== "protobuf" || target.target.kind !== "identifier") return undefined;
  const { name } = target.target;
  if (name !== "google" || found(name, scope, walk) !== undefined) return undefined;
  return { type: "type", name: `google.protobuf.${field}` };
}

function select(node: Select, scope: Scope | undefined, walk: Walk): CelValue {
  const named = protobufType(node, scope, walk);
  if (named !== undefined) return named;
  const target = nodeValue(node.target, scope, walk);
  if (isError(target)) return target;
  const held = isTagged(target, "optional") ? target.value : target;
  const inOptional = node.optional || held !== target;
  const none: CelValue = { type: "optional" };
  if (held === undefined) return inOptional ? none : failed("optional.none() dereference");
  if (!isMap(held)) return failed(`no such overload: ${typeName(held)} has no field ${node.field}`);
  const value = fieldOf(held, node.field);
  if (node.testOnly) return value !== undefined;
  if (inOptional) return value === undefined ? none : { type: "optional", value };
  return value === undefined ? absent(node.field) : value;
}

const absent = (key: string | bigint | boolean): CelValue => failed(`no such key: ${key}`);

function index(node: Index, scope: Scope | undefined, walk: Walk): CelValue {
  const target = nodeValue(node.target, scope, walk);
  if (isError(target)) return target;
  const key = nodeValue(node.key, scope, walk);
  if (isError(key)) return key;
  const held = isTagged(target, "optional") ? target.value : target;
  const inOptional = node.optional || held !== target;
  const value = held === undefined ? undefined : entryOf(held, key);
  if (!inOptional) return value === undefined ? outside(target, key) : value;
  return value === undefined ? { type: "optional" } : isError(value) ? value : { type: "optional", value };
}

function entryOf(target: CelValue, key: CelValue): CelValue | undefined {
  const at = keyOf(key);
  if (isMap(target)) return at === undefined ? undefined : target.get(at);
  if (isList(target)) return typeof at === "bigint" ? target[Number(at)] : noOverload("_[_]", target, key);
  return noOverload("_[_]", target, key);
}

const outside = (target: CelValue, key: CelValue): CelValue =>
  isList(target) ? failed(`index out of bounds: ${String(keyOf(key))}`) : absent(keyOf(key) ?? typeName(key));

/** `||` and `&&`: one side that decides is enough, also when the other one fails. */
function logic(decides: boolean, { left, right, operator }: Binary, scope: Scope | undefined, walk: Walk): CelValue {
  const first = nodeValue(left, scope, walk);
  if (first === decides) return decides;
  const second = nodeValue(right, scope, walk);
  if (second === decides) return decides;
  for (const value of [first, second]) {
    if (typeof value !== "boolean") return isError(value) ? value : noOverload(`_${operator}_`, first, second);
  }
  return !decides;
}

function operation(node: Binary, scope: Scope | undefined, walk: Walk): CelValue {
  const { operator } = node;
  if (operator === "||" || operator === "&&") return logic(operator === "||", node, scope, walk);
  const left = nodeValue(node.left, scope, walk);
  if (isError(left)) return left;
  const right = nodeValue(node.right, scope, walk);
  return isError(right) ? right : binary(operator, left, right, walk);
}

function list(items: readonly Node[], scope: Scope | undefined, walk: Walk): CelValue {
  const values: CelValue[] = [];
  for (const item of items) {
    const value = nodeValue(item, scope, walk);
    if (isError(value)) return value;
    values.push(value);
  }
  return made(walk, values);
}

function map(node: MapLiteral, scope: Scope | undefined, walk: Walk): CelValue {
  const entries = new Map<string | bigint | boolean, CelValue>();
  for (const entry of node.entries) {
    const key = nodeValue(entry.key, scope, walk);
    if (isError(key)) return key;
    const value = nodeValue(entry.value, scope, walk);
    if (isError(value)) return value;
    const at = keyOf(key);
    if (at === undefined) return giveUp(walk, `keys of the type ${typeName(key)} are not known here`);
    entries.set(at, value);
  }
  return entries;
}

/** The namespace that a call's receiver is, when it is no value: `ip.isCanonical(x)`. */
function namespaceOf({ receiver }: Call, scope: Scope | undefined, walk: Walk): string {
  if (receiver?.kind !== "identifier" || !FUNCTION_NAMESPACES.has(receiver.name)) return "";
  return found(receiver.name, scope, walk) === undefined ? `${receiver.name}.` : "";
}

function call(node: Call, scope: Scope | undefined, walk: Walk): CelValue {
  const namespace = namespaceOf(node, scope, walk);
  const name = namespace + node.name;
  const run = functionOf(name);
  if (run === undefined) return giveUp(walk, `the function ${name}() is not known here`);
  const operands = node.receiver === undefined || namespace !== "" ? node.args : [node.receiver, ...node.args];
  const values: CelValue[] = [];
  for (const operand of operands) {
    const value = nodeValue(operand, scope, walk);
    if (isError(value)) return value;
    values.push(value);
  }
  // `a.or(b)` and `a.orValue(b)` are functions here: their arguments have no side effects.
  return run(values, walk);
}
