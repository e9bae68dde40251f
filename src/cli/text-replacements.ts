import type { FormatOptions, TextReplacement } from "../lint/formats/format.ts";
import type { LineOf } from "../lint/render-text.ts";
import type { Mend } from "../model/edit.ts";
import { identityOf, type ObjectRef } from "../model/object-ref.ts";
import type { LocatedObject } from "../sources/located-object.ts";
import { editYaml, type ObjectChange } from "../sources/yaml/edit-yaml.ts";

/** Text that is edited for one report, in UTF-16 units: each mend reads its files anew. What is beyond has no fix. */
const EDITED_LIMIT = 8 * 1024 * 1024;

type Context = {
  readonly objects: readonly LocatedObject[];
  readonly lineOf: LineOf;
  /** Lines with their credentials blotted out: a stretch that holds one is not written into a report. */
  readonly shownLineOf: LineOf;
};

/**
 * How findings are mended as text, each for itself: the one stretch of each file that its mend changes. Undefined where
 * there is no mend, or where it cannot be written exactly or would show a credential.
 */
export function textReplacements(context: Context): FormatOptions["replacementsOf"] {
  const written = new Map(context.objects.map((object) => [identityOf(object.ref), object]));
  let left = EDITED_LIMIT;
  return ({ finding: { mend, object } }) => {
    const changes = mend === undefined || object === undefined ? undefined : changesByFile(mend, object, written);
    if (changes === undefined || left <= 0) return undefined;
    const replacements = [...changes].map(([file, own]) => {
      const text = wholeText(file, context.lineOf);
      left -= text.length;
      const replacement = left < 0 ? undefined : replacementIn(file, text, own);
      return replacement === undefined || holdsCredential(replacement, context) ? undefined : replacement;
    });
    return replacements.every((replacement) => replacement !== undefined) ? replacements : undefined;
  };
}

/** A mend's edits by file and object; undefined when an object of them is in no file. */
function changesByFile(
  { edits }: Mend,
  own: ObjectRef,
  written: ReadonlyMap<string, LocatedObject>,
): ReadonlyMap<string, readonly ObjectChange[]> | undefined {
  const files = new Map<string, ObjectChange[]>();
  const byObject = Map.groupBy(edits, ({ object = own }) => identityOf(object));
  for (const [identity, objectEdits] of byObject) {
    const object = written.get(identity);
    if (object === undefined) return undefined;
    const { file, index, raw } = object;
    files.set(file, [...(files.get(file) ?? []), { index, raw, edits: objectEdits }]);
  }
  return files;
}

/** A file's lines with plain line breaks: lines and columns are those of the file, whatever breaks it has. */
function wholeText(file: string, lineOf: LineOf): string {
  const lines: string[] = [];
  for (let line = lineOf(file, 1); line !== undefined; line = lineOf(file, lines.length + 1)) lines.push(line);
  return lines.join("\n");
}

function replacementIn(file: string, before: string, changes: readonly ObjectChange[]): TextReplacement | undefined {
  const edited = editYaml({ text: before, file }, changes);
  if (!("text" in edited) || edited.text === before) return undefined;
  const { start, end, text } = changedStretch(before, edited.text);
  const [from, to] = [positionAt(before, start), positionAt(before, end)];
  return { place: { file, ...from, endLine: to.line, endColumn: to.column }, text };
}

function holdsCredential({ place }: TextReplacement, { lineOf, shownLineOf }: Context): boolean {
  for (let line = place.line; line <= place.endLine; line++) {
    if (lineOf(place.file, line) !== shownLineOf(place.file, line)) return true;
  }
  return false;
}

/** What differs between two texts, as one stretch of the first and the text in its place. */
function changedStretch(before: string, after: string): { start: number; end: number; text: string } {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before[start] === after[start]) start++;
  if (isHighSurrogate(before, start - 1)) start--;
  let same = 0;
  while (same < most - start && before.at(-1 - same) === after.at(-1 - same)) same++;
  if (isHighSurrogate(before, before.length - same - 1)) same--;
  return { start, end: before.length - same, text: after.slice(start, after.length - same) };
}

const isHighSurrogate = (text: string, index: number): boolean => /^[\uD800-\uDBFF]$/.test(text.charAt(index));

function positionAt(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}
