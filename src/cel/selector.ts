import type { TextRange } from "../model/place.ts";

/** `@case:lower` after a selector. `argument` is the text after the colon, "" without one. */
export type SelectorModifier = TextRange & { readonly name: string; readonly argument: string };

export type SelectorSegment = TextRange & { readonly name: string };

/** One gjson path, and where in the field it stands. */
export type SelectorPath = TextRange & {
  readonly segments: readonly SelectorSegment[];
  readonly modifiers: readonly SelectorModifier[];
  /**
   * False when the path uses more of gjson than names and modifiers (wildcards, queries, `#`, `|`, literals): its
   * segments end before that, and what it finds cannot be said.
   */
  readonly plain: boolean;
};

/** Longer text is not looked at: selectors are one line. The same limit as for CEL. */
const MAX_SELECTOR_LENGTH = 4096;

const MODIFIER_BRACE = /@\w+:\{/g;

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

/**
 * The paths that a `selector` reads. Authorino takes a selector as a template, with `{path}` placeholders in other
 * text, when it has a brace that does not open a modifier's arguments (authorino `pkg/json`, JSONValue); otherwise as
 * one gjson path.
 */
export function selectorPaths(text: string): readonly SelectorPath[] {
  if (text.length > MAX_SELECTOR_LENGTH || text.trim() === "") return [];
  const isTemplate = count(text, /\{/g) > count(text, MODIFIER_BRACE);
  return isTemplate ? templatePaths(text) : [readPath(text, 0, text.length)];
}

/** The paths in the `{…}` placeholders of a template, such as the `url` of an HTTP call. */
export function templatePaths(text: string): readonly SelectorPath[] {
  if (text.length > MAX_SELECTOR_LENGTH) return [];
  const paths: SelectorPath[] = [];
  let depth = 0;
  let start = 0;
  for (let offset = 0; offset < text.length; offset++) {
    const unit = text[offset];
    if (unit === "{" && depth++ === 0) start = offset + 1;
    if (unit !== "}" || depth === 0 || --depth > 0) continue;
    if (text.slice(start, offset).trim() !== "") paths.push(readPath(text, start, offset));
  }
  return paths;
}

/** Characters that make a gjson path more than names: wildcards, queries, arrays, pipes, literals, multipaths. */
const SPECIAL = new Set(["*", "?", "#", "|", "!", "[", "{", "("]);

/** Reads one path between two offsets. A backslash takes the next character literally (`kuadrant\.io`). */
function readPath(text: string, from: number, to: number): SelectorPath {
  const segments: SelectorSegment[] = [];
  const modifiers: SelectorModifier[] = [];
  let offset = from;
  let plain = true;
  while (offset < to && plain) {
    const start = offset;
    if (text[offset] === "@") {
      const modifier = readModifier(text, offset, to);
      modifiers.push(modifier);
      offset = modifier.end;
    } else {
      let name = "";
      while (offset < to && text[offset] !== ".") {
        if (SPECIAL.has(text[offset] ?? "")) plain = false;
        if (text[offset] === "\\" && offset + 1 < to) offset++;
        name += text[offset];
        offset++;
      }
      if (name === "") plain = false;
      if (plain) segments.push({ name, start, end: offset });
    }
    if (offset < to && text[offset] === ".") offset++;
    else if (offset < to) plain = false;
  }
  return { segments, modifiers, plain, start: from, end: to };
}

/** `@name`, `@name:word` or `@name:{…}`; quoted braces in the arguments do not count. */
function readModifier(text: string, start: number, to: number): SelectorModifier {
  const name = /^@(\w*)/.exec(text.slice(start, to))?.[1] ?? "";
  const colon = start + 1 + name.length;
  if (text[colon] !== ":" || colon >= to) return { name, argument: "", start, end: colon };
  let offset = colon + 1;
  let depth = 0;
  let quoted = false;
  for (; offset < to; offset++) {
    const unit = text[offset];
    if (unit === "\\") {
      offset++;
    } else if (unit === '"') {
      quoted = !quoted;
    } else if (!quoted && unit === "{") {
      depth++;
    } else if (!quoted && unit === "}") {
      depth--;
    }
    if (depth === 0 && !quoted && (text[offset + 1] === "." || text[offset + 1] === "|")) return end(offset + 1);
  }
  return end(to);

  function end(last: number): SelectorModifier {
    return { name, argument: text.slice(colon + 1, Math.min(last, to)), start, end: Math.min(last, to) };
  }
}
