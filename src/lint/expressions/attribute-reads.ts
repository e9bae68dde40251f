import { children, type Node } from "../../cel/ast.ts";
import { type AttributePath, type PathSegment, pathOf } from "../../cel/path.ts";
import { AUTHORINO_PRESENCE, type PathUse, pathUses } from "../../cel/path-uses.ts";
import type { SelectorPath } from "../../cel/selector.ts";
import type { TextRange } from "../../model/place.ts";
import type { CelSite, SelectorSite } from "./expression-sites.ts";
import { celString } from "./quote.ts";

/**
 * What happens at a place where an attribute is read, should there be no such attribute.
 * - `fails`: it is read whenever the text is evaluated, so the whole fails; a selector finds nothing.
 * - `may-fail`: it is read in a branch, or beside an alternative that can absorb the error.
 * - `harmless`: the place allows for it: has() of the attribute itself, an optional selection, or a test before it.
 */
export type Absence = "fails" | "may-fail" | "harmless";

/** One attribute that a text reads or tests. */
export type AttributeRead = TextRange & {
  /** Names from the root on, up to the first that is computed or that gjson does not take literally. */
  readonly names: readonly string[];
  /** Where each name stands in the text. */
  readonly nameRanges: readonly TextRange[];
  /** How many of the names, from the root on, must be there for the text to be evaluated when this place is reached. */
  readonly needs: number;
  /** Whether the path goes on after `names` in a way that cannot be followed. */
  readonly open: boolean;
  readonly selector: boolean;
  /** Whether it stands in has(). */
  readonly tested: boolean;
  /** What happens when the attribute of the first `depth` names is not there. */
  readonly absence: (depth: number) => Absence;
};

/** Sites are immutable, and many rules ask what one reads. */
const known = new WeakMap<CelSite | SelectorSite, readonly AttributeRead[]>();

/** Every attribute that a field reads, in the order of its text. Empty for CEL that does not parse: nothing is known. */
export function attributeReads(site: CelSite | SelectorSite): readonly AttributeRead[] {
  const before = known.get(site);
  if (before !== undefined) return before;
  const reads = readSite(site);
  known.set(site, reads);
  return reads;
}

function readSite(site: CelSite | SelectorSite): readonly AttributeRead[] {
  if (!("tree" in site)) return site.paths.map(selectorRead);
  return site.tree === undefined ? [] : expressionReads(site.tree, site);
}

/** The same for one gjson path. It finds nothing where there is nothing, which is as good as failing. */
export const selectorRead = ({ segments, plain, start, end }: SelectorPath): AttributeRead => ({
  names: segments.map(({ name }) => name),
  nameRanges: segments,
  needs: segments.length,
  open: !plain,
  selector: true,
  tested: false,
  start: segments[0]?.start ?? start,
  end: segments.at(-1)?.end ?? end,
  absence: () => "fails",
});

/** The same for a tree. In a condition an error or `false` in an operand of `&&` has the same outcome for the whole. */
function expressionReads(tree: Node, { role, text }: Pick<CelSite, "role" | "text">): readonly AttributeRead[] {
  const strict = strictStarts(tree, role === "predicate");
  return pathUses(tree, AUTHORINO_PRESENCE).map((use) => toRead(use, strict, text));
}

/** Where an attribute stands that is read or tested whenever the expression is evaluated, and so can decide it. */
type StrictStarts = {
  readonly read: ReadonlySet<number>;
  /** Those whose has() alone makes the whole condition false. */
  readonly decides: ReadonlySet<number>;
};

function strictStarts(root: Node, predicate: boolean): StrictStarts {
  const read = new Set<number>();
  const decides = new Set<number>();
  /** What is evaluated with a node, whatever it is; `conjunct` is one of the operands of `&&` that make a condition. */
  const evaluatedWith = (node: Node, conjunct: boolean): readonly Node[] => {
    if (pathOf(node) !== undefined) return computedKeys(node);
    if (node.kind === "ternary") return [node.condition];
    if (node.kind === "comprehension") return [node.subject];
    const isLogic = node.kind === "binary" && (node.operator === "||" || node.operator === "&&");
    if (isLogic && (node.operator === "||" || !conjunct)) return [];
    return children(node);
  };
  const visit = (node: Node, conjunct: boolean): void => {
    if (pathOf(node) !== undefined) {
      read.add(node.start);
      if (conjunct) decides.add(node.start);
    }
    const joins = conjunct && node.kind === "binary" && node.operator === "&&";
    for (const inner of evaluatedWith(node, conjunct)) visit(inner, joins);
  };
  visit(root, predicate);
  return { read, decides };
}

