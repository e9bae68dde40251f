import { describe, expect, test } from "vitest";
import { textReplacements } from "../../src/cli/text-replacements.ts";
import type { TextReplacement } from "../../src/lint/formats/format.ts";
import { sarifFormat } from "../../src/lint/formats/sarif.ts";
import { applyEdits } from "../../src/model/apply-edits.ts";
import type { ObjectEdit } from "../../src/model/edit.ts";
import type { ObjectRef } from "../../src/model/object-ref.ts";
import { mergeObjects, objectsOfText } from "../../src/sources/manifests.ts";
import { findingWith, optionsOf, reportOf } from "../lint/formats/linted-texts.ts";

type Files = Readonly<Record<string, string>>;

const objectsOf = (files: Files) =>
  mergeObjects(Object.entries(files).map(([file, text]) => objectsOfText(text, file))).decoded;
const lineOf = (files: Files) => (file: string, line: number) => files[file]?.split(/\r\n|\n/)[line - 1];

/** The identity of the first object. */
function firstOf(files: Files): ObjectRef {
  const [object] = objectsOf(files);
  if (object === undefined) throw new Error("no object");
  return object.ref;
}

/** Replacements where no line holds a credential. */
const replacing = (objects: ReturnType<typeof objectsOf>, lines: ReturnType<typeof lineOf>) =>
  textReplacements({ objects, lineOf: lines, shownLineOf: lines });

/** The replacements for edits of the first object of some files. */
function replacementsFor(files: Files, edits: readonly ObjectEdit[]) {
  const objects = objectsOf(files);
  const finding = findingWith({ object: firstOf(files), mend: { title: "Correct it", edits } });
  return replacing(objects, lineOf(files))(finding);
}

/** A text after a replacement, made as an editor would: by line and column. */
function replaced(text: string, { place, text: inserted }: TextReplacement): string {
  const lines = text.split("\n");
  const offset = (line: number, column: number) =>
    lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0) + column - 1;
  return (
    text.slice(0, offset(place.line, place.column)) + inserted + text.slice(offset(place.endLine, place.endColumn))
  );
}

const withHost = (host: string): string =>
  `# ü\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: x, namespace: g}\nspec:\n  host: ${host} # why\n`;
const HOST = ["spec", "host"];
const replace = (start: number, end: number, text: string): ObjectEdit => ({
  op: "replace-text",
  path: HOST,
  range: { start, end },
  text,
});

describe("a mend becomes one replacement of text", () => {
  test("that is no longer than what changes", () => {
    expect(replacementsFor({ "a.yaml": withHost("api.exmaple.org") }, [replace(4, 11, "example")])).toEqual([
      { place: { file: "a.yaml", line: 6, column: 15, endLine: 6, endColumn: 17 }, text: "am" },
    ]);
  });

  test.each<[string, string, readonly ObjectEdit[]]>([
    ["in a plain string", withHost("api.exmaple.org"), [replace(4, 11, "example")]],
    ["in a quoted string, with characters that mean something in YAML", withHost("'a.b'"), [replace(0, 1, "it's: #")]],
    ["in a string with escapes", withHost('"api.\\x65xmaple.org"'), [replace(4, 11, "example")]],
    ["beside characters of two units", withHost("a\u{1f600}b"), [replace(1, 3, "\u{1f601}")]],
    ["for a new field", withHost("a"), [{ op: "set", path: ["spec", "exportTo"], value: ["."] }]],
    ["for a field that goes", withHost("a"), [{ op: "remove", path: HOST }]],
    ["for several edits", withHost("abc"), [replace(0, 1, "x"), { op: "set", path: ["spec", "a", "b"], value: 1 }]],
  ])("%s", (_what, text, edits) => {
    const replacements = replacementsFor({ "a.yaml": text }, edits) ?? [];
    expect(replacements).toHaveLength(1);
    const after = objectsOfText(replacements.map((each) => replaced(text, each))[0] ?? "", "a.yaml");
    expect(after.decoded[0]?.raw).toEqual(applyEdits(objectsOf({ "a.yaml": text })[0]?.raw, edits));
  });

  test("for each file that it changes", () => {
    const files = { "a.yaml": withHost("a"), "b.yaml": withHost("b").replace("name: x", "name: y") };
    const other = objectsOf(files)[1]?.ref;
    const edits = [replace(0, 1, "c"), { ...replace(0, 1, "d"), ...(other === undefined ? {} : { object: other }) }];
    expect(replacementsFor(files, edits)?.map(({ place, text }) => [place.file, text])).toEqual([
      ["a.yaml", "c"],
      ["b.yaml", "d"],
    ]);
  });

  test("that SARIF carries as a fix", () => {
    const files = { "a.yaml": withHost("api.exmaple.org") };
    const objects = objectsOf(files);
    const mend = { title: "Write `example`", edits: [replace(4, 11, "example")] };
    const finding = findingWith({ object: firstOf(files), mend });
    const replacementsOf = replacing(objects, lineOf(files));
    const log = sarifFormat(reportOf([finding]), { ...optionsOf(files), replacementsOf });
    expect(log).toContain('"insertedContent": {\n                        "text": "am"');
  });
});

describe("there is no replacement", () => {
  test("without a mend, without an object, and for an object that is in no file", () => {
    const of = replacing([], () => undefined);
    const mendable = findingWith({ mend: { title: "x", edits: [replace(0, 1, "y")] } });
    const { object: _object, ...textual } = mendable.finding;
    expect([of(findingWith()), of({ finding: textual }), of(mendable)]).toEqual([undefined, undefined, undefined]);
  });

  test("when the file has changed meanwhile", () => {
    const files = { "a.yaml": withHost("a") };
    const objects = objectsOf(files);
    const finding = findingWith({ object: firstOf(files), mend: { title: "x", edits: [replace(0, 1, "y")] } });
    expect(replacing(objects, lineOf({ "a.yaml": withHost("b") }))(finding)).toBeUndefined();
  });

  test("when it would show a credential that stands between two of its edits", () => {
    const text = `${withHost("abc")}  subsets: [{name: SECRET}]\n`;
    const files = { "a.yaml": text };
    const objects = objectsOf(files);
    const edits = [replace(0, 1, "x"), { op: "set", path: ["spec", "exportTo"], value: ["."] }] as const;
    const finding = findingWith({ object: firstOf(files), mend: { title: "x", edits } });
    const shownLineOf = (file: string, line: number) => lineOf(files)(file, line)?.replace("SECRET", "******");
    expect(replacing(objects, lineOf(files))(finding)).toHaveLength(1);
    expect(textReplacements({ objects, lineOf: lineOf(files), shownLineOf })(finding)).toBeUndefined();
  });

  test("beyond 8 MiB of edited text, so that thousands of findings in large files end", () => {
    const text = `${withHost("a")}# ${"x".repeat(3 * 1024 * 1024)}\n`;
    const objects = objectsOf({ "a.yaml": text });
    const of = replacing(objects, lineOf({ "a.yaml": text }));
    const finding = findingWith({
      object: firstOf({ "a.yaml": text }),
      mend: { title: "x", edits: [replace(0, 1, "y")] },
    });
    expect([of(finding), of(finding), of(finding)].map((each) => each?.length)).toEqual([1, 1, undefined]);
  });
});
