import type { TextRange } from "../model/place.ts";
import { type Node, visit } from "./ast.ts";
import { type AttributePath, pathOf, startsWithNames } from "./path.ts";

/**
 * A header name with dashes written after a dot: `request.headers.x-team` is `request.headers.x` minus `team`.
 * The range is that of what was meant to be the path; `header` is the name that was meant.
 */
export type HeaderSubtraction = TextRange & {
  readonly header: string;
  /** Where the words after the dashes begin; they are no attributes. */
  readonly words: readonly number[];
};

/** Roots that a word after a dash may really be: a difference of two attributes is a mistake of another kind. */
const ATTRIBUTE_ROOTS = new Set(["request", "source", "destination", "metadata", "auth", "context", "connection"]);

/** Every header name that was meant to have dashes and is read as a subtraction, longest only. */
export function headerSubtractions(root: Node, text: string): readonly HeaderSubtraction[] {
  const found: HeaderSubtraction[] = [];
  visit(root, (node, bound) => {
    // Parents come first: what lies within a name that was found is part of it.
    if (found.some((outer) => outer.start <= node.start && node.end <= outer.end)) return;
    const subtraction = readSubtraction(node, text, bound);
    if (subtraction !== undefined) found.push(subtraction);
  });
  return found;
}

function readSubtraction(node: Node, text: string, bound: ReadonlySet<string>): HeaderSubtraction | undefined {
  if (node.kind !== "binary" || node.operator !== "-") return undefined;
  const word = firstWord(node.right);
  if (word === undefined || bound.has(word.name) || ATTRIBUTE_ROOTS.has(word.name)) return undefined;
  const inner = readSubtraction(node.left, text, bound);
  const path = inner === undefined ? pathOf(node.left, bound) : undefined;
  const isDottedHeader =
    path !== undefined &&
    !path.test &&
    path.segments.length === 3 &&
    path.segments[2]?.access === "dot" &&
    startsWithNames(path, "request", "headers");
  if (inner === undefined && !isDottedHeader) return undefined;
  const start = inner?.start ?? node.left.start;
  const nameStart = inner === undefined ? (path?.segments[2]?.start ?? start) : inner.end - inner.header.length;
  const header = text.slice(nameStart, word.end);
  // A difference with blanks around the dash was meant as one, wrong as it is.
  if (/[^A-Za-z0-9_-]/.test(header)) return undefined;
  return { header, words: [...(inner?.words ?? []), word.start], start, end: word.end };
}

/** The identifier at the very left of an expression such as `team`, `team.size()` or `team[0]`. */
function firstWord(node: Node): (TextRange & { readonly name: string }) | undefined {
  switch (node.kind) {
    case "identifier":
      return node;
    case "select":
    case "index":
      return node.kind === "select" && node.testOnly ? undefined : firstWord(node.target);
    case "call":
      return node.receiver === undefined ? undefined : firstWord(node.receiver);
    case "comprehension":
      return node.macro === "cel.bind" ? undefined : firstWord(node.subject);
    default:
      return undefined;
  }
}

/** The segment of a path that names a header, when it is a fixed name. */
export function headerSegment(path: AttributePath): AttributePath["segments"][number] | undefined {
  const segment = path.segments[2];
  if (segment === undefined || segment.access === "dynamic") return undefined;
  return startsWithNames(path, "request", "headers") ? segment : undefined;
}

/** `'name' in request.headers`, everywhere in an expression: the name and where it is written. */
export function testedHeaders(root: Node): readonly (TextRange & { readonly name: string })[] {
  const found: (TextRange & { readonly name: string })[] = [];
  visit(root, (node, bound) => {
    if (node.kind !== "binary" || node.operator !== "in" || node.left.kind !== "literal") return;
    const map = pathOf(node.right, bound);
    if (map === undefined || map.segments.length !== 2 || !startsWithNames(map, "request", "headers")) return;
    const { value, start, end } = node.left;
    if (typeof value === "string") found.push({ name: value, start, end });
  });
  return found;
}
