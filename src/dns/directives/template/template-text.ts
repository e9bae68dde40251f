import { fail, ok, type Result } from "../../../model/result.ts";

/** A piece of a record's text: as it stands, or put in when a question comes. */
export type TemplatePart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "field"; readonly field: "Name" | "Zone" | "Type" | "Class" | "Match" }
  | { readonly kind: "group"; readonly group: string }
  | { readonly kind: "integer"; readonly group: string; readonly base: number; readonly bits: number };

export type TemplateText = readonly TemplatePart[];

/** A record's text; no record of a template comes near it. */
const MAX_TEXT = 10_000;

const FIELDS = ["Name", "Zone", "Type", "Class", "Match"] as const;

/** Reads `{{ .Name }}`, `.Zone`, `.Type`, `.Class`, `.Match`, `.Group.x` and `{{ parseInt .Group.x BASE BITS }}`. */
export function parseTemplate(text: string): Result<TemplateText> {
  if (text.length > MAX_TEXT) return fail(`template is longer than ${MAX_TEXT} characters`);
  const parts: TemplatePart[] = [];
  let offset = 0;
  while (offset < text.length) {
    const start = text.indexOf("{{", offset);
    if (start !== offset) parts.push({ kind: "text", text: text.slice(offset, start === -1 ? undefined : start) });
    if (start === -1) break;
    const end = text.indexOf("}}", start);
    if (end === -1) return fail("template has an unclosed {{");
    const action = text.slice(start + 2, end).trim();
    const part = parseAction(action);
    if (part === undefined) {
      return fail(
        `template action '{{ ${action.slice(0, 60)} }}' is not supported: .Name .Zone .Type .Class .Match .Group.x and parseInt are`,
      );
    }
    parts.push(part);
    offset = end + 2;
  }
  return ok(parts);
}

function parseAction(action: string): TemplatePart | undefined {
  const field = FIELDS.find((name) => action === `.${name}`);
  if (field !== undefined) return { kind: "field", field };
  const group = /^\.Group\.([A-Za-z0-9_]{1,64})$/.exec(action)?.[1];
  if (group !== undefined) return { kind: "group", group };
  const [, source, base = "", bits = ""] =
    /^parseInt\s{1,9}\.Group\.(\w{1,64})\s{1,9}(\d{1,2})\s{1,9}(\d{1,2})$/.exec(action) ?? [];
  const sound = Number(base) >= 2 && Number(base) <= 36 && Number(bits) <= 64;
  return source === undefined || !sound
    ? undefined
    : { kind: "integer", group: source, base: Number(base), bits: Number(bits) };
}

/** The groups of the pattern that a text needs. */
export const groupsOf = (text: TemplateText): readonly string[] =>
  text.flatMap((part) => (part.kind === "group" || part.kind === "integer" ? [part.group] : []));
