import type { Node } from "./ast.ts";
import { type AttributePath, namesOf, pathKey, pathOf } from "./path.ts";

/** Keys (valueKey) of values that are certainly present. */
export type Presence = ReadonlySet<string>;

/** What counts as a proof of presence besides `'k' in p`, comparison with a value, and `p != null`. */
export type PresenceRules = {
  /** Whether has(path) proves it: in Authorino always, in wasm-shim not for a header that is fetched by itself. */
  readonly hasProves: (path: AttributePath) => boolean;
};

const NONE: Presence = new Set();

export function union(a: Presence, b: Presence): Presence {
  if (a.size === 0 || b.size === 0) return a.size === 0 ? b : a;
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  return [...small].every((key) => large.has(key)) ? large : new Set([...a, ...b]);
}
const intersection = (a: Presence, b: Presence): Presence => new Set([...a].filter((key) => b.has(key)));

/** What conditions prove. Each node is asked many times, once from every operand beside it, and answered once. */
export type Proofs = {
  /** The values that are present whenever a condition is true. */
  readonly whenTrue: (condition: Node) => Presence;
  /** The values that are present whenever a condition is false. */
  readonly whenFalse: (condition: Node) => Presence;
};

export function proofsBy(rules: PresenceRules): Proofs {
  const remember = (prove: (condition: Node) => Presence): ((condition: Node) => Presence) => {
    const known = new Map<Node, Presence>();
    return (condition) => {
      const proved = known.get(condition) ?? prove(condition);
      known.set(condition, proved);
      return proved;
    };
  };
  const proofs: Proofs = {
    whenTrue: remember((condition) => proveWhenTrue(condition, rules, proofs)),
    whenFalse: remember((condition) => proveWhenFalse(condition, proofs)),
  };
  return proofs;
}

function proveWhenTrue(condition: Node, rules: PresenceRules, { whenTrue, whenFalse }: Proofs): Presence {
  if (condition.kind === "unary" && condition.operator === "!") return whenFalse(condition.operand);
  if (condition.kind === "select" && condition.testOnly) {
    const path = pathOf(condition);
    return path !== undefined && rules.hasProves(path) ? new Set([pathKey(path)]) : NONE;
  }
  if (condition.kind === "comprehension") return presentByExists(condition);
  if (condition.kind !== "binary") return NONE;
  const { operator, left, right } = condition;
  switch (operator) {
    case "&&":
      return union(whenTrue(left), whenTrue(right));
    case "||":
      return intersection(whenTrue(left), whenTrue(right));
    case "in":
      return memberOf(left, right);
    case "==":
      return comparedPath(left, right, (literal) => literal !== null);
    case "!=":
      return comparedPath(left, right, (literal) => literal === null);
    default:
      return NONE;
  }
}

function proveWhenFalse(condition: Node, { whenTrue, whenFalse }: Proofs): Presence {
  if (condition.kind === "unary" && condition.operator === "!") return whenTrue(condition.operand);
  if (condition.kind !== "binary") return NONE;
  const { operator, left, right } = condition;
  switch (operator) {
    case "||":
      return union(whenFalse(left), whenFalse(right));
    case "&&":
      return intersection(whenFalse(left), whenFalse(right));
    case "==":
      return comparedPath(left, right, (literal) => literal === null);
    case "!=":
      return comparedPath(left, right, (literal) => literal !== null);
    default:
      return NONE;
  }
}

/** `'k' in p` makes p.k present. */
function memberOf(key: Node, map: Node): Presence {
  const path = pathOf(map);
  if (path === undefined || path.test || key.kind !== "literal" || typeof key.value !== "string") return NONE;
  return new Set([JSON.stringify([...namesOf(path), key.value])]);
}

/** `p.exists(k, k == 'x')` makes p.x present. */
function presentByExists(node: Extract<Node, { kind: "comprehension" }>): Presence {
  const [body] = node.bodies;
  if (!["exists", "exists_one", "existsOne"].includes(node.macro) || node.variables.length !== 1) return NONE;
  if (body?.kind !== "binary" || body.operator !== "==") return NONE;
  const isVariable = (side: Node): boolean => side.kind === "identifier" && side.name === node.variables[0]?.name;
  if (isVariable(body.left)) return memberOf(body.right, node.subject);
  return isVariable(body.right) ? memberOf(body.left, node.subject) : NONE;
}

/**
 * Identity of a value that may be absent: a path, or a field of a body, `requestBodyJSON('/model')`, which reads null when
 * it is not there (wasm-shim `data/cel.rs`).
 */
export function valueKey(node: Node): string | undefined {
  const path = pathOf(node);
  if (path !== undefined) return path.test ? undefined : pathKey(path);
  if (node.kind !== "call" || (node.name !== "requestBodyJSON" && node.name !== "responseBodyJSON")) return undefined;
  const [pointer] = node.args;
  return pointer?.kind === "literal" ? `${node.name} ${String(pointer.value)}` : undefined;
}

/** A path compared with a literal of the right kind, on either side. */
function comparedPath(left: Node, right: Node, wanted: (value: unknown) => boolean): Presence {
  for (const [side, other] of [
    [left, right],
    [right, left],
  ] as const) {
    const key = valueKey(side);
    if (key !== undefined && other.kind === "literal" && wanted(other.value)) return new Set([key]);
  }
  return NONE;
}
