import { endsValue, isLeadingDot, type Token } from "./tokens.ts";

const RAW = /^[bB]?[rR]/;

/** Whether a token is a text without escapes: `r'\d'`. */
export const isRaw = ({ kind, text }: Token): boolean => kind === "string" && RAW.test(text);

/** The value of a text without escapes: what stands between its quotes. */
export function rawValue({ text }: Token): string {
  const quoted = text.replace(RAW, "");
  const quotes = quoted.startsWith('"""') || quoted.startsWith("'''") ? 3 : 1;
  return quoted.slice(quotes, -quotes);
}

/** The comma of `[,]` and `{,}`, which are an empty list and an empty map. */
function isLoneComma(tokens: readonly Token[], position: number): boolean {
  const around = `${tokens[position - 1]?.text}${tokens[position]?.text}${tokens[position + 1]?.text}`;
  return (around === "[,]" || around === "{,}") && !endsValue(tokens[position - 2]);
}

/** How the library can read a text without escapes: its backslashes as blanks, and `br'…'` as `b'…'`. */
function maskedRaw({ text }: Token): string {
  const masked = text.replaceAll("\\", " ");
  return /^[bB]/.test(text) ? ` b${masked.slice(2)}` : masked;
}

/** What a token is replaced by, as long as it is; undefined where it stays. */
function replacement(tokens: readonly Token[], position: number): string | undefined {
  const token = tokens[position];
  if (token === undefined) return undefined;
  if (isRaw(token)) return maskedRaw(token);
  if (token.kind === "number" && token.text.startsWith(".")) return ` ${token.text.slice(1)}`;
  return isLeadingDot(tokens, position) || isLoneComma(tokens, position) ? " " : undefined;
}

/**
 * The text as the library can read it, every character at its place: an absolute name's leading dot, the dot of `.5`, a
 * form feed, a backslash at the end of a raw text and the comma of an empty list are CEL, but unknown to it. convert()
 * gives `.5` and raw texts their values back.
 */
export function mask(text: string, tokens: readonly Token[]): string {
  const parts: string[] = [];
  let from = 0;
  for (const [position, { start, end }] of tokens.entries()) {
    parts.push(text.slice(from, start).replaceAll("\f", " "), replacement(tokens, position) ?? text.slice(start, end));
    from = end;
  }
  return `${parts.join("")}${text.slice(from).replaceAll("\f", " ")}`;
}
