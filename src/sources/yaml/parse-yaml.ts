import { type Document, type Node, parseAllDocuments, type YAMLError } from "yaml";
import type { FieldPath } from "../../model/field-path.ts";
import type { Locate } from "../../model/place.ts";
import type { SourceProblem } from "../source-problem.ts";
import { type LinePlaces, linePlaces } from "./line-places.ts";
import { objectsOf } from "./list-items.ts";
import { syntaxProblem, tagWarning, unclosedQuoteAt } from "./syntax-problem.ts";
import { findTokenLimitBreach, type TokenLimitBreach } from "./token-limits.ts";
import { YAML_LIMITS } from "./yaml-limits.ts";
import { type LocatedTree, locateIn } from "./yaml-locate.ts";
import { yamlValue } from "./yaml-value.ts";

/** One object as it was written, before anything is known of its kind. */
export type SourceDocument = {
  readonly raw: unknown;
  /** Places of the object's fields; paths start at the object, also when it is an item of a list. */
  readonly locate: Locate;
  readonly file: string;
  /** Position among the objects of its input, from 0. */
  readonly index: number;
};

/** An object together with the tree that it was read from, and the way to it from the tree's root. */
export type SourceTree = SourceDocument & { readonly tree: LocatedTree; readonly path: FieldPath };

export type ParsedYaml = { readonly documents: readonly SourceDocument[]; readonly problems: readonly SourceProblem[] };
export type ParsedTrees = { readonly documents: readonly SourceTree[]; readonly problems: readonly SourceProblem[] };

export type YamlInput = { readonly text: string; readonly file: string };

/** More syntax errors of one document than this are the first one's echo. */
const ERRORS_PER_DOCUMENT = 3;
const TAGS_PER_DOCUMENT = 20;

/**
 * YAML 1.2 without merging, unique keys (quadratic in the parser) or known tags: those are done here, with places.
 * `schema` keeps a `%YAML 1.1` directive from turning on YAML 1.1 values such as dates.
 */
const PARSER_SETTINGS = {
  version: "1.2",
  schema: "core",
  merge: false,
  uniqueKeys: false,
  resolveKnownTags: false,
  prettyErrors: false,
  strict: true,
  logLevel: "silent",
} as const;

const LIMIT_WORDS: Readonly<Record<TokenLimitBreach["limit"], Pick<SourceProblem, "message" | "hint">>> = {
  depth: {
    message: `maps and lists are nested more than ${YAML_LIMITS.depth} deep`,
    hint: "check the brackets and dashes of this line",
  },
  documents: { message: `more than ${YAML_LIMITS.documents} documents in one input`, hint: "split the file" },
  tokens: { message: `more than ${YAML_LIMITS.tokens} tokens in one input`, hint: "split the file" },
};

function limitProblem(text: string, lines: LinePlaces): SourceProblem | undefined {
  const breach = findTokenLimitBreach(text);
  if (breach === undefined) return undefined;
  const place = lines.place(breach.offset, breach.offset + 1);
  return { severity: "error", rule: "yaml-limit", file: lines.file, place, ...LIMIT_WORDS[breach.limit] };
}

function sizeProblem(text: string, file: string): SourceProblem | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes <= YAML_LIMITS.bytes) return undefined;
  return {
    severity: "error",
    rule: "yaml-limit",
    file,
    message: `holds ${(bytes / 1024 / 1024).toFixed(1)} MiB; one input may hold 4 MiB`,
    hint: "split the file",
  };
}

