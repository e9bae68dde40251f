import { fail, ok, type Result } from "../../model/result.ts";
import {
  type CharacterSet,
  type PatternCursor,
  type PatternProblem,
  readClass,
  readEscape,
  refuse,
} from "./re2-class.ts";

/**
 * A regular expression as RE2 reads it, taken apart. It has neither look-around nor back-references, so a matcher that
 * follows all threads at once (Thompson's) needs time linear in the name; JavaScript's own engine backtracks and must
 * not be given these.
 */
export type Re2Node =
  | { readonly kind: "set"; readonly set: CharacterSet }
  | { readonly kind: "assert"; readonly at: "begin" | "end" | "boundary" | "no-boundary" }
  | { readonly kind: "group"; readonly index: number; readonly name: string | undefined; readonly body: Re2Node }
  | { readonly kind: "sequence"; readonly items: readonly Re2Node[] }
  | { readonly kind: "either"; readonly options: readonly Re2Node[] }
  | {
      readonly kind: "repeat";
      readonly body: Re2Node;
      readonly minimum: number;
      /** Infinity for `*` and `+`. */
      readonly maximum: number;
      readonly lazy: boolean;
    };

export type Re2Pattern = {
  readonly text: string;
  readonly root: Re2Node;
  /** Capture groups without group 0, in order; a name for those that have one. */
  readonly groups: readonly (string | undefined)[];
};

/** CoreDNS's own limit (plugin/errors, plugin/rewrite). */
export const MAX_PATTERN = 10_000;

/** RE2's limit on a counted repetition, and on what nested ones multiply to. */
const MAX_REPEAT = 1000;
const MAX_NESTING = 100;

/** Most instructions of a compiled pattern, and of them times the groups: bounds a matcher's memory and time. */
const MAX_PROGRAM = 30_000;
const MAX_SLOTS = 1_000_000;

type Parser = PatternCursor & {
  readonly groups: (string | undefined)[];
  ignoreCase: boolean;
  dotAll: boolean;
  depth: number;
};

/** Reads a pattern; a problem says what RE2 does not know, and what to write instead. */
export function parseRe2(text: string): Result<Re2Pattern> {
  if (text.length > MAX_PATTERN) return fail(`regular expression is longer than ${MAX_PATTERN} characters`);
  const parser: Parser = { text, offset: 0, groups: [], ignoreCase: false, dotAll: false, depth: 0 };
  try {
    const root = readEither(parser);
    if (parser.offset < text.length) refuse("unexpected )");
    if (repeatWeight(root) > MAX_REPEAT) refuse(`repetitions multiply to more than ${MAX_REPEAT}`);
    const size = programSize(root);
    if (size > MAX_PROGRAM || size * (parser.groups.length + 1) > MAX_SLOTS) refuse("expression too large");
    return ok({ text, root, groups: parser.groups });
  } catch (error) {
    const problem = (error as Partial<PatternProblem> | undefined)?.patternProblem;
    if (problem === undefined) throw error;
    return fail(`invalid regular expression '${text.slice(0, 80)}': ${problem}`);
  }
}

function readEither(parser: Parser): Re2Node {
  parser.depth += 1;
  if (parser.depth > MAX_NESTING) refuse(`groups are nested more than ${MAX_NESTING} deep`);
  const options = [readSequence(parser)];
  while (parser.text[parser.offset] === "|") {
    parser.offset += 1;
    options.push(readSequence(parser));
  }
  parser.depth -= 1;
  return options.length === 1 ? (options[0] as Re2Node) : { kind: "either", options };
}

function readSequence(parser: Parser): Re2Node {
  const items: Re2Node[] = [];
  while (parser.offset < parser.text.length && !"|)".includes(parser.text[parser.offset] ?? "")) {
    const atom = readAtom(parser);
    if (atom !== undefined) items.push(readRepeats(parser, atom));
  }
  return items.length === 1 ? (items[0] as Re2Node) : { kind: "sequence", items };
}

/** One item; undefined for flags such as `(?i)`, which stand for nothing themselves. */
function readAtom(parser: Parser): Re2Node | undefined {
  const character = String.fromCodePoint(parser.text.codePointAt(parser.offset) ?? 0);
  if (character === "(") return readGroup(parser);
  if (character === "[") return { kind: "set", set: readClass(parser, parser.ignoreCase) };
  if (character === "\\") return readBackslash(parser);
  if ("*+?".includes(character)) refuse(`missing argument to repetition operator: ${character}`);
  parser.offset += character.length;
  if (character === "^") return { kind: "assert", at: "begin" };
  if (character === "$") return { kind: "assert", at: "end" };
  if (character === ".") {
    const ranges = parser.dotAll ? [] : ([[10, 10]] as const);
    return { kind: "set", set: { negated: true, ranges, ignoreCase: false } };
  }
  return single(character, parser.ignoreCase);
}

function single(character: string, ignoreCase: boolean): Re2Node {
  const code = character.codePointAt(0) ?? 0;
  return { kind: "set", set: { negated: false, ranges: [[code, code]], ignoreCase } };
}

const ASSERTIONS = { A: "begin", z: "end", b: "boundary", B: "no-boundary" } as const;

function readBackslash(parser: Parser): Re2Node {
  const next = parser.text[parser.offset + 1] ?? "";
  if (/[1-9]/.test(next) || next === "k") {
    refuse(`back-reference \\${next} is not supported: RE2 has none, write the text itself`);
  }
  if (Object.hasOwn(ASSERTIONS, next)) {
    parser.offset += 2;
    return { kind: "assert", at: ASSERTIONS[next as keyof typeof ASSERTIONS] };
  }
  if (next === "Q") return readLiteral(parser);
  return { kind: "set", set: { ...readEscape(parser), ignoreCase: parser.ignoreCase } };
}

