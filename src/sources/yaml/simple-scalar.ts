import { kubectlReading } from "./ambiguous-scalar.ts";

/** A text in the simple form, and how far it has been read. Whatever is not simple is left to the real parser. */
export type SimpleText = {
  readonly text: string;
  /** Where the document ends. */
  readonly end: number;
  at: number;
  /** An upper bound for the lexical tokens read so far. */
  tokens: number;
};

/** Returned for everything that is not in the simple form. */
export const NOT_SIMPLE: unique symbol = Symbol("not simple");
export type Simple<T> = T | typeof NOT_SIMPLE;

const INTEGER = /^-?(?:0|[1-9][0-9]{0,14})$/;
const DECIMAL = /^-?(?:0|[1-9][0-9]{0,8})\.[0-9]{1,6}$/;
/** All that YAML 1.2's core schema may take for a number, and more. */
const NUMBER_LIKE =
  /^[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?(?:e[-+]?[0-9]+)?|\.[0-9][0-9_]*(?:e[-+]?[0-9]+)?|0[xob][0-9a-f_]*|\.(?:inf|nan))$/i;
const WORDS: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([
  ["true", true],
  ["True", true],
  ["TRUE", true],
  ["false", false],
  ["False", false],
  ["FALSE", false],
  ["null", null],
  ["Null", null],
  ["NULL", null],
  ["~", null],
]);

/** What a plain scalar means; not simple where programs may read it in different ways. */
export function plainValue(source: string): Simple<unknown> {
  const first = source.charCodeAt(0);
  const numeric = first <= 0x39 && first !== 0x2f;
  if (numeric) {
    if (INTEGER.test(source) || DECIMAL.test(source)) return Number(source);
    if (NUMBER_LIKE.test(source)) return NOT_SIMPLE;
  }
  if (source.length <= 5) {
    const word = WORDS.get(source);
    if (word !== undefined) return word;
  }
  return (numeric || source.length <= 3) && kubectlReading(source) !== undefined ? NOT_SIMPLE : source;
}

const KEY = /[A-Za-z_][A-Za-z0-9_./-]*/y;
const MAX_KEY = 512;

/** Whether a key is certainly just its text, and not a value of another type. */
const isText = (key: string): boolean => key !== "__proto__" && typeof plainValue(key) === "string";

/** What a key would be: then a colon and a blank or the line's end. Undefined: no key stands here. */
export function keyAt(state: SimpleText): Simple<string | undefined> {
  const { text, at } = state;
  const quote = text[at];
  let key: Simple<string>;
  if (quote === '"' || quote === "'") key = quotedAt(state);
  else {
    KEY.lastIndex = at;
    key = KEY.exec(text)?.[0] ?? "";
    state.at += key.length;
  }
  if (key === NOT_SIMPLE) return NOT_SIMPLE;
  const after = text[state.at + 1];
  if (state.at === at || text[state.at] !== ":" || (after !== " " && after !== "\n" && after !== undefined)) {
    state.at = at;
    return undefined;
  }
  if (key.length > MAX_KEY || (quote !== '"' && quote !== "'" && !isText(key)) || key === "__proto__")
    return NOT_SIMPLE;
  state.at += 1;
  return key;
}

const JSON_STRING = /"(?:[^"\\\n]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/y;
const SINGLE_QUOTED = /'(?:[^'\n]|'')*'/y;

/** A quoted text on one line. In double quotes only the escapes that JSON has, too. */
export function quotedAt(state: SimpleText): Simple<string> {
  const { text, at } = state;
  const pattern = text[at] === '"' ? JSON_STRING : SINGLE_QUOTED;
  pattern.lastIndex = at;
  const [source] = pattern.exec(text) ?? [];
  if (source === undefined) return NOT_SIMPLE;
  state.at += source.length;
  state.tokens += 1;
  if (text[at] === "'") return source.slice(1, -1).replaceAll("''", "'");
  return source.includes("\\") ? (JSON.parse(source) as string) : source.slice(1, -1);
}
