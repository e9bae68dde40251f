import { type FieldPath, formatPath } from "../model/field-path.ts";
import type { LabelSelector } from "../model/kinds/metadata.ts";
import { nearestName } from "../model/nearest-name.ts";
import { fail, ok, type Result } from "../model/result.ts";
import type { RuleLevel, RuleLevels } from "./levels.ts";
import type { Profile } from "./run.ts";

/** What the platform team says for some namespaces: for those of these names, or for those whose labels match. */
export type NamespaceChoice = {
  readonly names?: ReadonlySet<string>;
  readonly selector?: LabelSelector;
  readonly profile?: Profile;
  readonly levels: RuleLevels;
};

/** What the validating webhook makes of findings: the platform team's choices, as the profile ConfigMap says them. */
export type LintProfile = {
  /** Absent: as the process was started. */
  readonly profile?: Profile;
  readonly levels: RuleLevels;
  /** Later ones win. */
  readonly namespaces: readonly NamespaceChoice[];
};

export const NO_CHOICES: LintProfile = { levels: new Map(), namespaces: [] };

/** The platform team's word for each level. */
const LEVELS: Readonly<Record<string, RuleLevel>> = { off: "off", warn: "warning", deny: "error" };

const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"];
const NAMESPACE_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const MAX_NAMESPACE_CHOICES = 1_000;
/** More problems than this are not told: the first ones have to be mended anyway. */
const MAX_PROBLEMS = 20;

type Checking = { readonly ruleIds: readonly string[]; readonly problems: string[] };
type Members = Readonly<Record<string, unknown>>;

/**
 * Reads `{lint: {profile, rules, namespaces}}`. Strict: a member that is not known, a rule that does not exist or a
 * value of another kind is a problem, told with its path, and then nothing of it is used. Nothing at all is no choices.
 */
export function readLintProfile(value: unknown, ruleIds: readonly string[]): Result<LintProfile> {
  const check: Checking = { ruleIds, problems: [] };
  const { lint } = members(value ?? {}, [], ["lint"], check);
  const { profile, rules, namespaces } = members(lint ?? {}, ["lint"], ["profile", "rules", "namespaces"], check);
  const read: LintProfile = {
    ...readProfile(profile, ["lint", "profile"], check),
    levels: readLevels(rules, ["lint", "rules"], check),
    namespaces: readNamespaces(namespaces, check),
  };
  return check.problems.length === 0 ? ok(read) : fail(...check.problems.slice(0, MAX_PROBLEMS));
}

const tell = (check: Checking, path: FieldPath, problem: string): void => {
  check.problems.push(`${path.length === 0 ? "the profile" : `\`${formatPath(path)}\``} ${problem}`);
};

const isMap = (value: unknown): value is Members =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** What somebody else wrote, short and on one line. */
const quoted = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 60);

function members(value: unknown, path: FieldPath, known: readonly string[], check: Checking): Members {
  if (!isMap(value)) {
    tell(check, path, `must be a map, got ${quoted(value)}`);
    return {};
  }
  for (const name of Object.keys(value).filter((key) => !known.includes(key))) {
    const meant = nearestName(name, known);
    tell(
      check,
      [...path, name],
      `is not known; ${meant === undefined ? `known: ${known.join(", ")}` : `\`${meant}\`?`}`,
    );
  }
  return value;
}

function readProfile(value: unknown, path: FieldPath, check: Checking): { readonly profile?: Profile } {
  if (value === undefined) return {};
  if (value === "default" || value === "strict") return { profile: value };
  tell(check, path, `must be default or strict, got ${quoted(value)}`);
  return {};
}

function readLevels(value: unknown, path: FieldPath, check: Checking): RuleLevels {
  const levels = new Map<string, RuleLevel>();
  if (value === undefined) return levels;
  if (!isMap(value)) {
    tell(check, path, `must be a map of rule ids to off, warn or deny, got ${quoted(value)}`);
    return levels;
  }
  for (const [rule, level] of Object.entries(value)) {
    const at = [...path, rule];
    const known = typeof level === "string" && Object.hasOwn(LEVELS, level) ? LEVELS[level] : undefined;
    if (!check.ruleIds.includes(rule)) tell(check, at, `is no rule${suggestion(rule, check.ruleIds)}`);
    else if (known === undefined) tell(check, at, `must be off, warn or deny, got ${quoted(level)}`);
    else levels.set(rule, known);
  }
  return levels;
}

function suggestion(rule: string, ruleIds: readonly string[]): string {
  const meant = nearestName(rule, ruleIds);
  return meant === undefined ? "; see `sluice rules`" : `; \`${meant}\`?`;
}

