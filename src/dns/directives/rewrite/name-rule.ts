import type { Token } from "../../corefile/token.ts";
import { parseZone, shorten } from "../../corefile/zone.ts";
import type { SetupContext } from "../directive.ts";
import { parseRe2, type Re2Pattern } from "../re2-syntax.ts";

/** Which names a rule is about. Texts are lower case; `exact` is absolute. */
export type NameMatch =
  | { readonly kind: "exact" | "prefix" | "suffix" | "substring"; readonly text: string }
  | { readonly kind: "regex"; readonly pattern: Re2Pattern };

/** A change of a name in an answer: `{1}` in `to` is the first group. */
export type AnswerRewrite = { readonly part: "name" | "value"; readonly from: Re2Pattern; readonly to: string };

export type RewriteNameRule = {
  readonly field: "name";
  readonly match: NameMatch;
  /** What takes the place of the match; with `{1}` for groups of a regular expression. */
  readonly to: string;
  /** `auto`: the rule itself turns all names of an answer back. */
  readonly answer: { readonly auto: boolean; readonly rewrites: readonly AnswerRewrite[] };
};

const KINDS = ["exact", "prefix", "suffix", "substring", "regex"] as const;
type Kind = (typeof KINDS)[number];

const kindOf = (token: Token | undefined): Kind | undefined => KINDS.find((kind) => kind === token?.text.toLowerCase());

/** `name [exact|prefix|suffix|substring|regex] FROM TO [answer …]`. */
export function readNameRule(at: Token, args: readonly Token[], context: SetupContext): RewriteNameRule | undefined {
  const kind = args.length === 2 ? undefined : kindOf(args[0]);
  if (args.length > 2 && kind === undefined) {
    return context.error(
      args[0] ?? at,
      `'${shorten(args[0]?.text ?? "")}' is no way to match, write ${KINDS.join(", ")}`,
    );
  }
  const [from, to, ...options] = kind === undefined ? args : args.slice(1);
  if (from === undefined || to === undefined) return context.error(at, "too few arguments for a name rule");
  const match = matchOf(kind ?? "exact", from, context);
  const answer = readAnswers(options, context);
  if (match === undefined || answer === undefined) return undefined;
  checkReplacement(to, match.kind === "regex" ? match.pattern : undefined, context);
  return { field: "name", match, to: replacementOf(match, to, context), answer };
}

/** `[KIND] STRING` in front of the values of a ttl or rcode rule. */
export function readMatch(at: Token, args: readonly Token[], context: SetupContext): NameMatch | undefined {
  const kind = args.length === 2 ? kindOf(args[0]) : "exact";
  const text = args.at(-1);
  if (kind === undefined || text === undefined || args.length > 2) {
    return context.error(args[0] ?? at, `a ${at.text} rule matches by ${KINDS.join(", ")} and one text`);
  }
  return matchOf(kind, text, context);
}

function matchOf(kind: Kind, token: Token, context: SetupContext): NameMatch | undefined {
  if (kind === "regex") {
    const pattern = parseRe2(token.text);
    return pattern.ok ? { kind, pattern: pattern.value } : context.error(token, pattern.problems.join("; "));
  }
  if (kind !== "exact") return { kind, text: kind === "suffix" ? absolute(token.text) : token.text.toLowerCase() };
  const zone = parseZone(token.text);
  return zone.ok ? { kind, text: zone.value } : context.error(token, zone.problems.join("; "));
}

const absolute = (text: string): string => `${text.toLowerCase().replace(/\.$/, "")}.`;

function replacementOf(match: NameMatch, to: Token, context: SetupContext): string {
  if (match.kind === "suffix") return absolute(to.text);
  if (match.kind !== "exact") return to.text.toLowerCase();
  const zone = parseZone(to.text);
  if (!zone.ok) context.error(to, zone.problems.join("; "));
  return zone.ok ? zone.value : to.text;
}

/** Every `{n}` must be a group of the pattern. */
function checkReplacement(to: Token, pattern: Re2Pattern | undefined, context: SetupContext): void {
  if (pattern === undefined) return;
  const groups = pattern.groups.length;
  for (const [reference, number] of to.text.matchAll(/\{(\d{1,9})\}/g)) {
    if (Number(number) > groups) {
      context.error(to, `'${reference}' names a group that the regular expression does not have, it has ${groups}`);
    }
  }
}

function readAnswers(words: readonly Token[], context: SetupContext): RewriteNameRule["answer"] | undefined {
  const rewrites: AnswerRewrite[] = [];
  let auto: Token | undefined;
  for (let index = 0; index < words.length; ) {
    const [word, part, from, to] = words.slice(index, index + 4);
    if (word?.text.toLowerCase() !== "answer" || part === undefined) {
      return context.error(
        word ?? part ?? (words[0] as Token),
        "write 'answer auto', 'answer name FROM TO' or 'answer value FROM TO'",
      );
    }
    if (part.text.toLowerCase() === "auto") {
      auto = part;
      index += 2;
      continue;
    }
    const rewrite = readAnswer(part, [from, to], context);
    if (rewrite === undefined) return undefined;
    rewrites.push(rewrite);
    index += 4;
  }
  if (auto !== undefined && rewrites.some(({ part }) => part === "name")) {
    return context.error(auto, "answer auto cannot be combined with answer name: write one of them");
  }
  return { auto: auto !== undefined, rewrites };
}

/** `name FROM TO` or `value FROM TO`. */
function readAnswer(
  at: Token,
  [from, to]: readonly (Token | undefined)[],
  context: SetupContext,
): AnswerRewrite | undefined {
  const part = at.text.toLowerCase();
  if ((part !== "name" && part !== "value") || from === undefined || to === undefined) {
    return context.error(at, `answer '${shorten(at.text)}': write auto, name FROM TO or value FROM TO`);
  }
  const pattern = parseRe2(from.text);
  if (!pattern.ok) return context.error(from, pattern.problems.join("; "));
  checkReplacement(to, pattern.value, context);
  return { part, from: pattern.value, to: to.text.toLowerCase() };
}
