import { blockDocument } from "./simple-block.ts";
import { NOT_SIMPLE, type SimpleText } from "./simple-scalar.ts";
import { YAML_LIMITS } from "./yaml-limits.ts";

/** One document of a text in the simple form: its JSON and the stretch that it is written in, whole lines. */
export type SimpleDocument = {
  readonly value: unknown;
  readonly start: number;
  readonly end: number;
  /** Lines before it. */
  readonly line: number;
};

/** Tabs, carriage returns, other controls, separators, surrogates without a partner, byte order marks. */
const UNUSUAL = /[^\n\u0020-\u007e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\uffef\u{10000}-\u{10ffff}]/u;
/** A directive, the end of a document, or a separator with something behind it. */
const UNUSUAL_LINE = /^(?:%|\.\.\.|--- *[^ \n])/m;
const SEPARATOR = /^--- *$/gm;

/** The end of every document, and where the next one begins. */
function separatorsOf(text: string): readonly (readonly [end: number, next: number])[] {
  const found = [...text.matchAll(SEPARATOR)].map(({ index, 0: { length } }): [number, number] => [
    index,
    Math.min(index + length + 1, text.length),
  ]);
  return [...found, [text.length, text.length]];
}

function linesIn(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf("\n", from); at !== -1 && at < to; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

/**
 * Reads a text that uses only the part of YAML in which manifests are mostly written, some ten times as fast as the real
 * parser does, and to the same JSON. Undefined when anything in the text is beyond that part, wrong, worth a warning, or
 * near a limit: then the real parser must read it. Anchors, tags, duplicate keys, scalars over several lines, tabs and
 * values that programs read in different ways are all beyond it.
 */
export function simpleDocuments(text: string): readonly SimpleDocument[] | undefined {
  if (UNUSUAL.test(text) || UNUSUAL_LINE.test(text)) return undefined;
  const separators = separatorsOf(text);
  if (separators.length > YAML_LIMITS.documents) return undefined;
  const documents: SimpleDocument[] = [];
  const state = { text, end: 0, at: 0, tokens: 0 };
  let start = 0;
  let line = 0;
  for (const [end, next] of separators) {
    Object.assign(state, { at: start, end } satisfies Partial<SimpleText>);
    const value = blockDocument(state);
    if (value === NOT_SIMPLE || state.tokens > YAML_LIMITS.tokens) return undefined;
    if (value !== undefined) documents.push({ value, start, end, line });
    line += linesIn(text, start, next);
    start = next;
  }
  return documents;
}
