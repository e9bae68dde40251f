import type { RuleLevel } from "../lint/levels.ts";
import type { JudgedVerdict } from "./profile-judge.ts";

/** Below the 1024 characters of an audit value. */
const MAX_LIST_CHARACTERS = 1000;

/** The platform team's words for levels. */
const LEVEL_WORDS: Readonly<Record<RuleLevel, string>> = { off: "off", error: "deny", warning: "warn", info: "info" };

/** Items in a row as far as there is room, then how many more there are: never half of one. */
function listed(items: readonly string[], characters = MAX_LIST_CHARACTERS): string {
  let text = "";
  for (const [index, item] of items.entries()) {
    const longer = index === 0 ? item : `${text},${item}`;
    if (longer.length > characters) return `${text},+${items.length - index}`;
    text = longer;
  }
  return text;
}

const idsOf = (findings: readonly { readonly rule: string }[]): readonly string[] =>
  [...new Set(findings.map(({ rule }) => rule))].sort();

/** What the audit log is told of a verdict: rule ids and settings, nothing of the object itself. */
export function auditOf(verdict: JudgedVerdict, kind: string): Readonly<Record<string, string>> {
  const { denied, warned, exempted, unknownKind, inPart, judging } = verdict;
  const refused = denied.length > 0;
  const reason = refused ? listed(idsOf(denied)) : unknownKind ? "unknown-kind" : inPart;
  return {
    decision: refused ? "denied" : "allowed",
    ...(reason === undefined ? {} : { reason }),
    ...(warned.length === 0 ? {} : { findings: listed(idsOf(warned)) }),
    ...(exempted.length === 0 ? {} : { exempted: listed(exempted) }),
    ...(unknownKind ? { "unknown-kind": kind } : {}),
    ...(judging === undefined ? {} : { profile: judging.profile }),
    ...(judging === undefined || judging.mode === "deny" ? {} : { mode: judging.mode }),
    ...(judging === undefined || judging.levels.size === 0 ? {} : { levels: listed(levelsOf(judging.levels)) }),
  };
}

const levelsOf = (levels: ReadonlyMap<string, RuleLevel>): readonly string[] =>
  [...levels].map(([rule, level]) => `${rule}=${LEVEL_WORDS[level]}`).sort();
