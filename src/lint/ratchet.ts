import { type FieldPath, valueAt } from "../model/field-path.ts";
import type { Finding } from "../model/finding.ts";
import { withoutSpaces } from "./expressions/without-spaces.ts";
import { unorderedText, unorderedWords } from "./unordered-text.ts";

/** Members by which an item of a list is known, so that reordering a list changes no key. */
const IDENTITY_MEMBERS = ["name", "expression", "predicate", "selector", "host", "number", "value"] as const;

/** The members of a policy's spec that hold a spec of their own: moving the same text between them brings nothing new. */
const LAYERS = new Set(["defaults", "overrides"]);

/** What a finding is recognised by across an update. */
export type RatchetKey = {
  /** Items of lists are known by their name, or by their content where they have none: survives reordering. */
  readonly byItem: string;
  /** Items of a list are one like another: survives an edit beside the offender, and a rule that tells of the first. */
  readonly byList: string;
};

/** Stands for long texts: equal ones have the same number. Keys that are compared must be made with the same one. */
type Numbers = Map<string, number>;

/** Makes keys for the findings of one object; values that several findings share are read once. */
export function ratchetKeys(raw: unknown, numbers: Numbers = new Map()): (finding: Finding) => RatchetKey {
  const numberOf = (text: string): string => {
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    return `#${number}`;
  };
  const contents = new Map<unknown, string>();
  const texts = new Map<string, string>();
  const contentOf = (item: unknown): string => remembered(contents, item, () => numberOf(unorderedText(item)));
  const textOf = (text: string): string => remembered(texts, text, () => numberOf(withoutSpaces(text)));
  const pathBy = (path: FieldPath, nameItem: (item: unknown) => string): readonly string[] =>
    withoutLayer(path).map(({ step, at }) =>
      typeof step === "string" ? step : nameItem(valueAt(raw, path.slice(0, at + 1))),
    );
  return (finding) => {
    const { rule, severity, scope, path } = finding;
    const rest = [rule, severity, scope, offence(finding, valueAt(raw, path), textOf)];
    return {
      byItem: JSON.stringify([...rest, pathBy(path, (item) => nameOf(item, textOf) ?? contentOf(item))]),
      byList: JSON.stringify([...rest, pathBy(path, () => "[]")]),
    };
  };
}

function remembered<K>(known: Map<K, string>, key: K, make: () => string): string {
  const found = known.get(key) ?? make();
  known.set(key, found);
  return found;
}

const withoutLayer = (path: FieldPath) =>
  path
    .map((step, at) => ({ step, at }))
    .filter(({ step, at }) => !(at === 1 && path[0] === "spec" && LAYERS.has(String(step))));

/** The name of a list's item, if it has one: itself when it is a text, else the first member that identifies it. */
function nameOf(item: unknown, textOf: (text: string) => string): string | undefined {
  if (typeof item === "string") return textOf(item);
  for (const member of IDENTITY_MEMBERS) {
    const value = valueAt(item, [member]);
    if (typeof value === "string" || typeof value === "number") return `${member}=${textOf(String(value))}`;
  }
  return undefined;
}

/**
 * What offends: the text at fault, else the value. Spaces in a text and quotes around a number make no difference.
 * Of a map or list, and of what is absent, it is what the finding says: an edit elsewhere in it is no new offence, nor is
 * another order of what it names.
 */
function offence({ at, range, message }: Finding, value: unknown, textOf: (text: string) => string): string {
  if (at === "key") return "key";
  if (typeof value === "string") return `=${textOf(range === undefined ? value : value.slice(range.start, range.end))}`;
  return value === undefined || (typeof value === "object" && value !== null)
    ? unorderedWords(message)
    : `=${textOf(String(value))}`;
}

/**
 * Splits an update's findings into those it brings and those that stood in the old object already. Each old finding
 * accounts for one new one: a second offender equal to the first is new.
 */
export function ratchet(
  findings: readonly Finding[],
  raw: unknown,
  old: { readonly findings: readonly Finding[]; readonly raw: unknown },
): { readonly fresh: readonly Finding[]; readonly standing: readonly Finding[] } {
  const numbers: Numbers = new Map();
  const before = old.findings.map(ratchetKeys(old.raw, numbers));
  const keyOf = ratchetKeys(raw, numbers);
  const after = findings.map((finding) => ({ finding, key: keyOf(finding) }));
  const byItem = takeMatches(after, before, "byItem");
  const byList = takeMatches(byItem.left, byItem.unused, "byList");
  const fresh = new Set(byList.left.map(({ finding }) => finding));
  return {
    fresh: findings.filter((finding) => fresh.has(finding)),
    standing: findings.filter((finding) => !fresh.has(finding)),
  };
}

type Keyed = { readonly finding: Finding; readonly key: RatchetKey };

/** Matches new findings with old ones, one to one. */
function takeMatches(after: readonly Keyed[], before: readonly RatchetKey[], way: keyof RatchetKey) {
  const free = Map.groupBy(before, (key) => key[way]);
  const left = after.filter(({ key }) => free.get(key[way])?.pop() === undefined);
  return { left, unused: [...free.values()].flat() };
}
