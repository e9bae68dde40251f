import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Document, isCollection, isScalar, type Node, visit } from "yaml";
import { applyEdits } from "../../../src/model/apply-edits.ts";
import type { FieldEdit, JsonValue } from "../../../src/model/edit.ts";
import { editsConflict } from "../../../src/model/edit-conflict.ts";
import type { FieldPath } from "../../../src/model/field-path.ts";
import { editYaml } from "../../../src/sources/yaml/edit-yaml.ts";
import { parseYaml } from "../../../src/sources/yaml/parse-yaml.ts";

const key = fc.constantFrom("a", "b", "spec", "x-y", "dotted.name/x", "yes", "1", "with space", "colon: x");
const text = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "a",
    "plain text",
    "it's",
    'say "x"',
    "a: b",
    "x #y",
    "#",
    "- a",
    "*x",
    "&x",
    "[a, b]",
    "{",
    "%",
  ),
  fc.constantFrom(
    "true",
    "no",
    "~",
    "12",
    "0x1F",
    "1e3",
    "2020-01-01",
    "1:30",
    "a\nb",
    "a\nb\n",
    " a\n b",
    "a\n\n\n",
    "\t",
  ),
  fc.constantFrom(
    "auth.identity.user['x'] == 'y'",
    "request.headers[\"a\"] != ''",
    "long words ".repeat(12),
    "é€😀",
    "\u0000\u2028",
  ),
  fc.string({ unit: fc.constantFrom("a", " ", ":", "#", "'", '"', "\n", "\\", ",", "]", "-", "\t"), maxLength: 8 }),
);
const scalar = fc.oneof(
  { arbitrary: text, weight: 5 },
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);
const value: fc.Arbitrary<JsonValue> = fc.letrec<{ tree: JsonValue }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { arbitrary: scalar.map((each) => (Object.is(each, -0) ? 0 : each)), weight: 2 },
    { arbitrary: fc.dictionary(key, tie("tree"), { maxKeys: 4, noNullPrototype: true }), weight: 3 },
    { arbitrary: fc.array(tie("tree"), { maxLength: 3 }), weight: 2 },
  ),
})).tree;
const root = fc.dictionary(key, value, { minKeys: 1, maxKeys: 4, noNullPrototype: true });

/** Numbers that choose; they start again when they are used up. */
const choices = fc.array(fc.nat(1000), { minLength: 20, maxLength: 60 });
const chooser = (numbers: readonly number[]): ((below: number) => number) => {
  let at = 0;
  return (below) => (numbers[at++ % numbers.length] ?? 0) % below;
};

const STYLES = ["PLAIN", "QUOTE_SINGLE", "QUOTE_DOUBLE", "BLOCK_LITERAL", "BLOCK_FOLDED"] as const;

/** Dresses one node: its style, comments, blank lines, an anchor that nobody uses. */
function dress(node: Node, choose: (below: number) => number, number: number): void {
  const plain = choose(3) > 0;
  if (isScalar(node) && typeof node.value === "string") node.type = STYLES[choose(STYLES.length)] ?? "PLAIN";
  if (isCollection(node)) node.flow = choose(4) === 0;
  if (!plain && choose(3) === 0) node.comment = ` after ${number}`;
  if (!plain && choose(3) === 0) node.commentBefore = ` before ${number}`;
  if (!plain && choose(4) === 0) node.spaceBefore = true;
  if (choose(12) === 0 && (isScalar(node) || isCollection(node))) node.anchor = `x${number}`;
}

