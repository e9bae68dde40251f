import { type Asked, askedName, type Exchange } from "../../pipeline/exchange.ts";
import { foldKey, type NameKey, parseName } from "../../wire/name.ts";
import {
  compileAnswerRewrite,
  compileMatch,
  compileReplacement,
  mapName,
  mapNameAndBelow,
  mapSuffix,
  type NameMap,
  type Subject,
  subjectOf,
} from "./name-maps.ts";
import type { RewriteNameRule } from "./name-rule.ts";
import type { RewriteRule, RewriteSettings } from "./setup.ts";

/** What a rule does to an answer on its way back. */
export type AnswerChange =
  | { readonly part: "owner" | "value"; readonly map: NameMap }
  | { readonly part: "ttl" | "rcode"; readonly map: (value: number) => number };

/** A rule has matched: what is asked from now on, and what is done to the answer, the last of it first. */
type Outcome = { readonly asked: Asked; readonly back: readonly AnswerChange[] };

type Compiled = {
  readonly stops: boolean;
  /** `asked` is what the rules before made of the exchange. Undefined where the rule does not match. */
  readonly apply: (asked: Asked, subject: Subject, exchange: Exchange) => Outcome | "invalid" | undefined;
};

const NOTHING: readonly AnswerChange[] = [];

export const compileRules = (settings: readonly RewriteSettings[]): readonly Compiled[] =>
  settings.flatMap(({ flow, rule }) =>
    rule === undefined ? [] : [{ stops: flow === "stop", apply: compileRule(rule) }],
  );

/**
 * Runs the rules in the order of the file until one matches that stops. Undefined when none has matched, `invalid` when
 * one made a text that is no name.
 */
export function runRules(rules: readonly Compiled[], exchange: Exchange): Outcome | "invalid" | undefined {
  let outcome: Outcome | undefined;
  let { asked } = exchange;
  let subject = subjectOf(asked.key);
  for (const { stops, apply } of rules) {
    const next = apply(asked, subject, exchange);
    if (next === undefined) continue;
    if (next === "invalid") return next;
    if (next.asked.key !== asked.key) subject = subjectOf(next.asked.key);
    asked = next.asked;
    outcome = outcome === undefined ? next : { asked, back: [...outcome.back, ...next.back] };
    if (stops) break;
  }
  return outcome;
}

function compileRule(rule: RewriteRule): Compiled["apply"] {
  if (rule.field === "name") return compileNameRule(rule);
  if ("match" in rule) {
    const matches = compileMatch(rule.match);
    const back = [valueChange(rule)];
    return (asked, subject) => (matches(subject) ? { asked, back } : undefined);
  }
  const { field, from, to } = rule;
  return (asked) => (asked[field] === from ? { asked: { ...asked, [field]: to }, back: NOTHING } : undefined);
}

function valueChange(rule: Extract<RewriteRule, { readonly field: "ttl" | "rcode" }>): AnswerChange {
  if (rule.field === "rcode") return { part: "rcode", map: (rcode) => (rcode === rule.from ? rule.to : rcode) };
  return { part: "ttl", map: (seconds) => Math.min(Math.max(seconds, rule.minimum), rule.maximum) };
}

function compileNameRule(rule: RewriteNameRule): Compiled["apply"] {
  const replace = compileReplacement(rule.match, rule.to);
  const fixed = rule.answer.rewrites.map(
    (rewrite): AnswerChange => ({
      part: rewrite.part === "name" ? "owner" : "value",
      map: compileAnswerRewrite(rewrite),
    }),
  );
  const automatic = automaticChanges(rule);
  return (asked, subject, exchange) => {
    const text = replace(subject);
    if (text === undefined) return undefined;
    const rewritten = parseName(text);
    if (rewritten === undefined) return "invalid";
    const key = foldKey(rewritten);
    const raw = asked.raw ?? askedName(exchange);
    return { asked: { ...asked, key, raw: rewritten }, back: [...automatic(key, raw), ...fixed] };
  };
}

type Automatic = (rewritten: NameKey, original: string) => readonly AnswerChange[];

const both = (map: NameMap): readonly AnswerChange[] => [
  { part: "owner", map },
  { part: "value", map },
];

/**
 * How names go back. The name that was asked upstream becomes the name that the client asked for, unless `answer name`
 * says how; with `auto`, and for exact rules always, values are turned back as well, and names below it. An automatic
 * suffix rule turns every name back that has its suffix.
 */
function automaticChanges({ match, to, answer }: RewriteNameRule): Automatic {
  if (match.kind === "exact") return (rewritten, original) => both(mapNameAndBelow(rewritten, original));
  if (match.kind === "suffix" && answer.auto) {
    const turnBack = mapSuffix(to, match.text);
    return (rewritten, original) => both((raw) => (foldKey(raw) === rewritten ? original : turnBack(raw)));
  }
  if (answer.auto) return (rewritten, original) => both(mapNameAndBelow(rewritten, original));
  if (answer.rewrites.some(({ part }) => part === "name")) return () => NOTHING;
  return (rewritten, original) => [{ part: "owner", map: mapName(rewritten, original) }];
}
