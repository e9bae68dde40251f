import { type Engine, sameAttribute } from "../../cel/attributes.ts";
import { type AttributePath, namesOf, type PathSegment } from "../../cel/path.ts";
import type { Mend } from "../../model/edit.ts";
import type { CelSite, SelectorSite } from "../expressions/expression-sites.ts";
import { type Replacement, replacing } from "./text-changes.ts";

/** Where a segment ends, the bracket of an index included. */
const endOf = ({ access, end }: PathSegment, text: string): number =>
  access === "index" ? text.indexOf("]", end) + 1 : end;

/** An attribute by the name that its engine has for it. What is computed behind it stays as it is. */
function renamed(path: AttributePath, engine: Engine, text: string): Replacement | undefined {
  const dynamic = path.segments.findIndex(({ access }) => access === "dynamic");
  const written = path.segments.slice(0, dynamic < 0 ? undefined : dynamic);
  const last = written.at(-1);
  const right = sameAttribute(engine, namesOf(path).slice(0, written.length));
  if (right === undefined || last === undefined || written.some(({ optional }) => optional)) return undefined;
  // has() takes no call.
  if (path.test && right.endsWith("]")) return undefined;
  return { start: path.segments[0].start, end: endOf(last, text), text: right };
}

/** `source['address']` with a dot at the first level. */
function dotted({ segments: [root, first] }: AttributePath, text: string): Replacement | undefined {
  if (first?.access !== "index" || first.optional || !/^[A-Za-z_]\w*$/.test(first.name)) return undefined;
  return { start: root.end, end: endOf(first, text), text: `.${first.name}` };
}

/** Every one of the paths, which read the same, in the spelling of the engine; undefined when it has none. */
export function spelledRight(
  paths: readonly AttributePath[],
  { path, text, engine }: CelSite,
  how: "dotted" | "renamed",
): Mend | undefined {
  const replacements = paths.map((one) => (how === "dotted" ? dotted(one, text) : renamed(one, engine, text)));
  const all = replacements.flatMap((replacement) => replacement ?? []);
  const [first] = all;
  if (first === undefined || all.length < paths.length) return undefined;
  const title = how === "dotted" ? "select the first level with a dot" : `write \`${first.text}\``;
  return { title, edits: replacing(path, all) };
}

/** The path of a selector by the name that selectors have for it. */
export function selectedRight(names: readonly string[], range: Omit<Replacement, "text">, { path }: SelectorSite) {
  const text = sameAttribute("selector", names);
  if (text === undefined) return undefined;
  return { title: `write \`${text}\``, edits: replacing(path, [{ ...range, text }]) } satisfies Mend;
}
