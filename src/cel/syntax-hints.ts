import type { TextRange } from "../model/place.ts";
import type { Token } from "./tokens.ts";

type Situation = {
  readonly text: string;
  readonly tokens: readonly Token[];
  /** The token at fault; undefined when the text ends too early. */
  readonly token: Token | undefined;
  readonly previous: Token | undefined;
};

type Habit = { readonly seen: (situation: Situation) => boolean; readonly hint: string };

const isWord = (token: Token | undefined, word: string): boolean =>
  token?.kind === "word" && token.text.toLowerCase() === word;

/** A word of another language, where the parser stops or right before it. */
const wordNearby =
  (word: string) =>
  ({ token, previous }: Situation): boolean =>
    isWord(token, word) || isWord(previous, word);

const badToken =
  (text: string) =>
  ({ tokens }: Situation): boolean =>
    tokens.some((token) => token.kind === "bad" && token.text === text);

/** Two tokens side by side, outside of quoted text. */
const inSequence =
  (first: string, second: (token: Token) => boolean) =>
  ({ tokens }: Situation): boolean =>
    tokens.some((token, position) => {
      const next = tokens[position + 1];
      return token.kind !== "string" && token.text === first && next?.start === token.end && second(next);
    });

/** `request.headers.x-forwarded-for`: a reserved word, or a digit, right behind a dash of a dotted header. */
const dashedHeader = ({ text, token, previous }: Situation): string | undefined => {
  if (token === undefined || previous?.text !== "-" || previous.end !== token.start) return undefined;
  const end = token.start + (/^[\w-]*/.exec(text.slice(token.start))?.[0].length ?? 0);
  return /request\.headers\.([A-Za-z_][\w-]*)$/.exec(text.slice(0, end))?.[1];
};

const TYPOGRAPHIC_QUOTES = /[\u2018\u2019\u201c\u201d]/;

/** Habits brought from other languages, the most telling first. */
const HABITS: readonly Habit[] = [
  {
    seen: inSequence("{", (next) => next.text === "{"),
    hint: "Go template braces `{{…}}` are not replaced here; name the value itself, as in `auth.identity.username`",
  },
  {
    seen: inSequence("$", (next) => next.text === "{"),
    hint: `\`\${…}\` is not replaced here; name the value itself and join texts with \`+\``,
  },
  {
    seen: inSequence(".", (next) => next.text === "@"),
    hint: "modifiers such as `@case:lower` work in `selector` only; in CEL use a function such as `.lowerAscii()`",
  },
  {
    seen: ({ tokens }) => tokens.some((token) => token.kind === "bad" && TYPOGRAPHIC_QUOTES.test(token.text)),
    hint: "typographic quotes are no quotes in CEL; use `'`",
  },
  { seen: ({ tokens }) => tokens.at(-1)?.kind === "unclosed", hint: "close the quote" },
  { seen: ({ tokens }) => tokens.at(-1)?.text === ";", hint: "leave out the trailing `;`" },
  { seen: badToken("="), hint: "compare with `==`" },
  { seen: badToken("&"), hint: "conditions are joined with `&&`" },
  { seen: badToken("|"), hint: "alternatives are joined with `||`" },
  { seen: wordNearby("and"), hint: "conditions are joined with `&&`" },
  { seen: wordNearby("or"), hint: "alternatives are joined with `||`" },
  { seen: wordNearby("not"), hint: "a condition is negated with `!`" },
];

/** What the writer most likely meant, when the mistake is a common one; no full stop at the end. */
export function syntaxHint(text: string, tokens: readonly Token[], at: TextRange): string | undefined {
  const position = tokens.findIndex((token) => token.end > at.start);
  const situation: Situation = {
    text,
    tokens,
    token: tokens[position],
    previous: position < 0 ? tokens.at(-1) : tokens[position - 1],
  };
  const dashed = dashedHeader(situation);
  if (dashed !== undefined) return `a name with dashes needs brackets: \`request.headers['${dashed.toLowerCase()}']\``;
  return HABITS.find((habit) => habit.seen(situation))?.hint;
}