/** `\Q…\E`: text as it stands. */
function readLiteral(parser: Parser): Re2Node {
  const end = parser.text.indexOf("\\E", parser.offset + 2);
  const literal = parser.text.slice(parser.offset + 2, end === -1 ? undefined : end);
  parser.offset = end === -1 ? parser.text.length : end + 2;
  return { kind: "sequence", items: [...literal].map((character) => single(character, parser.ignoreCase)) };
}

function readGroup(parser: Parser): Re2Node | undefined {
  const head = parser.text.slice(parser.offset, parser.offset + 80);
  if (/^\(\?(?:[=!]|<[=!])/.test(head)) {
    refuse(`look-around ${head.slice(0, 4)} is not supported: RE2 has none, use a second rule`);
  }
  if (/^\(\?>/.test(head)) refuse("atomic groups (?>…) are not supported: RE2 has none");
  const flags = /^\(\?([imsU]*(?:-[imsU]+)?)([:)])/.exec(head);
  if (flags !== null) return readFlags(parser, { text: flags[1] ?? "", end: flags[2] ?? "", length: flags[0].length });
  const named = /^\(\?P?<([A-Za-z_][A-Za-z0-9_]{0,63})>/.exec(head);
  if (named === null && head.startsWith("(?")) refuse(`invalid or unsupported group '${head.slice(0, 6)}'`);
  parser.offset += named === null ? 1 : named[0].length;
  const name = named?.[1];
  if (name !== undefined && parser.groups.includes(name)) refuse(`duplicate group name '${name}'`);
  parser.groups.push(name);
  const index = parser.groups.length;
  return { kind: "group", index, name, body: readInside(parser) };
}

/** The inside of a group, whose flags end with it. */
function readInside(parser: Parser): Re2Node {
  const { ignoreCase, dotAll } = parser;
  const body = readEither(parser);
  if (parser.text[parser.offset] !== ")") refuse("missing closing )");
  parser.offset += 1;
  Object.assign(parser, { ignoreCase, dotAll });
  return body;
}

type Flags = { readonly text: string; readonly end: string; readonly length: number };

function readFlags(parser: Parser, { text, end, length }: Flags): Re2Node | undefined {
  if (/[mU]/.test(text)) refuse(`flag in (?${text}${end} is not supported, only i and s are`);
  if (text === "" && end === ")") refuse("missing flags in (?)");
  const before = { ignoreCase: parser.ignoreCase, dotAll: parser.dotAll };
  const [on = "", off = ""] = text.split("-");
  parser.ignoreCase = (before.ignoreCase || on.includes("i")) && !off.includes("i");
  parser.dotAll = (before.dotAll || on.includes("s")) && !off.includes("s");
  parser.offset += length;
  if (end === ")") return undefined;
  const body = readInside(parser);
  Object.assign(parser, before);
  return body;
}

const REPEAT = /^(?:([*+?])|\{(\d{1,4})(,(\d{0,4}))?\})(\?)?/;
const BOUNDS: Readonly<Record<string, readonly [number, number]>> = {
  "*": [0, Number.POSITIVE_INFINITY],
  "+": [1, Number.POSITIVE_INFINITY],
  "?": [0, 1],
};

function readRepeats(parser: Parser, atom: Re2Node): Re2Node {
  const match = REPEAT.exec(parser.text.slice(parser.offset, parser.offset + 16));
  if (match === null) return atom;
  parser.offset += match[0].length;
  const [, symbol = "", low = "", comma, high] = match;
  const open = comma !== undefined && (high ?? "") === "";
  const counted = [Number(low), open ? Number.POSITIVE_INFINITY : Number(comma === undefined ? low : high)] as const;
  const [minimum, maximum] = BOUNDS[symbol] ?? counted;
  if (minimum > MAX_REPEAT || (maximum !== Number.POSITIVE_INFINITY && maximum > MAX_REPEAT) || minimum > maximum) {
    refuse(`invalid repeat count: ${match[0]}`);
  }
  const after = parser.text[parser.offset] ?? "";
  if ("*+?".includes(after) && after !== "") refuse(`invalid nested repetition operator: ${match[0]}${after}`);
  return { kind: "repeat", body: atom, minimum, maximum, lazy: match[5] === "?" };
}

/** How often counted repetitions copy the innermost item. */
function repeatWeight(node: Re2Node): number {
  if (node.kind === "group") return repeatWeight(node.body);
  if (node.kind === "sequence") return node.items.reduce((most, item) => Math.max(most, repeatWeight(item)), 1);
  if (node.kind === "either") return node.options.reduce((most, item) => Math.max(most, repeatWeight(item)), 1);
  if (node.kind !== "repeat") return 1;
  const copies = node.maximum === Number.POSITIVE_INFINITY ? Math.max(1, node.minimum) : node.maximum;
  return Math.max(1, copies) * repeatWeight(node.body);
}

/** How many instructions the pattern compiles to, at most. */
function programSize(node: Re2Node): number {
  if (node.kind === "group") return programSize(node.body) + 2;
  if (node.kind === "sequence") return node.items.reduce((size, item) => size + programSize(item), 0);
  if (node.kind === "either") return node.options.reduce((size, item) => size + programSize(item) + 2, 0);
  if (node.kind !== "repeat") return 1;
  const copies = node.maximum === Number.POSITIVE_INFINITY ? Math.max(1, node.minimum) : node.maximum;
  return copies * (programSize(node.body) + 1) + 2;
}
