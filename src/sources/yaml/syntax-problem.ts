import { type Document, isScalar, type Scalar, visit, type YAMLError } from "yaml";
import type { ProblemRule } from "../problem-rule.ts";
import type { SourceProblem } from "../source-problem.ts";
import type { LinePlaces } from "./line-places.ts";

type Words = { readonly message: string; readonly hint: string };

/** The parser's error codes in words of what was written and what to write. */
const WORDS: Readonly<Partial<Record<YAMLError["code"], Words>>> = {
  BLOCK_AS_IMPLICIT_KEY: {
    message: "a second `key: value` stands where a value is expected",
    hint: "quote the value if it contains a colon and a blank, or mend the indentation of this line or the next",
  },
  MULTILINE_IMPLICIT_KEY: {
    message: "a key runs over several lines",
    hint: "mend the indentation of the line after it, or close the quote",
  },
  TAB_AS_INDENT: { message: "a tab is used as indentation", hint: "indent with spaces; YAML allows no tabs there" },
  BAD_ALIAS: {
    message: "`*` starts a reference to an anchor, and no name follows that could be one",
    hint: 'quote the text if it starts with `*`, as in "*.example.com"',
  },
  BAD_DQ_ESCAPE: {
    message: "a backslash in double quotes is followed by a character that it cannot escape",
    hint: "double the backslash, or use single quotes",
  },
  BAD_INDENT: { message: "the indentation does not fit what is around it", hint: "line it up with its neighbours" },
  BAD_SCALAR_START: {
    message: "a value cannot start with this character unless it is quoted",
    hint: "put the value in quotes",
  },
  MULTIPLE_ANCHORS: { message: "a value has two anchors", hint: "keep one `&name`" },
  MULTIPLE_TAGS: { message: "a value has two tags", hint: "quote the value if it starts with `!`" },
  KEY_OVER_1024_CHARS: {
    message: "a key is longer than 1024 characters",
    hint: "look for a missing line break or quote",
  },
  RESOURCE_EXHAUSTION: {
    message: "maps and lists are nested too deep",
    hint: "check the indentation and brackets before this line",
  },
  TAG_RESOLVE_FAILED: { message: "a tag that means nothing here", hint: "quote the value if it starts with `!`" },
};

/** Mistakes that have an id of their own; everything else is `yaml-syntax`. */
const RULES: Readonly<Partial<Record<YAMLError["code"], ProblemRule>>> = {
  TAB_AS_INDENT: "yaml-tab",
  BAD_INDENT: "yaml-indentation",
  BLOCK_AS_IMPLICIT_KEY: "yaml-indentation",
  MULTILINE_IMPLICIT_KEY: "yaml-indentation",
  BAD_ALIAS: "yaml-anchor",
  MULTIPLE_ANCHORS: "yaml-anchor",
  MULTIPLE_TAGS: "yaml-tag",
  TAG_RESOLVE_FAILED: "yaml-tag",
  RESOURCE_EXHAUSTION: "yaml-limit",
};

/** A bracket that is not closed is reported as an indentation by the parser. */
const ruleOf = (error: YAMLError): ProblemRule =>
  error.code === "BAD_INDENT" && error.message.startsWith("Flow")
    ? "yaml-syntax"
    : (RULES[error.code] ?? "yaml-syntax");

const FALLBACK_HINT = "compare the line with its neighbours; quotes, brackets and indentation must match";

/** For the rest the parser's own words are plain enough, save for their first letter. */
const plainly = (message: string): string => message.charAt(0).toLowerCase() + message.slice(1);

const UNCLOSED_QUOTE: Words = {
  message: "a quote is opened here and not closed",
  hint: "close it, or put the whole value in the other kind of quotes",
};

/** The parser's words for a token in a wrong place; it gives the token as a JSON string. */
const UNEXPECTED = /^Unexpected .{1,40} token in YAML (?:document|stream): (".{1,60}")$/;

const isUnclosedQuote = (error: YAMLError): boolean =>
  error.code === "MISSING_CHAR" && error.message.startsWith("Missing closing");

function wordsFor(error: YAMLError): Words {
  if (error.code === "UNEXPECTED_TOKEN" && error.message.endsWith("at node end")) {
    return { message: "text follows after the end of a value", hint: "start the next document with a line `---`" };
  }
  if (error.code === "BAD_INDENT" && error.message.startsWith("Flow")) {
    return {
      message: "a bracket is opened and not closed where it should be",
      hint: "close `[` with `]` and `{` with `}`, and indent what is inside",
    };
  }
  const token = UNEXPECTED.exec(error.message)?.[1];
  if (token !== undefined) return { message: `${token} cannot stand here`, hint: FALLBACK_HINT };
  return WORDS[error.code] ?? { message: plainly(error.message), hint: FALLBACK_HINT };
}

/** Where the quote that `document` never closes is opened. The parser gives the end of the text as its place. */
export function unclosedQuoteAt(document: Document.Parsed): number | undefined {
  const error = document.errors.find(isUnclosedQuote);
  let opened: number | undefined;
  if (error === undefined) return undefined;
  visit(document, (_key, node) => {
    if (!isScalar(node) || !(node as Scalar).type?.startsWith("QUOTE")) return undefined;
    if (node.range?.[1] !== error.pos[0]) return undefined;
    opened = node.range[0];
    return visit.BREAK;
  });
  return opened;
}

/** One syntax error of the YAML parser as a problem. `error.pos` counts from the start of the text. */
export function syntaxProblem(
  error: YAMLError,
  document: Document.Parsed | undefined,
  lines: LinePlaces,
): SourceProblem {
  const opened = document !== undefined && isUnclosedQuote(error) ? unclosedQuoteAt(document) : undefined;
  const [start, end] = opened === undefined ? error.pos : [opened, opened + 1];
  const lineEnd = Math.max(start, lines.endOfLine(start));
  const place = lines.place(start, Math.min(end, lineEnd));
  const words = isUnclosedQuote(error) ? UNCLOSED_QUOTE : wordsFor(error);
  return { severity: "error", rule: ruleOf(error), file: lines.file, place, ...words };
}

/**
 * An unknown tag. `expression: !auth.identity.x` is the usual one: YAML takes the text after `!` for a tag, and
 * the value is what follows it, mostly nothing.
 */
export function tagWarning(error: YAMLError, lines: LinePlaces): SourceProblem {
  const [start, end] = error.pos;
  const tag = lines.text.slice(start, end);
  return {
    severity: "warning",
    rule: "yaml-tag",
    file: lines.file,
    place: lines.place(start, end),
    message: `\`${tag}\` without quotes is a YAML tag, and is no part of the value`,
    hint: "put the whole value in quotes",
  };
}