/** Keys with a question mark, which nobody writes. */
const EXPLICIT_KEY = /^[ {[,-]*\? /m;

/** A value as somebody might have written it. */
function writtenAs(content: JsonValue, numbers: readonly number[]): string {
  const choose = chooser(numbers);
  const document = new Document(content, { aliasDuplicateObjects: false });
  let number = 0;
  visit(document, {
    Node: (role, node) => {
      if (role !== "key") dress(node as Node, choose, number++);
      else if (isScalar(node)) node.type = STYLES[choose(3)] ?? "PLAIN";
    },
  });
  const out = document.toString({
    indent: [2, 2, 4, 3][choose(4)] ?? 2,
    indentSeq: choose(2) === 0,
    lineWidth: choose(2) === 0 ? 0 : 40,
    flowCollectionPadding: choose(2) === 0,
  });
  return choose(5) === 0 ? out.replaceAll("\n", "\r\n") : out;
}

const pathsOf = (content: unknown, path: FieldPath = []): readonly FieldPath[] => {
  if (content === null || typeof content !== "object") return [path];
  const steps = Array.isArray(content) ? content.map((_, index) => index) : Object.keys(content);
  return [path, ...steps.flatMap((step) => pathsOf((content as never)[step], [...path, step]))];
};

const at = (content: unknown, path: FieldPath): unknown =>
  path.reduce<unknown>((inner, step) => (inner as Record<string | number, unknown>)[step], content);

function editOf(raw: unknown, choose: (below: number) => number, fresh: JsonValue): FieldEdit {
  const paths = pathsOf(raw).filter((path) => path.length > 0);
  const path = paths[choose(paths.length)] ?? [];
  const here = at(raw, path);
  const kind = choose(4);
  if (kind === 0) return { op: "remove", path };
  if (kind === 1 && typeof here === "string") {
    const start = choose(here.length + 1);
    const end = start + choose(here.length - start + 1);
    return { op: "replace-text", path, range: { start, end }, text: typeof fresh === "string" ? fresh : "n" };
  }
  if (kind === 2) {
    if (Array.isArray(here)) return { op: "set", path: [...path, here.length], value: fresh };
    if (here === null || typeof here === "object") return { op: "set", path: [...path, "added", "deep"], value: fresh };
  }
  return { op: "set", path, value: fresh };
}

const rawOf = (written: string): unknown => parseYaml({ text: written, file: "f" }).documents[0]?.raw;
const edited = (written: string, edits: readonly FieldEdit[]) =>
  editYaml({ text: written, file: "f" }, [{ index: 0, edits, raw: rawOf(written) }]);

const COMMENT = /# (?:after|before) [0-9]+/g;

describe("any edit of any document", () => {
  const anything = fc.tuple(root, choices, fc.array(value, { minLength: 1, maxLength: 3 }), choices);

  test("is written exactly, and never refused where nothing is shared", { timeout: 120_000 }, () => {
    let written = 0;
    fc.assert(
      fc.property(anything, ([content, numbers, fresh, order]) => {
        const before = writtenAs(content, numbers);
        const raw = rawOf(before);
        // What the library itself cannot read back is no test of ours.
        if (EXPLICIT_KEY.test(before)) return;
        if (
          !isDeepStrictEqual(raw, content) ||
          parseYaml({ text: before, file: "f" }).problems.some(({ severity }) => severity === "error")
        )
          return;
        const choose = chooser(order);
        const edits: FieldEdit[] = [];
        for (const each of fresh) {
          const edit = editOf(raw, choose, each);
          if (!edits.some((other) => editsConflict(other, edit))) edits.push(edit);
        }
        const expected = applyEdits(raw, edits);
        if (expected === undefined || Object.keys(expected as object).length === 0) return;
        const outcome = edited(before, edits);
        const told = JSON.stringify(
          { before, edits, outcome: "text" in outcome ? outcome.text : outcome.refused.map(({ reason }) => reason) },
          null,
          1,
        );
        // A kept block scalar takes in the blank lines that stand after a field that goes: that is refused.
        const mayRefuse = /[|>]\+/.test(before) && edits.some(({ op }) => op === "remove");
        if (!mayRefuse) expect("text" in outcome, told).toBe(true);
        if (!("text" in outcome)) return;
        written++;
        expect(rawOf(outcome.text), told).toEqual(expected);
      }),
      { numRuns: 600 },
    );
    expect(written).toBeGreaterThan(250);
  });

  test("of one field leaves every character outside of it", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.tuple(root, choices, value, choices), ([content, numbers, fresh, order]) => {
        const one = writtenAs(content, numbers);
        const other = writtenAs({ last: "it's" }, order);
        const break_ = one.includes("\r\n") ? "\r\n" : "\n";
        const before = `# head${break_}${one}---${break_}${other}`;
        const raw = rawOf(before);
        if (!isDeepStrictEqual(raw, content)) return;
        const edit = editOf(raw, chooser(order), fresh);
        const outcome = edited(before, [edit]);
        if (!("text" in outcome)) return;
        const { text: after } = outcome;
        expect(after.endsWith(`---${break_}${other}`) && after.startsWith(`# head${break_}`)).toBe(true);
        if (edit.op === "replace-text") expect(after.match(COMMENT)).toEqual(before.match(COMMENT));
        const own = edit.path[0];
        const kept = Object.fromEntries(Object.entries(content).filter(([name]) => name !== own));
        for (const name of Object.keys(kept)) {
          const place = (held: string) => parseYaml({ text: held, file: "f" }).documents[0]?.locate([name]);
          const cut = (held: string) => {
            const found = place(held);
            return found === undefined
              ? ""
              : held
                  .split("\n")
                  .slice(found.line - 1, found.endLine - 1)
                  .join("\n");
          };
          if (cut(before) !== "" && edit.op === "set") expect(after).toContain(cut(before));
        }
      }),
      { numRuns: 250 },
    );
  });

  test("is not made twice: the text that has its value already stays", () => {
    fc.assert(
      fc.property(fc.tuple(root, choices, value, choices), ([content, numbers, fresh, order]) => {
        const before = writtenAs(content, numbers);
        if (!isDeepStrictEqual(rawOf(before), content)) return;
        const edit = editOf(rawOf(before), chooser(order), fresh);
        if (edit.op !== "set") return;
        const once = edited(before, [edit]);
        if (!("text" in once)) return;
        const twice = edited(once.text, [edit]);
        expect("text" in twice ? twice.text : twice).toBe(once.text);
      }),
      { numRuns: 200 },
    );
  });
});

