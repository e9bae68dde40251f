import type { Call, Comprehension, Node } from "./ast.ts";
import { type AttributePath, namesOf, pathKey, pathOf } from "./path.ts";

/**
 * How the value of an expression varies with a source.
 * - `clean`: not at all, or only within a bounded set.
 * - `suffix`: a text whose part after the last `:` varies, as `10.0.0.7:53124`.
 * - `parts`: a list cut from such a text, of which the first `cleanHead` elements do not vary.
 * - `tainted`: freely.
 */
export type Variation = "clean" | "suffix" | "tainted" | { readonly cleanHead: number };

/** The variation, and the paths that bring it; clean values have none. */
export type Taint = { readonly variation: Variation; readonly from: readonly AttributePath[] };

export type TaintSources = {
  /** What reading a path brings. A lone root is a path of one segment. */
  readonly variationOf: (path: AttributePath) => "clean" | "suffix" | "tainted";
  /** Functions whose result is bounded for this source, besides those that are for every source. */
  readonly boundedFunctions?: ReadonlySet<string>;
  /** Functions that read the request themselves, as requestBodyJSON. A call counts as a path of one name, the function's. */
  readonly readingFunctions?: ReadonlySet<string>;
};

/**
 * The client's ephemeral port: rules.md calls this T(e). `source.address` ends in it, `source.port` is it, and `source`
 * as a value holds both; `source.remote_address` has the address only.
 */
export const EPHEMERAL_PORT: TaintSources = {
  variationOf(path) {
    const [root, field] = namesOf(path);
    if (root !== "source") return "clean";
    if (path.segments.length === 1 || field === "port") return "tainted";
    return field === "address" ? "suffix" : "clean";
  },
};

const CLEAN: Taint = { variation: "clean", from: [] };

/** Result is a truth value, a size or a position: one of few, whatever the operands. */
const BOUNDED = new Set(
  "contains startsWith endsWith matches size indexOf lastIndexOf hasValue type charAt all exists exists_one existsOne".split(
    " ",
  ),
);

/** Functions that hand a text on with what varies still at its end. */
const KEEPS_SHAPE = new Set(
  "string dyn lowerAscii upperAscii trim optional.of optional.ofNonZeroValue value or orValue".split(" "),
);

const COMPARISONS = new Set(["||", "&&", "==", "!=", "<", "<=", ">", ">=", "in"]);

type Scope = ReadonlyMap<string, Taint>;

/** How a value varies with the sources. Works on the tree only; a function it does not know hands its operands on. */
export const taintOf = (node: Node, sources: TaintSources): Taint => taint(node, sources, new Map());

export const isTainted = (result: Taint): boolean => result.variation !== "clean";

function taint(node: Node, sources: TaintSources, scope: Scope): Taint {
  const sub = (child: Node): Taint => taint(child, sources, scope);
  const path = pathOf(node, new Set(scope.keys()));
  if (path !== undefined) {
    const variation = path.test ? "clean" : sources.variationOf(path);
    return variation === "clean" ? CLEAN : { variation, from: [path] };
  }
  switch (node.kind) {
    case "literal":
      return CLEAN;
    case "identifier":
      return scope.get(node.name) ?? CLEAN;
    case "select":
      return node.testOnly ? CLEAN : freely(sub(node.target));
    case "index":
      return element(sub(node.target), node.key);
    case "list":
      return freely(...node.items.map(sub));
    case "map":
      return freely(...node.entries.flatMap((entry) => [sub(entry.key), sub(entry.value)]));
    case "ternary":
      return join(sub(node.whenTrue), sub(node.whenFalse));
    case "unary":
      return node.operator === "!" ? CLEAN : freely(sub(node.operand));
    case "binary":
      if (COMPARISONS.has(node.operator)) return CLEAN;
      return node.operator === "+" ? sum(sub(node.left), sub(node.right)) : freely(sub(node.left), sub(node.right));
    case "comprehension":
      return ofComprehension(node, sources, scope);
    case "call":
      return ofCall(node, sources, sub);
  }
}

/** The worse of two values, one of which is the result. */
function join(a: Taint, b: Taint): Taint {
  if (a.variation === "clean") return b;
  if (b.variation === "clean") return a;
  const from = [...a.from, ...b.from];
  if (a.variation === b.variation) return { variation: a.variation, from };
  if (typeof a.variation === "object" && typeof b.variation === "object") {
    return { variation: { cleanHead: Math.min(a.variation.cleanHead, b.variation.cleanHead) }, from };
  }
  return { variation: "tainted", from };
}

/** A value made of these in a way that keeps no shape. */
function freely(...parts: readonly Taint[]): Taint {
  const from = parts.flatMap((part) => part.from);
  return from.length === 0 ? CLEAN : { variation: "tainted", from };
}

/** Joined texts: what comes after a varying end leaves the part before its colon as it was. */
function sum(left: Taint, right: Taint): Taint {
  if (left.variation === "suffix" && (right.variation === "clean" || right.variation === "suffix")) {
    return { variation: "suffix", from: [...left.from, ...right.from] };
  }
  return left.variation === "clean" && right.variation === "suffix" ? right : freely(left, right);
}

