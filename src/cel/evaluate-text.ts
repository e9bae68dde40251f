import { type CelFunction, type CelFunctions, giveUp, made, spend } from "./evaluate-context.ts";
import { positionOf } from "./evaluate-lists.ts";
import { type CelValue, failed, isList, noOverload } from "./evaluate-values.ts";

type Context = Parameters<CelFunction>[1];

const SURROGATE = /[\ud800-\udfff]/;

/** A text by code points, which is how CEL counts. */
const pointsOf = (text: string): readonly string[] => [...text];

/** How many code points a text has. */
export const lengthOf = (text: string): number => (SURROGATE.test(text) ? pointsOf(text).length : text.length);

const onText =
  (name: string, run: (text: string, rest: readonly CelValue[], context: Context) => CelValue): CelFunction =>
  ([text = null, ...rest], context) => {
    if (typeof text !== "string") return noOverload(name, text, ...rest);
    return spend(context, text.length >> 4) ? failed("stopped") : run(text, rest, context);
  };

const onTwoTexts = (name: string, run: (text: string, other: string, context: Context) => CelValue): CelFunction =>
  onText(name, (text, [other = null], context) =>
    typeof other === "string" ? run(text, other, context) : noOverload(name, text, other),
  );

function matches(text: string, source: string, context: Context): CelValue {
  const pattern = context.patterns(source);
  if (pattern === undefined) return giveUp(context, `the pattern ${JSON.stringify(source.slice(0, 100))} is not known`);
  return spend(context, 1 + ((text.length * source.length) >> 6)) ? failed("stopped") : pattern.matches(text);
}

function found(text: string, source: string, limit: number, context: Context): readonly string[] | undefined {
  const pattern = context.patterns(source);
  if (pattern === undefined || spend(context, 1 + ((text.length * source.length) >> 6))) {
    giveUp(context, `the pattern ${JSON.stringify(source.slice(0, 100))} is not known`);
    return undefined;
  }
  return pattern.findAll(text, limit);
}

/** `indexOf` and `lastIndexOf` of texts and lists, from a position on. */
const position =
  (name: "indexOf" | "lastIndexOf"): CelFunction =>
  ([subject = null, part = null, from], context) => {
    if (isList(subject)) {
      return spend(context, subject.length) ? failed("stopped") : positionOf(subject, part, name === "lastIndexOf");
    }
    if (typeof subject !== "string" || typeof part !== "string") return noOverload(name, subject, part);
    if (spend(context, subject.length >> 4)) return failed("stopped");
    if (from !== undefined && typeof from !== "bigint") return noOverload(name, subject, part, from);
    if (from !== undefined && part === "") return from;
    const start = from === undefined ? undefined : Number(from);
    if (start !== undefined && start < 0) return failed(`index out of range: ${start}`);
    // A start behind the text finds nothing, also for lastIndexOf.
    if (start !== undefined && start >= lengthOf(subject)) return -1n;
    const offset = start === undefined ? undefined : pointsOf(subject).slice(0, start).join("").length;
    const at = name === "indexOf" ? subject.indexOf(part, offset) : subject.lastIndexOf(part, offset);
    return BigInt(at < 0 ? -1 : lengthOf(subject.slice(0, at)));
  };

function substring(text: string, [from = null, to]: readonly CelValue[]): CelValue {
  const points = pointsOf(text);
  const end = to ?? BigInt(points.length);
  if (typeof from !== "bigint" || typeof end !== "bigint") return noOverload("substring", text, from, end);
  if (from < 0n || from > BigInt(points.length)) return failed(`index out of range: ${from}`);
  if (end < 0n || end > BigInt(points.length)) return failed(`index out of range: ${end}`);
  if (from > end) return failed(`invalid substring range. start: ${from}, end: ${end}`);
  return points.slice(Number(from), Number(end)).join("");
}

function charAt(text: string, [at = null]: readonly CelValue[]): CelValue {
  const points = pointsOf(text);
  if (typeof at !== "bigint") return noOverload("charAt", text, at);
  return at < 0n || at > BigInt(points.length) ? failed(`index out of range: ${at}`) : (points[Number(at)] ?? "");
}