function readNamespaces(value: unknown, check: Checking): readonly NamespaceChoice[] {
  const path = ["lint", "namespaces"];
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > MAX_NAMESPACE_CHOICES) {
    tell(check, path, `must be a list of at most ${MAX_NAMESPACE_CHOICES} entries`);
    return [];
  }
  return value.map((entry, index) => readChoice(entry, [...path, index], check));
}

function readChoice(entry: unknown, path: FieldPath, check: Checking): NamespaceChoice {
  const { names, selector, profile, rules } = members(entry, path, ["names", "selector", "profile", "rules"], check);
  if (isMap(entry) && (names === undefined) === (selector === undefined)) {
    tell(check, path, "must have either names or selector");
  }
  return {
    ...(names === undefined ? {} : { names: new Set(readNames(names, [...path, "names"], check)) }),
    ...(selector === undefined ? {} : { selector: readSelector(selector, [...path, "selector"], check) }),
    ...readProfile(profile, [...path, "profile"], check),
    levels: readLevels(rules, [...path, "rules"], check),
  };
}

function readNames(value: unknown, path: FieldPath, check: Checking): readonly string[] {
  const names = readTexts(value, path, check);
  for (const name of names.filter((text) => !NAMESPACE_NAME.test(text))) {
    tell(check, path, `must be names of namespaces, got ${quoted(name)}`);
  }
  return names;
}

function readTexts(value: unknown, path: FieldPath, check: Checking): readonly string[] {
  if (Array.isArray(value) && value.length > 0 && value.every((text) => typeof text === "string")) return value;
  tell(check, path, `must be a list of texts, got ${quoted(value)}`);
  return [];
}

function readSelector(value: unknown, path: FieldPath, check: Checking): LabelSelector {
  const { matchLabels, matchExpressions } = members(value, path, ["matchLabels", "matchExpressions"], check);
  if (isMap(value) && Object.keys(matchLabels ?? {}).length === 0 && Object.keys(matchExpressions ?? {}).length === 0) {
    tell(check, path, "selects every namespace; say that at `lint` itself");
  }
  return {
    matchLabels: readLabels(matchLabels, [...path, "matchLabels"], check),
    matchExpressions: readExpressions(matchExpressions, [...path, "matchExpressions"], check),
  };
}

function readLabels(value: unknown, path: FieldPath, check: Checking): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (isMap(value) && Object.values(value).every((text) => typeof text === "string")) {
    return value as Readonly<Record<string, string>>;
  }
  tell(check, path, `must be a map of texts, got ${quoted(value)}`);
  return {};
}

function readExpressions(value: unknown, path: FieldPath, check: Checking): LabelSelector["matchExpressions"] & object {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    tell(check, path, `must be a list, got ${quoted(value)}`);
    return [];
  }
  return value.map((entry, index) => readExpression(entry, [...path, index], check));
}

function readExpression(entry: unknown, path: FieldPath, check: Checking) {
  const { key, operator, values } = members(entry, path, ["key", "operator", "values"], check);
  if (typeof key !== "string" || key === "") tell(check, path, "must have a key");
  if (!OPERATORS.includes(String(operator))) tell(check, path, `must have an operator: ${OPERATORS.join(", ")}`);
  const listed = operator === "In" || operator === "NotIn";
  if (!listed && values !== undefined) tell(check, path, `must have no values for ${quoted(operator)}`);
  return {
    key: String(key),
    operator: String(operator),
    values: listed ? readTexts(values, [...path, "values"], check) : [],
  };
}
