import { boundBy, type Call, children, type Node } from "./ast.ts";
import { type Presence, type PresenceRules, type Proofs, proofsBy, union } from "./guards.ts";
import { type AttributePath, fetchedNames, pathOf, startsWithNames } from "./path.ts";

/** One place where an expression reads or tests an attribute, or calls a function. */
type Use = {
  /** Values (valueKey) that are certainly present whenever this place is evaluated, or whose absence does no harm here. */
  readonly present: Presence;
  /** The expression around it. */
  readonly parent: Node | undefined;
};
export type PathUse = Use & { readonly path: AttributePath };
export type CallUse = Use & { readonly call: Call };
type Uses = { readonly paths: PathUse[]; readonly calls: CallUse[] };

type Surroundings = {
  readonly bound: ReadonlySet<string>;
  readonly present: Presence;
  readonly parent: Node | undefined;
};

/**
 * Every attribute path of an expression, longest chains only, in the order of the text. A lone root is among them, so
 * that a value such as `source` that escapes into a list or a binding is seen; what is read from it there is not.
 */
export function pathUses(root: Node, rules: PresenceRules): readonly PathUse[] {
  return usesOf(root, rules).paths;
}

/** Every call of an expression, macros excepted, outermost first. */
export const callUses = (root: Node, rules: PresenceRules): readonly CallUse[] => usesOf(root, rules).calls;

/** Trees are immutable and every rule asks the same of them, so that each is walked once for each set of rules. */
const walked = new WeakMap<Node, WeakMap<PresenceRules, Uses>>();

function usesOf(root: Node, rules: PresenceRules): Uses {
  const answers = walked.get(root) ?? new WeakMap<PresenceRules, Uses>();
  const known = answers.get(rules);
  if (known !== undefined) return known;
  walked.set(root, answers);
  const uses: Uses = { paths: [], calls: [] };
  collect(root, { bound: new Set(), present: new Set(), parent: undefined }, proofsBy(rules), uses);
  uses.paths.sort((a, b) => a.path.start - b.path.start);
  answers.set(rules, uses);
  return uses;
}

function collect(node: Node, around: Surroundings, proofs: Proofs, uses: Uses): void {
  const inner = { ...around, parent: node };
  const beside = (present: Presence): Surroundings => ({ ...inner, present: union(around.present, present) });
  const path = pathOf(node, around.bound);
  if (path !== undefined) {
    uses.paths.push({ path, present: around.present, parent: around.parent });
    for (const key of indexKeys(node)) collect(key, inner, proofs, uses);
    return;
  }
  if (node.kind === "call") uses.calls.push({ call: node, present: around.present, parent: around.parent });
  if (node.kind === "ternary") {
    const { condition, whenTrue, whenFalse } = node;
    collect(condition, inner, proofs, uses);
    collect(whenTrue, beside(proofs.whenTrue(condition)), proofs, uses);
    collect(whenFalse, beside(proofs.whenFalse(condition)), proofs, uses);
    return;
  }
  if (node.kind === "binary" && (node.operator === "&&" || node.operator === "||")) {
    // Either operand may decide alone and then absorbs an error of the other one (CEL: logical operators commute).
    const facts = node.operator === "&&" ? proofs.whenTrue : proofs.whenFalse;
    collect(node.left, beside(facts(node.right)), proofs, uses);
    collect(node.right, beside(facts(node.left)), proofs, uses);
    return;
  }
  if (node.kind === "comprehension") {
    collect(node.subject, inner, proofs, uses);
    const bound = new Set([...around.bound, ...boundBy(node)]);
    for (const body of node.bodies) collect(body, { ...inner, bound }, proofs, uses);
    return;
  }
  for (const child of children(node)) collect(child, inner, proofs, uses);
}

/** The index expressions along a chain; they may read attributes themselves. */
function indexKeys(node: Node): readonly Node[] {
  if (node.kind === "select") return indexKeys(node.target);
  return node.kind === "index" ? [...indexKeys(node.target), node.key] : [];
}

/** Whether the headers are read as a whole somewhere, by an index or as a map; the gateway then fetches all of them. */
export const readsHeadersWhole = (root: Node): boolean =>
  pathUses(root, AUTHORINO_PRESENCE).some(({ path }) => {
    const fetched = fetchedNames(path);
    return fetched.length === 2 && fetched[0] === "request" && fetched[1] === "headers";
  });

/**
 * How wasm-shim proves presence. It fetches a header that is selected with a dot by itself and reads null when there
 * is none, so has() is always true of it, unless the headers are also read as a whole (`data/cel.rs`).
 */
export const wasmPresence = (root: Node): PresenceRules =>
  readsHeadersWhole(root) ? AUTHORINO_PRESENCE : SINGLE_HEADERS;

const SINGLE_HEADERS: PresenceRules = { hasProves: (path) => !startsWithNames(path, "request", "headers") };

/** Authorino's cel-go: has() says whether the key is there. */
export const AUTHORINO_PRESENCE: PresenceRules = { hasProves: () => true };