/** Splits into at most `limit` parts, the last of which holds the rest; all when it is negative. */
function split(text: string, separator: string, limit: number): readonly string[] {
  const parts = separator === "" ? pointsOf(text) : text.split(separator);
  if (limit === 0) return [];
  if (limit < 0 || parts.length <= limit) return parts;
  return [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(separator)];
}

/** A text with another one before, between and after its characters, at most so many times from the left. */
function interleaved(text: string, other: string, most: number): string {
  const parts = ["", ...pointsOf(text)];
  return parts.map((part, at) => (at < most ? part + other : part)).join("");
}

function replaced(
  text: string,
  [from = null, to = null, limit = -1n]: readonly CelValue[],
  context: Context,
): CelValue {
  if (typeof from !== "string" || typeof to !== "string" || typeof limit !== "bigint") {
    return noOverload("replace", text, from, to);
  }
  if (spend(context, (text.length * (1 + to.length)) >> 6)) return failed("stopped");
  const most = limit < 0n ? Number.POSITIVE_INFINITY : Number(limit);
  if (from === "") return made(context, interleaved(text, to, most));
  return made(context, split(text, from, most === Number.POSITIVE_INFINITY ? -1 : most + 1).join(to));
}

function joined([list = null, separator = ""]: readonly CelValue[], context: Context): CelValue {
  if (!isList(list) || typeof separator !== "string") return noOverload("join", list, separator);
  const texts: string[] = [];
  for (const item of list) {
    if (typeof item !== "string") return noOverload("join", list, separator);
    texts.push(item);
    if (spend(context, 1 + ((item.length + separator.length) >> 4))) return failed("stopped");
  }
  return made(context, texts.join(separator));
}

/** Letters of ASCII only. */
const lower = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
const upper = (text: string): string => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());

/** Unicode's blanks, which are not quite JavaScript's: U+0085 is one, U+FEFF is none. */
const BLANK = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && BLANK.test(text.charAt(start))) start++;
  while (end > start && BLANK.test(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/** A text in quotes, as CEL reads it. */
export const quoted = (text: string): string =>
  `"${Array.from(text, (character) => ESCAPES[character] ?? character).join("")}"`;

const limitOf = (value: CelValue | undefined): number => (typeof value === "bigint" ? Number(value) : -1);

/** Texts. SOURCE: cel-go, ext/strings.go; apiserver, pkg/cel/library/regex.go. */
export const TEXT_FUNCTIONS: CelFunctions = {
  contains: onTwoTexts("contains", (text, part) => text.includes(part)),
  startsWith: onTwoTexts("startsWith", (text, part) => text.startsWith(part)),
  endsWith: onTwoTexts("endsWith", (text, part) => text.endsWith(part)),
  matches: onTwoTexts("matches", matches),
  find: onTwoTexts("find", (text, source, context) => found(text, source, 1, context)?.[0] ?? ""),
  findAll: onText("findAll", (text, [source = null, limit], context) => {
    if (typeof source !== "string") return noOverload("findAll", text, source);
    const most = limitOf(limit);
    return found(text, source, most < 0 ? 10_000 : most, context) ?? [];
  }),
  indexOf: position("indexOf"),
  lastIndexOf: position("lastIndexOf"),
  substring: onText("substring", substring),
  charAt: onText("charAt", charAt),
  split: onText("split", (text, [separator = null, limit], context) =>
    typeof separator === "string"
      ? made(context, split(text, separator, limitOf(limit)))
      : noOverload("split", text, separator),
  ),
  replace: onText("replace", replaced),
  join: joined,
  lowerAscii: onText("lowerAscii", lower),
  upperAscii: onText("upperAscii", upper),
  trim: onText("trim", trimmed),
  reverse: ([value = null], context) => {
    if (isList(value)) return spend(context, value.length) ? failed("stopped") : value.toReversed();
    return typeof value === "string"
      ? made(context, pointsOf(value).toReversed().join(""))
      : noOverload("reverse", value);
  },
  "strings.quote": onText("strings.quote", (text, _, context) => made(context, quoted(text))),
};
