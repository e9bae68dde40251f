import type { Binary, Call, Comprehension, Node } from "./ast.ts";
import { type AttributePath, pathOf } from "./path.ts";

/**
 * What is certain about the type of a value. `not-bool`: no truth value, beyond that unknown (a sum of unknown
 * operands). `message`: a whole structure such as `request`.
 */
export type StaticType =
  | "bool"
  | "string"
  | "number"
  | "bytes"
  | "duration"
  | "timestamp"
  | "list"
  | "map"
  | "message"
  | "null"
  | "optional"
  | "not-bool"
  | "unknown";

/** The type of what a path reads, unknown where it is not certain. */
export type PathTypes = (path: AttributePath) => StaticType;

const results = (type: StaticType, names: string): readonly (readonly [string, StaticType])[] =>
  names.split(" ").map((name) => [name, type] as const);

/** Functions whose result has one type, whatever their operands. */
const RESULTS: ReadonlyMap<string, StaticType> = new Map([
  ...results("bool", "contains startsWith endsWith matches hasValue has bool"),
  ...results("number", "size int uint double indexOf lastIndexOf"),
  ...results("number", "getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear"),
  ...results("number", "getHours getMinutes getSeconds getMilliseconds"),
  ...results("string", "string charAt join lowerAscii upperAscii trim replace substring format strings.quote"),
  ...results("list", "split"),
  ...results("bytes", "bytes"),
  ...results("duration", "duration"),
  ...results("timestamp", "timestamp"),
  ...results("optional", "optional.of optional.none optional.ofNonZeroValue"),
]);

const LITERALS: Readonly<Record<string, StaticType>> = {
  string: "string",
  bytes: "bytes",
  int: "number",
  uint: "number",
  double: "number",
  bool: "bool",
  null: "null",
};

/** The type that an expression certainly has when it can be evaluated at all. */
export const staticType = (node: Node, paths: PathTypes): StaticType => typeOf(node, paths, new Set());

function typeOf(node: Node, paths: PathTypes, bound: ReadonlySet<string>): StaticType {
  const sub = (child: Node): StaticType => typeOf(child, paths, bound);
  const path = pathOf(node, bound);
  if (path !== undefined) {
    if (path.test) return "bool";
    return path.segments.some((segment) => segment.optional) ? "optional" : paths(path);
  }
  switch (node.kind) {
    case "literal":
      return LITERALS[node.type] ?? "unknown";
    case "identifier":
    case "index":
      return node.kind === "index" && node.optional ? "optional" : "unknown";
    case "select":
      return node.testOnly ? "bool" : node.optional ? "optional" : "unknown";
    case "list":
      return "list";
    case "map":
      return "map";
    case "ternary": {
      const [whenTrue, whenFalse] = [sub(node.whenTrue), sub(node.whenFalse)];
      return whenTrue === whenFalse ? whenTrue : "unknown";
    }
    case "unary":
      return node.operator === "!" ? "bool" : "number";
    case "binary":
      return ofBinary(node, sub);
    case "comprehension":
      return ofComprehension(node, paths, bound);
    case "call":
      return ofCall(node, sub);
  }
}

function ofBinary(node: Binary, sub: (node: Node) => StaticType): StaticType {
  switch (node.operator) {
    case "+": {
      // The two operands of a sum of texts, lists, numbers or bytes have one type; times and durations mix.
      const types = [sub(node.left), sub(node.right)];
      const known = (["string", "list", "number", "bytes"] as const).find((type) => types.includes(type));
      return known ?? "not-bool";
    }
    case "-":
      return sub(node.left) === "number" ? "number" : "not-bool";
    case "*":
    case "/":
    case "%":
      return "number";
    default:
      return "bool";
  }
}

function ofComprehension(node: Comprehension, paths: PathTypes, bound: ReadonlySet<string>): StaticType {
  switch (node.macro) {
    case "map":
    case "filter":
    case "transformList":
      return "list";
    case "transformMap":
      return "map";
    case "optMap":
    case "optFlatMap":
      return "optional";
    case "cel.bind": {
      const [body] = node.bodies;
      return body === undefined
        ? "unknown"
        : typeOf(body, paths, new Set([...bound, ...node.variables.map((variable) => variable.name)]));
    }
    default:
      return "bool";
  }
}

function ofCall(node: Call, sub: (node: Node) => StaticType): StaticType {
  if (node.name === "or" && node.receiver !== undefined) return "optional";
  return RESULTS.get(node.name) ?? (node.name === "dyn" && node.args[0] !== undefined ? sub(node.args[0]) : "unknown");
}
