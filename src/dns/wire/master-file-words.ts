import { fail, ok, type Result } from "../../model/result.ts";

/** A word of a record's text; escapes stand in it as written. */
export type Word = {
  /** Without the quotes around it. */
  readonly text: string;
  readonly quoted: boolean;
};

/** A word that begins with a quote ends with the next one; another may have quoted parts (`alpn="h2,h3"`). */
const QUOTED = /"((?:[^"\\]|\\[\s\S])*)"/y;
const PLAIN = /(?:[^\s"\\;()]|\\[\s\S]|"(?:[^"\\]|\\[\s\S])*")+/y;

/**
 * Splits a record's text (RFC 1035 section 5.1): words between blanks, `"…"`, comments from `;`, and parentheses, which
 * let a record go over line ends. Line ends count as blanks.
 */
export function readWords(text: string): Result<readonly Word[]> {
  const words: Word[] = [];
  let depth = 0;
  for (let offset = 0; offset < text.length; ) {
    const character = text[offset] as string;
    if (character === ";") {
      const end = text.indexOf("\n", offset);
      offset = end === -1 ? text.length : end;
    } else if (character === "(" || character === ")") {
      depth += character === "(" ? 1 : -1;
      if (depth < 0) return fail("parenthesis closed that was not opened");
      offset += 1;
    } else if (/\s/.test(character)) {
      offset += 1;
    } else {
      const quoted = character === '"';
      const pattern = quoted ? QUOTED : PLAIN;
      pattern.lastIndex = offset;
      const match = pattern.exec(text);
      if (match === null) return fail(quoted ? "quote is not closed" : "backslash at the end");
      words.push({ text: match[1] ?? match[0], quoted });
      offset = pattern.lastIndex;
    }
  }
  return depth === 0 ? ok(words) : fail("parenthesis is not closed");
}

/** The octets of a word: `\DDD` is one octet, `\x` is x, all else is UTF-8. Undefined for `\` before bad digits. */
export function wordOctets(text: string): Buffer | undefined {
  if (!text.includes("\\")) return Buffer.from(text);
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < text.length; ) {
    const next = text.indexOf("\\", offset);
    if (next !== offset) parts.push(Buffer.from(text.slice(offset, next === -1 ? undefined : next)));
    if (next === -1) break;
    const escaped = readEscape(text, next + 1);
    if (escaped === undefined) return undefined;
    parts.push(escaped.octets);
    offset = escaped.end;
  }
  return Buffer.concat(parts);
}

function readEscape(text: string, offset: number): { readonly octets: Uint8Array; readonly end: number } | undefined {
  if (!/\d/.test(text[offset] ?? "")) {
    const character = text.codePointAt(offset);
    if (character === undefined) return undefined;
    const escaped = String.fromCodePoint(character);
    return { octets: Buffer.from(escaped), end: offset + escaped.length };
  }
  const digits = text.slice(offset, offset + 3);
  const octet = Number(digits);
  return /^\d{3}$/.test(digits) && octet <= 255 ? { octets: Uint8Array.of(octet), end: offset + 3 } : undefined;
}
