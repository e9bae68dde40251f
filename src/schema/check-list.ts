import type { FieldPath } from "../model/field-path.ts";
import type { Check } from "./check-scalar.ts";
import { canonical, fieldOf, isMap } from "./json.ts";
import type { SchemaNode } from "./schema-node.ts";
import { report, shown } from "./violation.ts";

type List = readonly unknown[];

/** Calls back with the second of equal entries, once for each value, as an API server does. */
function eachRepeated(keys: readonly (string | undefined)[], found: (position: number, first: number) => void): void {
  const seen = new Map<string | undefined, { readonly first: number; times: number }>();
  for (const [position, key] of keys.entries()) {
    const before = seen.get(key);
    if (before === undefined) seen.set(key, { first: position, times: 1 });
    else if (before.times++ === 1) found(position, before.first);
  }
}

/** The values of an entry's key fields; an absent one is a value of its own. */
function keyOf(item: unknown, names: readonly string[]): string {
  if (!isMap(item)) return "";
  const parts = names.map((name) => [name, fieldOf(item, name)] as const).filter(([, value]) => value !== undefined);
  return parts.map(([name, value]) => `${name}: ${canonical(value)}`).join(", ");
}

function checkUnique(list: List, node: SchemaNode, path: FieldPath, { violations }: Check): void {
  const { listType, listKeys } = node;
  const isByKey = listType === "map";
  const keys = list.map((item) => (isByKey ? keyOf(item, listKeys) : canonical(item)));
  eachRepeated(keys, (position, first) => {
    const what = isByKey
      ? `entry ${first} has the same ${listKeys.join(" and ")}${keys[position] === "" ? "" : ` (${keys[position]})`}`
      : `entry ${first} is the same (${shown(list[position])})`;
    const hint = isByKey ? `Give each entry another ${listKeys.join(" and ")}.` : "Remove one of the two.";
    report(violations, { kind: "repeated", path: [...path, position], message: what, hint });
  });
}

function checkCount(list: List, node: SchemaNode, path: FieldPath, { violations }: Check): void {
  const { minItems, maxItems } = node.bounds ?? {};
  if (maxItems !== undefined && list.length > maxItems) {
    const message = `the list has ${list.length} entries, and may have ${maxItems}`;
    report(violations, { kind: "too-many", path, message, hint: `Leave at most ${maxItems} entries.` });
  }
  if (minItems !== undefined && list.length < minItems) {
    const message =
      list.length === 0 ? "the list is empty" : `the list has ${list.length} entries, and must have ${minItems}`;
    report(violations, { kind: "invalid", path, message, hint: `Write at least ${minItems} entries.` });
  }
}

/** Number and uniqueness of a list's entries. */
export function checkList(list: List, node: SchemaNode, path: FieldPath, check: Check): void {
  if (node.bounds !== undefined) checkCount(list, node, path, check);
  if (node.listType !== undefined || node.bounds?.uniqueItems === true) checkUnique(list, node, path, check);
}
