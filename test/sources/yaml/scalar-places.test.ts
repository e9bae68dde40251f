import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDocument, type Scalar, visit } from "yaml";
import { blockSource } from "../../../src/sources/yaml/block-scalar-source.ts";
import { doubleQuotedSource, plainSource, singleQuotedSource } from "../../../src/sources/yaml/flow-scalar-source.ts";
import type { ScalarSource } from "../../../src/sources/yaml/scalar-source.ts";

const OPTIONS = { version: "1.2", prettyErrors: false, logLevel: "silent" } as const;

/** The scalar value of `k` in a text, or undefined when the text is no valid YAML. */
function scalarOfK(text: string): Scalar | undefined {
  const document = parseDocument(text, OPTIONS);
  if (document.errors.length > 0) return undefined;
  let found: Scalar | undefined;
  visit(document, {
    Pair: (_key, pair) => {
      const { key, value } = pair as { key: Scalar; value: Scalar };
      if (key.value === "k") found = value;
    },
  });
  return found;
}

function sourceOf(text: string, scalar: Scalar): ScalarSource | undefined {
  const [start, end] = scalar.range ?? [0, 0];
  if (scalar.type === "QUOTE_DOUBLE") return doubleQuotedSource(text, start, end);
  if (scalar.type === "QUOTE_SINGLE") return singleQuotedSource(text, start, end);
  if (scalar.type === "PLAIN") return plainSource(text, start, end);
  return blockSource(text, start, end, String(scalar.value));
}

/** Every unit either is written as itself, or is a folded break, or is part of an escape. */
function expectTrueMapping(text: string, source: ScalarSource): void {
  expect(source.starts).toHaveLength(source.value.length);
  expect(source.ends).toHaveLength(source.value.length);
  let reached = 0;
  for (let unit = 0; unit < source.value.length; unit++) {
    const start = source.starts[unit] ?? -1;
    const end = source.ends[unit] ?? -1;
    const written = text.slice(start, end);
    expect(start).toBeGreaterThanOrEqual(unit > 0 && start === source.starts[unit - 1] ? start : reached);
    expect(end).toBeGreaterThanOrEqual(start);
    reached = end;
    const value = source.value[unit] ?? "";
    const same = written === value;
    const folded = /^\r?\n$/.test(written) && (value === " " || value === "\n");
    const escaped = written.startsWith("\\") || written === "''";
    const endOfText = written === "" && start === text.length && value === "\n";
    expect(same || folded || escaped || endOfText, JSON.stringify({ unit, value, written, text })).toBe(true);
  }
}

function checkText(text: string): boolean {
  const scalar = scalarOfK(text);
  if (scalar === undefined || typeof scalar.value !== "string") return false;
  const source = sourceOf(text, scalar);
  expect(source?.value, JSON.stringify(text)).toBe(scalar.value);
  if (source !== undefined) expectTrueMapping(text, source);
  return true;
}

/** Texts that a scalar may be made of; breaks are indented so that they stay inside the value. */
const piece = (extra: readonly string[], lineBreak: string) =>
  fc
    .array(
      fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom("a", "b.c", "==", "é", "😀", "{", "x:y", "'s", "1") },
        { weight: 2, arbitrary: fc.constantFrom(" ", "  ", "\t") },
        { weight: 2, arbitrary: fc.constantFrom(lineBreak, lineBreak + lineBreak, `${lineBreak}  `, `${lineBreak}\t`) },
        { weight: extra.length === 0 ? 0 : 2, arbitrary: fc.constantFrom("a", ...extra) },
      ),
      { maxLength: 14 },
    )
    .map((parts) => parts.join(""));

const ESCAPES = ["\\n", "\\t", '\\"', "\\\\", "\\x41", "\\u00e9", "\\U0001F600", "\\/", "\\ ", "\\\n   ", "\\0", "\\e"];

const styles: readonly (readonly [string, fc.Arbitrary<string>])[] = [
  ["plain", piece([], "\n   ").map((body) => `k: a${body}\nz: 1\n`)],
  ["plain with CRLF", piece([], "\r\n   ").map((body) => `k: a${body}\r\nz: 1\r\n`)],
  ["single-quoted", piece(["''", '"', "# no"], "\n   ").map((body) => `k: '${body.replaceAll("'s", "s")}'\nz: 1\n`)],
  ["single-quoted with CRLF", piece(["''"], "\r\n   ").map((body) => `k: '${body.replaceAll("'s", "s")}'\r\n`)],
  ["double-quoted", piece(ESCAPES, "\n   ").map((body) => `k: "${body}"\nz: 1\n`)],
  ["double-quoted with CRLF", piece(ESCAPES, "\r\n   ").map((body) => `k: "${body}"\r\nz: 1\r\n`)],
];

const blockBody = (lineBreak: string) =>
  fc
    .array(fc.constantFrom("a", "b c", "  more", "    most", "\ttab", "", " ", "   ", "# text", "- x", "k: v"), {
      maxLength: 9,
    })
    .map((lines) => lines.map((line) => (line.trim() === "" && line.length < 2 ? line : `  ${line}`)).join(lineBreak));

const header = fc.tuple(fc.constantFrom("|", ">"), fc.constantFrom("", "-", "+"), fc.constantFrom("", "1", "2"));

const blocks = (lineBreak: string) =>
  fc
    .tuple(header, blockBody(lineBreak), fc.constantFrom("", lineBreak, lineBreak + lineBreak), fc.boolean())
    .map(([[mode, chomp, indent], body, tail, more]) => {
      const after = more ? `${lineBreak}z: 1${lineBreak}` : tail;
      return `o:${lineBreak} k: ${mode}${indent}${chomp} # note${lineBreak}${body.replaceAll(/^/gm, " ")}${after}`;
    });

describe("every unit of a scalar is traced to where it is written", () => {
  test.each(styles)("%s", (_name, texts) => {
    let used = 0;
    fc.assert(
      fc.property(texts, (text) => {
        if (checkText(text)) used++;
      }),
      { numRuns: 1500 },
    );
    expect(used).toBeGreaterThan(200);
  });

  test.each([
    ["LF", "\n"],
    ["CRLF", "\r\n"],
  ])("block scalars with every header, %s", (_name, lineBreak) => {
    let used = 0;
    fc.assert(
      fc.property(blocks(lineBreak), (text) => {
        if (checkText(text)) used++;
      }),
      { numRuns: 4000 },
    );
    expect(used).toBeGreaterThan(500);
  });
});
