import { type Call, type Node, visit } from "../../cel/ast.ts";
import { type CelEngine, FUNCTIONS, hasFunction } from "../../cel/functions.ts";
import type { Mend } from "../../model/edit.ts";
import type { CelSite } from "../expressions/expression-sites.ts";
import { type Replacement, replacing } from "./text-changes.ts";

/** Functions of other languages that CEL has under another name, with the same arguments: none. */
const SAME: ReadonlyMap<string, string> = new Map([
  ["toLower", "lowerAscii"],
  ["toLowerCase", "lowerAscii"],
  ["toUpper", "upperAscii"],
  ["toUpperCase", "upperAscii"],
  ["len", "size"],
  ["length", "size"],
]);

/** The function that a name certainly means: itself, one that differs in letter case only, or that of another language. */
function meantBy(name: string): string | undefined {
  if (FUNCTIONS.has(name)) return name;
  const alike = [...FUNCTIONS.keys()].filter((known) => known.toLowerCase() === name.toLowerCase());
  return alike.length === 1 ? alike[0] : SAME.get(name);
}

/** What is called by a dot without brackets around it. */
const PRIMARY = new Set<Node["kind"]>(["literal", "identifier", "select", "index", "call", "list", "map"]);

/** The call as the function is called: as it is written, with the first argument before it, or with the receiver inside. */
function rewrite(call: Call, text: string, right: string): Replacement | undefined {
  const style = FUNCTIONS.get(right)?.style;
  const [first, second] = call.args;
  const { start, end, receiver, nameRange } = call;
  if (style === "receiver" && receiver === undefined) {
    if (first === undefined || !PRIMARY.has(first.kind)) return undefined;
    // Brackets around an argument are outside of its range.
    const apart = second === undefined || /^\s*,\s*$/.test(text.slice(first.end, second.start));
    if (!apart) return undefined;
    const rest = second === undefined ? ")" : text.slice(second.start, end);
    return { start, end, text: `${text.slice(first.start, first.end)}.${right}(${rest}` };
  }
  if (style === "global" && receiver !== undefined) {
    if (first !== undefined) return undefined;
    return { start, end, text: `${right}(${text.slice(receiver.start, receiver.end)})` };
  }
  return { ...nameRange, text: right };
}

/** Every call of a name made one of the function that is meant; undefined when that cannot be said. */
export function calledRight(
  name: string,
  { path, text, tree }: CelSite,
  engines: readonly CelEngine[],
): Mend | undefined {
  const right = meantBy(name);
  if (tree === undefined || right === undefined || right.includes(".")) return undefined;
  if (!engines.every((engine) => hasFunction(engine, right))) return undefined;
  const calls: Call[] = [];
  visit(tree, (node) => {
    if (node.kind === "call" && node.name === name) calls.push(node);
  });
  const isSame = SAME.has(name);
  const takesMore = calls.some(({ receiver, args }) => args.length + (receiver === undefined ? 0 : 1) > 1);
  const replacements = calls.map((call) => rewrite(call, text, right));
  if (calls.length === 0 || (isSame && takesMore) || replacements.includes(undefined)) return undefined;
  const all = replacements.flatMap((replacement) => replacement ?? []);
  const nested = all.some((a) => all.some((b) => a !== b && a.start <= b.start && b.end <= a.end));
  if (nested) return undefined;
  const title = right === name ? `write \`${right}\` as it is called here` : `write \`${right}\` for \`${name}\``;
  return { title, edits: replacing(path, all) };
}
