/** Characters by code point: inside or, when negated, outside of these ranges, both ends included. */
export type CharacterSet = {
  readonly negated: boolean;
  readonly ranges: readonly (readonly [number, number])[];
  readonly ignoreCase: boolean;
};

export type PatternCursor = { readonly text: string; offset: number };

/** Thrown and caught by the reader of patterns only. */
export type PatternProblem = { readonly patternProblem: string };

export const refuse = (patternProblem: string): never => {
  throw { patternProblem } satisfies PatternProblem;
};

type Ranges = readonly (readonly [number, number])[];

const DIGIT: Ranges = [[48, 57]];
const SPACE: Ranges = [
  [9, 10],
  [12, 13],
  [32, 32],
];
const WORD: Ranges = [...DIGIT, [65, 90], [95, 95], [97, 122]];

/** Perl classes, ASCII only as in RE2. */
const PERL: Readonly<Record<string, Ranges>> = { d: DIGIT, s: SPACE, w: WORD };

/** POSIX classes inside brackets (RE2 syntax page). */
const POSIX: Readonly<Record<string, Ranges>> = {
  alnum: [...DIGIT, [65, 90], [97, 122]],
  alpha: [
    [65, 90],
    [97, 122],
  ],
  digit: DIGIT,
  lower: [[97, 122]],
  upper: [[65, 90]],
  punct: [
    [33, 47],
    [58, 64],
    [91, 96],
    [123, 126],
  ],
  space: [
    [9, 13],
    [32, 32],
  ],
  word: WORD,
  xdigit: [...DIGIT, [65, 70], [97, 102]],
};

const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };

const MAX_CODE_POINT = 0x10ffff;

/** The ranges between those given. */
function complement(ranges: Ranges): Ranges {
  const gaps: (readonly [number, number])[] = [];
  let next = 0;
  for (const [low, high] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (low > next) gaps.push([next, low - 1]);
    next = Math.max(next, high + 1);
  }
  return next <= MAX_CODE_POINT ? [...gaps, [next, MAX_CODE_POINT]] : gaps;
}

/** An escape that stands for characters: `\d`, `\.`, `\x2d`. Moves behind it. */
export function readEscape(cursor: PatternCursor): { readonly negated: boolean; readonly ranges: Ranges } {
  const rest = cursor.text.slice(cursor.offset + 1, cursor.offset + 12);
  const letter = rest.slice(0, 1);
  if (letter === "") refuse("trailing backslash at end of expression");
  const perl = PERL[letter.toLowerCase()];
  if (perl !== undefined) {
    cursor.offset += 2;
    return { negated: letter !== letter.toLowerCase(), ranges: perl };
  }
  if (/^[pP]/.test(rest)) refuse(`\\${letter} (Unicode class) is not supported: names are ASCII, write [a-z]`);
  const hex = /^x(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))/.exec(rest);
  const octal = /^0[0-7]{0,2}/.exec(rest);
  const length = hex?.[0].length ?? octal?.[0].length ?? 1;
  const code = codeOf(letter, hex?.[1] ?? hex?.[2], octal?.[0]);
  cursor.offset += 1 + length;
  return { negated: false, ranges: [[code, code]] };
}

function codeOf(letter: string, hex: string | undefined, octal: string | undefined): number {
  const code =
    hex === undefined ? (octal === undefined ? undefined : Number.parseInt(octal, 8)) : Number.parseInt(hex, 16);
  if (code !== undefined)
    return code <= MAX_CODE_POINT ? code : refuse("invalid escape sequence: code point too large");
  if (Object.hasOwn(CONTROLS, letter)) return CONTROLS[letter] as number;
  if (/[A-Za-z0-9]/.test(letter)) refuse(`invalid escape sequence: \\${letter}`);
  if (letter > "\x7f") refuse("invalid escape sequence: only ASCII punctuation is escaped");
  return letter.charCodeAt(0);
}

/** A bracket expression. Moves behind its `]`. */
export function readClass(cursor: PatternCursor, ignoreCase: boolean): CharacterSet {
  const { text } = cursor;
  const negated = text[cursor.offset + 1] === "^";
  cursor.offset += negated ? 2 : 1;
  const ranges: (readonly [number, number])[] = [];
  for (let first = true; first || text[cursor.offset] !== "]"; first = false) {
    if (cursor.offset >= text.length) refuse("missing closing ]");
    for (const range of readClassItem(cursor)) ranges.push(range);
  }
  cursor.offset += 1;
  return { negated, ranges, ignoreCase };
}

function readClassItem(cursor: PatternCursor): Ranges {
  const { text } = cursor;
  const posix = /^\[:(\^?)([a-z]{1,8}):\]/.exec(text.slice(cursor.offset, cursor.offset + 16));
  if (posix !== null) {
    const ranges = Object.hasOwn(POSIX, posix[2] ?? "") ? POSIX[posix[2] ?? ""] : undefined;
    if (ranges === undefined) return refuse(`invalid character class range: ${posix[0]}`);
    cursor.offset += posix[0].length;
    return posix[1] === "^" ? complement(ranges) : ranges;
  }
  const low = readClassCharacter(cursor);
  const isRange = text[cursor.offset] === "-" && text[cursor.offset + 1] !== "]" && cursor.offset + 1 < text.length;
  if (typeof low !== "number") return low;
  if (!isRange) return [[low, low]];
  cursor.offset += 1;
  const high = readClassCharacter(cursor);
  if (typeof high !== "number" || high < low) return refuse("invalid character class range");
  return [[low, high]];
}

/** One code point, or the ranges of an escape such as `\d`. */
function readClassCharacter(cursor: PatternCursor): number | Ranges {
  const code = cursor.text.codePointAt(cursor.offset) ?? 0;
  if (code !== 92) {
    cursor.offset += code > 0xffff ? 2 : 1;
    return code;
  }
  const { negated, ranges } = readEscape(cursor);
  const [range] = ranges;
  if (negated) return complement(ranges);
  return ranges.length === 1 && range !== undefined && range[0] === range[1] ? range[0] : ranges;
}
