import { type FieldPath, formatPath, valueAt } from "../../model/field-path.ts";
import { identityOf } from "../../model/object-ref.ts";
import type { LocatedFinding, ShownFinding } from "../located-finding.ts";
import type { FormatOptions } from "./format.ts";

type Context = Pick<FormatOptions, "rawOf" | "digest" | "fileOf">;

/** Members by which an item of a list is known wherever it stands. */
const IDENTITY_MEMBERS = ["name", "expression", "predicate", "selector", "host", "number", "value"] as const;

const KEY_DIGITS = 32;

/**
 * What names each finding from run to run: rule, object, path with list items by their own identity, and the value at
 * fault. Moved lines, files in another order or under another name and reordered lists change nothing. Equal findings
 * of a run are counted: `<hash>:1`, `<hash>:2`. A value that holds a credential takes no part, not even hashed.
 */
export function fingerprints(findings: readonly LocatedFinding[], context: Context): readonly string[] {
  const seen = new Map<string, number>();
  return findings.map((located) => {
    const key = context.digest(JSON.stringify(partsOf(located, context))).slice(0, KEY_DIGITS);
    const ordinal = (seen.get(key) ?? 0) + 1;
    seen.set(key, ordinal);
    return `${key}:${ordinal}`;
  });
}

/** A finding about the text of a file has no object that would outlive a new name of the file. */
function partsOf({ finding, place, file }: LocatedFinding, { rawOf, fileOf }: Context): readonly unknown[] {
  const { rule, object, path } = finding;
  const source = place?.file ?? file ?? "";
  if (object === undefined) return [rule, source === "" ? "" : fileOf(source).path, finding.message];
  const raw = finding.secret === true ? undefined : rawOf(object);
  return [rule, identityOf(object), formatPath(stablePath(path, raw)), offenderOf(finding, raw)];
}

const stablePath = (path: FieldPath, raw: unknown): FieldPath =>
  path.map((step, index) => (typeof step === "number" ? itemIdentity(valueAt(raw, path.slice(0, index + 1))) : step));

/** An item without identity is any item: the value at fault and the count tell such findings apart. */
function itemIdentity(item: unknown): string {
  if (typeof item === "string") return item;
  for (const member of IDENTITY_MEMBERS) {
    const value = valueAt(item, [member]);
    if (typeof value === "string" || typeof value === "number") return `${member}=${value}`;
  }
  return "*";
}

/** The stretch or the plain value at fault. Maps and lists take no part: any edit inside would make a new finding. */
function offenderOf({ path, range }: ShownFinding, raw: unknown): string | number | boolean | null {
  const value = valueAt(raw, path);
  if (typeof value === "string") return range === undefined ? value : value.slice(range.start, range.end);
  return typeof value === "number" || typeof value === "boolean" ? value : null;
}
