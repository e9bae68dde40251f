import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createReport } from "../../../src/dns/corefile/diagnostic.ts";
import { lexCorefile, MAX_FILE_CHARACTERS } from "../../../src/dns/corefile/lex.ts";
import { corefileLike } from "./corefile-like.ts";

const lex = (text: string, environment: Readonly<Record<string, string>> = {}) => {
  const report = createReport();
  const lines = lexCorefile({ file: "Corefile", text, environment }, report);
  return { lines, diagnostics: report.diagnostics() };
};

const textsOf = (text: string, environment?: Readonly<Record<string, string>>) =>
  lex(text, environment).lines.map((line) => line.map((token) => token.text));

describe("words", () => {
  test.each([
    ["are parted by white space", "a  b\tc", [["a", "b", "c"]]],
    ["stand in lines", "a b\n\nc\n", [["a", "b"], ["c"]]],
    ["end at a comment, even a glued one", "whoami#x y\nb # c", [["whoami"], ["b"]]],
    ["lose carriage returns", "a\r\nb\rc\r\n", [["a"], ["bc"]]],
    ["lose a byte order mark", "\ufeffa", [["a"]]],
    ["keep quotes inside", 'a"b c"', [['a"b', 'c"']]],
    ["keep a hash in quotes", '"v#1"', [["v#1"]]],
    ["may be empty in quotes", 'a ""', [["a", ""]]],
    ["know only the escaped quote", String.raw`"a \"b\" \. \\ c"`, [[String.raw`a "b" \. \\ c`]]],
    ["go on over line ends in quotes", '"a\nb" c\nd', [["a\nb", "c"], ["d"]]],
    ["go on behind a quoted word", '"a"b', [["a", "b"]]],
    ["may be braces of templates", "{{ .Name }}", [["{{", ".Name", "}}"]]],
  ])("%s", (_title, text, expected) => {
    expect(textsOf(text)).toEqual(expected);
  });

  test("have places that count from 1, in UTF-16 units, over line ends", () => {
    const [first, second] = lex('\n  é "a\nb" c').lines.flat();
    expect(first?.place).toEqual({ file: "Corefile", line: 2, column: 3, endLine: 2, endColumn: 4 });
    expect(second?.place).toEqual({ file: "Corefile", line: 2, column: 5, endLine: 3, endColumn: 3 });
  });
});

describe("variables", () => {
  test.each([
    ["{$A}", ["x"], []],
    ["{%A%}", ["x"], []],
    ["{$A}-{%B%}", ["x-y z"], []],
    ["{$NONE}", [""], ["NONE"]],
    ["a{$NONE}{%EMPTY%}", ["a"], ["NONE", "EMPTY"]],
    ["{$LOOP}", ["{$LOOP}"], []],
    ["{$__proto__}", [""], ["__proto__"]],
    ["{$} {combined} {%A}", ["{$}", "{combined}", "{%A}"], []],
  ])("%s", (text, texts, unset) => {
    const tokens = lex(text, { A: "x", B: "y z", EMPTY: "", LOOP: "{$LOOP}" }).lines.flat();
    expect(tokens.map((token) => token.text)).toEqual(texts);
    expect(tokens.flatMap((token) => token.unset)).toEqual(unset);
  });
});

test("a quote that is not closed is an error at the quote", () => {
  const [problem] = lex('a\n b "c d\n').diagnostics;
  expect(problem).toMatchObject({ message: expect.stringContaining("closing"), place: { line: 2, column: 4 } });
});

test("a file that is too large is refused whole", () => {
  const { lines, diagnostics } = lex("a ".repeat(MAX_FILE_CHARACTERS / 2 + 1));
  expect([lines.length, diagnostics.length]).toEqual([0, 1]);
});

test("any text is cut into words that stand where they say", () => {
  fc.assert(
    fc.property(corefileLike, (text) => {
      const rows = text.split("\n");
      for (const { place, text: word, quoted } of lex(text).lines.flat()) {
        expect(place.line).toBeGreaterThanOrEqual(1);
        expect(place.endLine).toBeLessThanOrEqual(rows.length);
        expect(place.endColumn).toBeLessThanOrEqual((rows[place.endLine - 1] ?? "").length + 1);
        if (quoted || place.line !== place.endLine) continue;
        const slice = (rows[place.line - 1] ?? "").slice(place.column - 1, place.endColumn - 1);
        if (!slice.includes("{")) expect(slice.replaceAll("\r", "")).toBe(word);
      }
    }),
    { numRuns: 500 },
  );
});
