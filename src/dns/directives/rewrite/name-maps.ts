import { foldKey, isAtOrBelow, MAX_NAME_OCTETS, type NameKey, nameText, parseName } from "../../wire/name.ts";
import { compileRe2 } from "../re2-match.ts";
import type { AnswerRewrite, NameMatch } from "./name-rule.ts";

/** Another name for a name, or the same; both as on the wire without the root's zero octet. */
export type NameMap = (raw: string) => string;

/** A name that is asked for: as text, lower case with the root's dot, only where a rule looks at it. */
export type Subject = { readonly key: NameKey; readonly text: string };

export function subjectOf(key: NameKey): Subject {
  let text: string | undefined;
  return {
    key,
    get text() {
      text ??= nameText(key);
      return text;
    },
  };
}

/** Whether a name as text ends so; a dot inside a label, which text shows as `\.`, is none between labels. */
function hasSuffix(text: string, suffix: string): boolean {
  if (!text.endsWith(suffix)) return false;
  let start = text.length - suffix.length;
  let isOutside = true;
  while (text[--start] === "\\") isOutside = !isOutside;
  return isOutside;
}

/** Whether a rule is about a name. */
export function compileMatch(match: NameMatch): (subject: Subject) => boolean {
  if (match.kind === "regex") {
    const matcher = compileRe2(match.pattern);
    return ({ text }) => matcher.test(text);
  }
  const wanted = match.text;
  if (match.kind === "prefix") return ({ text }) => text.startsWith(wanted);
  if (match.kind === "suffix") return ({ text }) => hasSuffix(text, wanted);
  if (match.kind === "substring") return ({ text }) => text.includes(wanted);
  const wantedKey = keyOf(wanted);
  return ({ key }) => key === wantedKey;
}

/**
 * What a rule makes of a name, as text that may be no name; undefined when it is not about that name. A substring gives
 * way everywhere, a match of a regular expression replaces the whole name (CoreDNS plugin/rewrite).
 */
export function compileReplacement(match: NameMatch, to: string): (subject: Subject) => string | undefined {
  if (match.kind === "regex") {
    const matcher = compileRe2(match.pattern);
    const fill = compileTemplate(to);
    return ({ text }) => {
      const groups = matcher.match(text)?.groups;
      return groups === undefined ? undefined : fill(groups);
    };
  }
  const from = match.text;
  const matches = compileMatch(match);
  const replace: Readonly<Record<typeof match.kind, (text: string) => string>> = {
    exact: () => to,
    prefix: (text) => to + text.slice(from.length),
    suffix: (text) => text.slice(0, text.length - from.length) + to,
    substring: (text) => text.replaceAll(from, () => to),
  };
  const change = replace[match.kind];
  return match.kind === "exact"
    ? (subject) => (matches(subject) ? to : undefined)
    : (subject) => (matches(subject) ? change(subject.text) : undefined);
}

/** `{1}` is the first group, `{0}` the whole match. What a group holds is not looked at again. */
const compileTemplate =
  (template: string) =>
  (groups: readonly string[]): string =>
    template.replace(/\{(\d{1,9})\}/g, (reference, number) => groups[Number(number)] ?? reference);

const keyOf = (text: string): NameKey | undefined => {
  const raw = parseName(text);
  return raw === undefined ? undefined : foldKey(raw);
};

/** `to` for one name. */
export const mapName =
  (from: NameKey, to: string): NameMap =>
  (raw) =>
    foldKey(raw) === from ? to : raw;

/** `to` for a name, and for the end of all names below it. A name that would become too long stays. */
export const mapNameAndBelow =
  (from: NameKey, to: string): NameMap =>
  (raw) => {
    const key = foldKey(raw);
    if (key === from) return to;
    if (from === "" || !isAtOrBelow(key, from)) return raw;
    const mapped = raw.slice(0, raw.length - from.length) + to;
    return mapped.length < MAX_NAME_OCTETS ? mapped : raw;
  };

/** Another end for all names that end with `from`, both as text. A name that would be none stays. */
export const mapSuffix =
  (from: string, to: string): NameMap =>
  (raw) => {
    const text = nameText(raw);
    if (!hasSuffix(nameText(foldKey(raw)), from)) return raw;
    return parseName(text.slice(0, text.length - from.length) + to) ?? raw;
  };

/** What `answer name` and `answer value` say. */
export function compileAnswerRewrite({ from, to }: AnswerRewrite): NameMap {
  const replace = compileReplacement({ kind: "regex", pattern: from }, to);
  return (raw) => {
    const text = replace(subjectOf(foldKey(raw)));
    return text === undefined ? raw : (parseName(text) ?? raw);
  };
}
