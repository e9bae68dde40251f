import { isUtf8 } from "node:buffer";
import type { SourceProblem } from "./source-problem.ts";

export type DecodedText = { readonly text: string } | { readonly problem: SourceProblem };

const UTF16_HINT = "save it as UTF-8; it looks like UTF-16, as some editors on Windows write";

/** Line and column of the first byte that is no UTF-8, found line by line. */
function firstBadByte(bytes: Buffer): { readonly line: number; readonly column: number } {
  let line = 1;
  let from = 0;
  for (;;) {
    const newline = bytes.indexOf(0x0a, from);
    const part = bytes.subarray(from, newline === -1 ? bytes.length : newline);
    if (!isUtf8(part) || newline === -1) return { line, column: part.toString("utf8").indexOf("\ufffd") + 1 };
    from = newline + 1;
    line++;
  }
}

/** Bytes of a file as text. Anything but UTF-8 is refused, with the place of the first wrong byte. */
export function decodeText(bytes: Buffer, file: string): DecodedText {
  if (isUtf8(bytes)) return { text: bytes.toString("utf8") };
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const { line, column } = firstBadByte(bytes);
  return {
    problem: {
      severity: "error",
      rule: "yaml-encoding",
      file,
      place: { file, line, column, endLine: line, endColumn: column + 1 },
      message: "is not UTF-8 text",
      hint: utf16 ? UTF16_HINT : "save it as UTF-8, and check that it is no archive or image",
    },
  };
}