/** One element of a list. */
function element(list: Taint, key: Node): Taint {
  if (typeof list.variation !== "object") return freely(list);
  const position = key.kind === "literal" && typeof key.value === "bigint" ? Number(key.value) : -1;
  return position >= 0 && position < list.variation.cleanHead ? CLEAN : freely(list);
}

function ofComprehension(node: Comprehension, sources: TaintSources, scope: Scope): Taint {
  if (BOUNDED.has(node.macro)) return CLEAN;
  const subject = taint(node.subject, sources, scope);
  const inner = new Map(scope);
  const bound = node.macro === "cel.bind" ? subject : freely(subject);
  for (const variable of node.variables) inner.set(variable.name, bound);
  const bodies = node.bodies.map((body) => taint(body, sources, inner));
  if (node.macro === "cel.bind") return bodies[0] ?? CLEAN;
  return freely(subject, ...bodies);
}

function ofCall(node: Call, sources: TaintSources, sub: (node: Node) => Taint): Taint {
  if (BOUNDED.has(node.name) || sources.boundedFunctions?.has(node.name) === true) return CLEAN;
  if (node.receiver === undefined && sources.readingFunctions?.has(node.name) === true) return ofReading(node, sources);
  const operands = node.receiver === undefined ? node.args : [node.receiver, ...node.args];
  const taints = operands.map(sub);
  if (KEEPS_SHAPE.has(node.name)) return taints.reduce(join, CLEAN);
  const subject = node.receiver === undefined ? undefined : taints[0];
  if (subject?.variation === "suffix" && taints.slice(1).every((argument) => argument.variation === "clean")) {
    if (node.name === "split") return ofSplit(node, subject);
    if (node.name === "substring" && cutsTheEnd(node)) return CLEAN;
  }
  if (subject?.variation === "suffix" && node.name === "replace" && removesThePort(node)) return CLEAN;
  return freely(...taints);
}

function ofReading({ name, start, end, nameRange }: Call, sources: TaintSources): Taint {
  const root = { name, access: "root", optional: false, ...nameRange } as const;
  const path: AttributePath = { segments: [root], test: false, start, end };
  const variation = sources.variationOf(path);
  return variation === "clean" ? CLEAN : { variation, from: [path] };
}

/**
 * How many elements of a cut address stay the same. Cut at `:`, the one before the port; cut at `.`, an IPv4 address
 * keeps the port in its fourth.
 */
const CLEAN_HEADS: ReadonlyMap<unknown, number> = new Map([
  [":", 1],
  [".", 3],
]);

function ofSplit(node: Call, subject: Taint): Taint {
  const [separator, limit] = node.args;
  const head = separator?.kind === "literal" ? CLEAN_HEADS.get(separator.value) : undefined;
  if (head === undefined) return freely(subject);
  if (limit === undefined) return { variation: { cleanHead: head }, from: subject.from };
  // The last element that a limit allows holds the rest of the text.
  const most = limit.kind === "literal" && typeof limit.value === "bigint" ? Number(limit.value) - 1 : 0;
  return { variation: { cleanHead: Math.max(0, Math.min(head, most)) }, from: subject.from };
}

/** `x.substring(0, x.lastIndexOf(':'))`, or indexOf, with the same path x. */
function cutsTheEnd(node: Call): boolean {
  const [from, to] = node.args;
  if (from?.kind !== "literal" || from.value !== 0n || to?.kind !== "call" || to.receiver === undefined) return false;
  if ((to.name !== "indexOf" && to.name !== "lastIndexOf") || to.args.length !== 1) return false;
  const [colon] = to.args;
  return colon?.kind === "literal" && colon.value === ":" && samePath(node.receiver, to.receiver);
}

function samePath(a: Node | undefined, b: Node): boolean {
  const [left, right] = [a === undefined ? undefined : pathOf(a), pathOf(b)];
  return left !== undefined && right !== undefined && pathKey(left) === pathKey(right);
}

/** `x.replace(':' + string(source.port), '')`. */
function removesThePort(node: Call): boolean {
  const [old, replacement] = node.args;
  if (replacement?.kind !== "literal" || node.args.length !== 2) return false;
  if (old?.kind !== "binary" || old.operator !== "+") return false;
  if (old.left.kind !== "literal" || old.left.value !== ":") return false;
  if (old.right.kind !== "call" || old.right.name !== "string" || old.right.receiver !== undefined) return false;
  const port = old.right.args[0] === undefined ? undefined : pathOf(old.right.args[0]);
  const subject = node.receiver === undefined ? undefined : pathOf(node.receiver);
  if (port === undefined || subject === undefined) return false;
  const sibling = JSON.stringify([...namesOf(subject).slice(0, -1), "port"]);
  return JSON.stringify(namesOf(port)) === sibling;
}