describe("JSON", () => {
  test("stays JSON in the layout that it has", () => {
    const layout = fc.constantFrom<number | string | undefined>(undefined, 2, 4, "\t");
    fc.assert(
      fc.property(fc.tuple(root, layout, value, choices), ([content, space, fresh, order]) => {
        const before = `${JSON.stringify(content, undefined, space)}\n`;
        const raw = rawOf(before);
        if (!isDeepStrictEqual(raw, content)) return;
        const edit = editOf(raw, chooser(order), fresh);
        const expected = applyEdits(raw, [edit]);
        if (expected === undefined || Object.keys(expected as object).length === 0) return;
        const outcome = edited(before, [edit]);
        const told = JSON.stringify({ before, edit, outcome });
        expect("text" in outcome, told).toBe(true);
        if ("text" in outcome) expect(JSON.parse(outcome.text), told).toEqual(expected);
      }),
      { numRuns: 250 },
    );
  });
});

test("4 MiB are edited in seconds, in a thousand places at once", { timeout: 60_000 }, () => {
  const one = (index: number): string =>
    `# object ${index}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c${index}}\ndata:\n  text: |\n    ${"lorem ipsum ".repeat(40)}\n  end: "x" # note\n`;
  const size = one(1000).length + 4;
  const text = Array.from({ length: Math.floor((4 * 1024 * 1024) / size) - 200 }, (_, index) => one(index)).join(
    "---\n",
  );
  const { documents } = parseYaml({ text, file: "f" });
  const changes = documents.slice(0, 1000).map(({ raw, index }) => ({
    raw,
    index,
    edits: [{ op: "set", path: ["data", "added"], value: "y" } as const],
  }));
  const start = performance.now();
  const outcome = editYaml({ text, file: "f" }, changes);
  expect("text" in outcome ? outcome.text.split("  added: ").length : 0).toBe(1001);
  expect(performance.now() - start).toBeLessThan(30_000);
});