/** The objects of one parsed document; none when it has an error. */
function readDocument(document: Document.Parsed, lines: LinePlaces, first: number, into: SourceProblem[]) {
  const root = document.contents as Node | null;
  const exhausted = document.errors.filter((error) => error.code === "RESOURCE_EXHAUSTION").slice(0, 1);
  const errors = exhausted.length > 0 ? exhausted : document.errors.slice(0, ERRORS_PER_DOCUMENT);
  into.push(...errors.map((error) => syntaxProblem(error, document, lines)));
  const warnings = document.warnings.filter((warning) => warning.code === "TAG_RESOLVE_FAILED");
  into.push(...warnings.slice(0, TAGS_PER_DOCUMENT).map((warning) => tagWarning(warning, lines)));
  if (document.errors.length > 0 || root === null) return [];
  const { value, aliases, problems } = yamlValue(root, lines);
  into.push(...problems);
  if (problems.some((problem) => problem.severity === "error")) return [];
  const tree = { root, aliases, lines };
  return objectsOf(value).map(
    ({ raw, path }, position): SourceTree => ({
      raw,
      tree,
      path,
      locate: (fieldPath, part) => locateIn(tree, [...path, ...fieldPath], part),
      file: lines.file,
      index: first + position,
    }),
  );
}

/** Mending broken quotes more often than this would cost more than it tells. */
const RESTARTS = 20;

/**
 * Where to go on after a document with an unclosed quote, which takes everything to the end of the text for its
 * own: at the next `---`, which no quoted text may contain at the start of a line (YAML 1.2.2, 9.1.2).
 */
function nextDocument(document: Document.Parsed, text: string): number | undefined {
  const opened = unclosedQuoteAt(document);
  if (opened === undefined) return undefined;
  const ahead = text.slice(opened).search(/^---(?=\s|$)/m);
  return ahead === -1 ? undefined : opened + ahead;
}

/** The text with everything before `end` blank but for line breaks, so that offsets stay true. */
const blankUntil = (text: string, end: number): string => text.slice(0, end).replace(/[^\n]/g, " ") + text.slice(end);

type ParsedText = { readonly documents: readonly Document.Parsed[]; readonly strayErrors: readonly YAMLError[] };

/** Parses every document; stray errors stand where there is no document, such as a directive alone. */
function parseDocuments(text: string, keepSourceTokens: boolean): ParsedText {
  const documents: Document.Parsed[] = [];
  const strayErrors: YAMLError[] = [];
  let rest = text;
  for (let restarts = 0; restarts < RESTARTS; restarts++) {
    const parsed = parseAllDocuments(rest, { ...PARSER_SETTINGS, keepSourceTokens });
    if ("empty" in parsed) strayErrors.push(...parsed.errors);
    documents.push(...(parsed as Document.Parsed[]));
    const last = documents.at(-1);
    const next = last === undefined ? undefined : nextDocument(last, rest);
    if (next === undefined) break;
    rest = blankUntil(rest, next);
  }
  return { documents, strayErrors };
}

const withoutByteOrderMark = (text: string): string => (text.startsWith("\ufeff") ? text.slice(1) : text);

/**
 * Reads a text of YAML or JSON: documents separated by `---`, `List` kinds and lists at the top, empty documents
 * passed over. A document with an error is left out and the others are used. Never throws; input beyond
 * `YAML_LIMITS` is refused with one problem. A byte order mark and CRLF are allowed.
 */
export const parseYaml = (input: YamlInput): ParsedYaml => parseYamlTrees(input, { keepSourceTokens: false });

/**
 * `parseYaml` with the trees, whose offsets count without the byte order mark; `keepSourceTokens` keeps what stands
 * between the nodes too, at a price in memory. `withinLimits`: the text is known to keep `YAML_LIMITS`.
 */
export function parseYamlTrees(
  input: YamlInput,
  options: { readonly keepSourceTokens: boolean; readonly withinLimits?: true },
): ParsedTrees {
  const text = withoutByteOrderMark(input.text);
  const tooLarge = sizeProblem(text, input.file);
  if (tooLarge !== undefined) return { documents: [], problems: [tooLarge] };
  const lines = linePlaces(input.file, text);
  const beyond = options.withinLimits === true ? undefined : limitProblem(text, lines);
  if (beyond !== undefined) return { documents: [], problems: [beyond] };
  const documents: SourceTree[] = [];
  const problems: SourceProblem[] = [];
  const parsed = parseDocuments(text, options.keepSourceTokens);
  for (const document of parsed.documents) {
    documents.push(...readDocument(document, lines, documents.length, problems));
  }
  problems.push(...parsed.strayErrors.map((error) => syntaxProblem(error, undefined, lines)));
  return { documents, problems };
}
