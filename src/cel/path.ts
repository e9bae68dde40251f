import type { TextRange } from "../model/place.ts";
import type { Node } from "./ast.ts";

/**
 * One step of an attribute path.
 * - `root`: the identifier that it starts with.
 * - `dot`: `a.b` or `a.?b`.
 * - `index`: `a["b"]`, `a[0]` and their optional forms; `name` is the key without quotes, or the number's digits.
 * - `dynamic`: an index that is computed; `name` is "".
 */
export type PathSegment = TextRange & {
  readonly name: string;
  readonly access: "root" | "dot" | "index" | "dynamic";
  readonly optional: boolean;
};

/** A chain of selections and indexes that starts at an attribute. A lone root is a path of one segment. */
export type AttributePath = TextRange & {
  readonly segments: readonly [PathSegment, ...PathSegment[]];
  /** Whether it stands in has(), which tests the path and does not read it. The range is that of `has(…)` then. */
  readonly test: boolean;
};

const NOTHING_BOUND: ReadonlySet<string> = new Set();

/**
 * The attribute path that a node spells, or undefined when it spells none: another shape, or a chain that starts at a
 * name that a macro has bound.
 */
export function pathOf(node: Node, bound: ReadonlySet<string> = NOTHING_BOUND): AttributePath | undefined {
  const { start, end } = node;
  if (node.kind === "identifier") {
    if (bound.has(node.name)) return undefined;
    return { segments: [{ name: node.name, access: "root", optional: false, start, end }], test: false, start, end };
  }
  if (node.kind !== "select" && node.kind !== "index") return undefined;
  const target = pathOf(node.target, bound);
  if (target === undefined || target.test) return undefined;
  const segment: PathSegment =
    node.kind === "select"
      ? { name: node.field, access: "dot", optional: node.optional, ...node.fieldRange }
      : { ...indexSegment(node.key), optional: node.optional };
  return { segments: [...target.segments, segment], test: node.kind === "select" && node.testOnly, start, end };
}

function indexSegment(key: Node): TextRange & Pick<PathSegment, "name" | "access"> {
  const range = { start: key.start, end: key.end };
  if (key.kind !== "literal") return { name: "", access: "dynamic", ...range };
  if (key.type === "string" && typeof key.value === "string") return { name: key.value, access: "index", ...range };
  if (key.type === "int" || key.type === "uint") return { name: String(key.value), access: "index", ...range };
  return { name: "", access: "dynamic", ...range };
}

/** The names of a path's segments; a computed index is "". */
export const namesOf = (path: AttributePath): readonly string[] => path.segments.map((segment) => segment.name);

/** Identity of what a path reads, whatever its spelling. A path with a computed index equals no other. */
export const pathKey = (path: AttributePath): string =>
  path.segments.some((segment) => segment.access === "dynamic")
    ? `dynamic at ${path.start}`
    : JSON.stringify(namesOf(path));

/** Whether a path's first segments are these names, none of them computed. */
export const startsWithNames = (path: AttributePath, ...names: readonly string[]): boolean =>
  names.every((name, position) => {
    const segment = path.segments[position];
    return segment !== undefined && segment.access !== "dynamic" && segment.name === name;
  });

/** The path in its plainest CEL spelling, for messages: `request.headers['x-team']`. */
export function formatAttributePath(path: AttributePath): string {
  return path.segments
    .map(({ name, access }) => {
      if (access === "root") return name;
      if (access === "dynamic") return "[…]";
      return access === "dot" ? `.${name}` : `[${/^\d+$/.test(name) ? name : `'${name}'`}]`;
    })
    .join("");
}

/**
 * The dotted part at the beginning of a path: what wasm-shim fetches from Envoy (`data/cel.rs`, `properties`). An
 * index or an optional selection ends it.
 */
export function fetchedNames(path: AttributePath): readonly string[] {
  const end = path.segments.findIndex((segment) => segment.access !== "root" && segment.access !== "dot");
  return namesOf(path).slice(0, end < 0 ? undefined : end);
}

/** Where the path itself is written: without the has() around it. */
export const pathRange = (path: AttributePath): TextRange => ({
  start: path.test ? path.segments[0].start : path.start,
  end: path.test ? (path.segments.at(-1)?.end ?? path.end) : path.end,
});
