import { RE2JS } from "re2js";

/** Longer patterns are not compiled. The longest of the definitions in use has some 300 characters. */
const MAX_PATTERN_LENGTH = 4096;
/** Compiled patterns kept; a cluster's definitions have a few hundred. */
const MAX_PATTERNS = 2000;
/** Answers kept for each pattern, for texts up to this length: manifests repeat the same values over and over. */
const MAX_ANSWERS = 200;
const MAX_KEPT_TEXT = 80;

/** A regular expression of RE2: matching is linear in the text, whatever the pattern. */
export type Pattern = {
  /** Whether the pattern matches anywhere in the text. */
  matches(text: string): boolean;
  /** The first match, and every match up to a limit. */
  findAll(text: string, limit: number): readonly string[];
};

/** Compiles patterns of others, each once. Undefined for a pattern that RE2 does not accept or that is too long. */
export type Patterns = (source: string) => Pattern | undefined;

function compile(source: string): Pattern | undefined {
  if (source.length > MAX_PATTERN_LENGTH) return undefined;
  try {
    const pattern = RE2JS.compile(source);
    const answers = new Map<string, boolean>();
    return {
      matches(text) {
        const known = answers.get(text);
        if (known !== undefined) return known;
        const answer = pattern.matcher(text).find();
        if (answers.size < MAX_ANSWERS && text.length <= MAX_KEPT_TEXT) answers.set(text, answer);
        return answer;
      },
      findAll(text, limit) {
        const matcher = pattern.matcher(text);
        const found: string[] = [];
        while (found.length < limit && matcher.find()) found.push(matcher.group() ?? "");
        return found;
      },
    };
  } catch {
    return undefined;
  }
}

/** A compiler with a memory of its own. */
export function createPatterns(): Patterns {
  const known = new Map<string, Pattern | undefined>();
  return (source) => {
    if (known.has(source)) return known.get(source);
    const pattern = compile(source);
    if (known.size < MAX_PATTERNS) known.set(source, pattern);
    return pattern;
  };
}
