import type { Re2Match } from "../re2-match.ts";
import type { TemplatePart, TemplateText } from "./template-text.ts";

/** What a template may put into its records. */
export type TemplateData = {
  /** The question's name, lower case, as CoreDNS shows it. */
  readonly name: string;
  /** The zone of the directive that the name lies in. */
  readonly zone: string;
  readonly type: string;
  readonly class: string;
  /** Undefined when the directive has no `match`: the whole name then counts as one. */
  readonly match: Re2Match | undefined;
};

/** The text with everything put in; undefined when a number cannot be read. */
export function fillTemplate(text: TemplateText, data: TemplateData): string | undefined {
  let filled = "";
  for (const part of text) {
    const value = partValue(part, data);
    if (value === undefined) return undefined;
    filled += value;
  }
  return filled;
}

function partValue(part: TemplatePart, data: TemplateData): string | undefined {
  if (part.kind === "text") return part.text;
  if (part.kind === "field") return fieldOf(part.field, data);
  const group = groupOf(part.group, data);
  return part.kind === "group" ? group : parseUnsigned(group, part);
}

function fieldOf(field: Extract<TemplatePart, { kind: "field" }>["field"], data: TemplateData): string {
  if (field === "Name") return data.name;
  if (field === "Zone") return data.zone;
  if (field === "Type") return data.type;
  return field === "Class" ? data.class : groupOf("0", data);
}

/** By number or by name; "" for one that took no part. */
function groupOf(group: string, { match, name }: TemplateData): string {
  if (match === undefined) return group === "0" ? name : "";
  return (/^\d+$/.test(group) ? match.groups[Number(group)] : match.named[group]) ?? "";
}

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";

/** As Go's `strconv.ParseUint`: no sign, no blanks, and it must fit into so many bits (0: 64). In decimal. */
function parseUnsigned(text: string, { base, bits }: { base: number; bits: number }): string | undefined {
  const limit = 1n << BigInt(bits === 0 ? 64 : bits);
  let value = 0n;
  for (const digit of text.toLowerCase()) {
    const amount = DIGITS.indexOf(digit);
    if (amount === -1 || amount >= base) return undefined;
    value = value * BigInt(base) + BigInt(amount);
    if (value >= limit) return undefined;
  }
  return text === "" ? undefined : String(value);
}

/** The text as it stands in the Corefile, but for blanks inside actions. */
export const templateSource = (text: TemplateText): string => text.map(partSource).join("");

function partSource(part: TemplatePart): string {
  if (part.kind === "text") return part.text;
  if (part.kind === "field") return `{{ .${part.field} }}`;
  if (part.kind === "group") return `{{ .Group.${part.group} }}`;
  return `{{ parseInt .Group.${part.group} ${part.base} ${part.bits} }}`;
}
