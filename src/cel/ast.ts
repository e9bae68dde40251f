import type { TextRange } from "../model/place.ts";

/**
 * A CEL expression as a tree. Ranges are UTF-16 offsets into the expression's text; `end` is exclusive, a node's range
 * lies within its parent's, and brackets that only group are outside of the node they group.
 */
export type Node =
  | Literal
  | Identifier
  | Select
  | Index
  | Call
  | ListLiteral
  | MapLiteral
  | Ternary
  | Binary
  | Unary
  | Comprehension;

export type LiteralType = "string" | "bytes" | "int" | "uint" | "double" | "bool" | "null";

/** `value` of bytes is the text between the quotes, escapes included; of int and uint a bigint. */
export type Literal = TextRange & {
  readonly kind: "literal";
  readonly type: LiteralType;
  readonly value: string | bigint | number | boolean | null;
};

export type Identifier = TextRange & { readonly kind: "identifier"; readonly name: string };

/** `target.field`, `target.?field`, or `has(target.field)`, whose range is the whole of `has(…)`. */
export type Select = TextRange & {
  readonly kind: "select";
  readonly target: Node;
  readonly field: string;
  readonly fieldRange: TextRange;
  readonly optional: boolean;
  readonly testOnly: boolean;
};

/** `target[key]` or `target[?key]`. */
export type Index = TextRange & {
  readonly kind: "index";
  readonly target: Node;
  readonly key: Node;
  readonly optional: boolean;
};

/** `name(args)` or `receiver.name(args)`. A function of a namespace has the namespace in its name: `optional.of`. */
export type Call = TextRange & {
  readonly kind: "call";
  readonly name: string;
  readonly nameRange: TextRange;
  readonly receiver?: Node;
  readonly args: readonly Node[];
};

export type ListLiteral = TextRange & { readonly kind: "list"; readonly items: readonly Node[] };

export type MapEntry = { readonly key: Node; readonly value: Node };
export type MapLiteral = TextRange & { readonly kind: "map"; readonly entries: readonly MapEntry[] };

/** `condition ? whenTrue : whenFalse`. */
export type Ternary = TextRange & {
  readonly kind: "ternary";
  readonly condition: Node;
  readonly whenTrue: Node;
  readonly whenFalse: Node;
};

export type BinaryOperator = "||" | "&&" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "+" | "-" | "*" | "/" | "%";

export type Binary = TextRange & {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Node;
  readonly right: Node;
};

export type Unary = TextRange & { readonly kind: "unary"; readonly operator: "!" | "-"; readonly operand: Node };

/**
 * A macro that gives names to values for its body: `subject.all(v, body)`, `subject.map(v, filter, body)`,
 * `cel.bind(v, subject, body)`. The names are visible in `bodies` only, and hide attributes of the same name.
 */
export type Comprehension = TextRange & {
  readonly kind: "comprehension";
  readonly macro: string;
  readonly nameRange: TextRange;
  readonly subject: Node;
  readonly variables: readonly Identifier[];
  readonly bodies: readonly Node[];
};

/** The nodes directly below a node, in the order of the text except for the variables of a macro, which are left out. */
export function children(node: Node): readonly Node[] {
  switch (node.kind) {
    case "literal":
    case "identifier":
      return [];
    case "select":
      return [node.target];
    case "index":
      return [node.target, node.key];
    case "call":
      return node.receiver === undefined ? node.args : [node.receiver, ...node.args];
    case "list":
      return node.items;
    case "map":
      return node.entries.flatMap((entry) => [entry.key, entry.value]);
    case "ternary":
      return [node.condition, node.whenTrue, node.whenFalse];
    case "binary":
      return [node.left, node.right];
    case "unary":
      return [node.operand];
    case "comprehension":
      return [node.subject, ...node.bodies];
  }
}

/** The names that are bound inside a macro's bodies. */
export const boundBy = (node: Comprehension): readonly string[] => node.variables.map((variable) => variable.name);

/** Calls back with every node of the tree, parents first, and with the names bound around it. */
export function visit(
  node: Node,
  callback: (node: Node, bound: ReadonlySet<string>) => void,
  bound: ReadonlySet<string> = new Set(),
): void {
  callback(node, bound);
  if (node.kind === "comprehension") {
    visit(node.subject, callback, bound);
    const inner = new Set([...bound, ...boundBy(node)]);
    for (const body of node.bodies) visit(body, callback, inner);
    return;
  }
  for (const child of children(node)) visit(child, callback, bound);
}