/** The keys along a chain of selections and indexes; a computed one is evaluated with the chain. */
function computedKeys(node: Node): readonly Node[] {
  if (node.kind === "select") return computedKeys(node.target);
  return node.kind === "index" ? [...computedKeys(node.target), node.key] : [];
}

/** The segments before the first that is computed. */
function literalSegments({ segments }: AttributePath): readonly PathSegment[] {
  const dynamic = segments.findIndex(({ access }) => access === "dynamic");
  return dynamic < 0 ? segments : segments.slice(0, dynamic);
}

/** Where a segment ends: of an index that is its bracket. */
const withBracket =
  (text: string) =>
  ({ access, start, end }: PathSegment): TextRange => ({
    start,
    end: access === "index" ? text.indexOf("]", end) + 1 : end,
  });

function toRead({ path, present }: PathUse, strict: StrictStarts, text: string): AttributeRead {
  const literal = literalSegments(path);
  const names = literal.map(({ name }) => name);
  const firstOptional = literal.findIndex(({ optional }) => optional);
  const required = firstOptional < 0 ? names.length : firstOptional;
  const wholeTest = path.test && literal.length === path.segments.length;
  const needs = wholeTest ? Math.min(required, names.length - 1) : required;
  const proven = [...present].flatMap((key) => (key.startsWith("[") ? [JSON.parse(key) as readonly string[]] : []));
  return {
    names,
    nameRanges: literal.map(withBracket(text)),
    needs,
    open: literal.length < path.segments.length,
    selector: false,
    tested: path.test,
    start: path.start,
    end: path.end,
    absence(depth) {
      const last = path.test && depth === names.length;
      if (last && strict.decides.has(path.start)) return "fails";
      if (depth > needs) return "harmless";
      const guarded = proven.some((proof) => proof.length >= depth && sameNames(proof, names, depth));
      if (guarded) return "harmless";
      return strict.read.has(path.start) ? "fails" : "may-fail";
    },
  };
}

const sameNames = (a: readonly string[], b: readonly string[], length: number): boolean =>
  a.length >= length && b.length >= length && a.slice(0, length).every((name, position) => name === b[position]);

/** Whether a read is of these names or of something below them. */
export const readsBelow = ({ names }: Pick<AttributeRead, "names">, prefix: readonly string[]): boolean =>
  sameNames(names, prefix, prefix.length);

/** The range of the first `depth` names of a read, without the has() around them. */
export function rangeOfNames(read: AttributeRead, depth: number): TextRange {
  const whole = depth >= read.names.length && !read.tested && !read.open;
  if (whole) return { start: read.start, end: read.end };
  return { start: read.nameRanges[0]?.start ?? read.start, end: read.nameRanges[depth - 1]?.end ?? read.end };
}

const IDENTIFIER = /^[A-Za-z_]\w*$/;
const POSITION = /^\d+$/;

/** Names as CEL spells them: `auth.metadata['vault-login'].keys[0]`. */
export const spellPath = (names: readonly string[]): string =>
  names
    .map((name, position) => {
      if (POSITION.test(name)) return `[${name}]`;
      if (!IDENTIFIER.test(name)) return `[${celString(name)}]`;
      return position === 0 ? name : `.${name}`;
    })
    .join("");

/** A condition that holds when these names lead to something. has() takes no index, so a quoted name is looked up. */
export function spellPresence(names: readonly string[]): string {
  const last = names.at(-1) ?? "";
  return IDENTIFIER.test(last) ? `has(${spellPath(names)})` : `${celString(last)} in ${spellPath(names.slice(0, -1))}`;
}
