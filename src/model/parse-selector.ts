import type { LabelSelector } from "./kinds/metadata.ts";
import { fail, ok, type Result } from "./result.ts";

type Requirement = NonNullable<LabelSelector["matchExpressions"]>[number];

/** A label's key: an optional DNS name and `/`, then a name. Loose in form: a key that cannot exist matches nothing. */
const KEY = "[A-Za-z0-9][A-Za-z0-9./_-]{0,316}";
const VALUE = "[A-Za-z0-9._-]{0,63}";

const EXISTS = new RegExp(`^(!?) ?(${KEY})$`);
const EQUALITY = new RegExp(`^(${KEY}) ?(==?|!=) ?(${VALUE})$`);
const SET = new RegExp(`^(${KEY}) (in|notin) ?\\(([^()]{0,4096})\\)$`);
const WHOLE_VALUE = new RegExp(`^${VALUE}$`);

/** Longest text that is read; a selector of a Corefile has a few requirements. */
const MAX_LENGTH = 4_096;

/**
 * Reads a label selector as Kubernetes writes it on one line: requirements with commas between them, each `key`, `!key`,
 * `key=value`, `key==value`, `key!=value`, `key in (a, b)` or `key notin (a, b)`. SOURCE: Kubernetes documentation,
 * "Labels and Selectors".
 */
export function parseSelector(text: string): Result<LabelSelector> {
  const problem = `'${text.slice(0, 100)}' is no label selector: write key=value, !key or key in (a, b), several with commas`;
  if (text.length > MAX_LENGTH) return fail(problem);
  const requirements = splitRequirements(text).map(readRequirement);
  const known = requirements.filter((requirement) => requirement !== undefined);
  return known.length === requirements.length ? ok({ matchExpressions: known }) : fail(problem);
}

/** At commas outside parentheses; white space becomes one space and none at the ends. */
function splitRequirements(text: string): readonly string[] {
  const parts = [""];
  let inside = false;
  for (const character of text) {
    if (character === "(") inside = true;
    if (character === ")") inside = false;
    if (character === "," && !inside) parts.push("");
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => part.trim().split(/\s+/).join(" "));
}

function readRequirement(text: string): Requirement | undefined {
  const [, not, lone] = EXISTS.exec(text) ?? [];
  if (lone !== undefined) return { key: lone, operator: not === "!" ? "DoesNotExist" : "Exists" };
  const [, key, sign, value] = EQUALITY.exec(text) ?? [];
  if (key !== undefined) return { key, operator: sign === "!=" ? "NotIn" : "In", values: [value ?? ""] };
  const [, setKey, word, list] = SET.exec(text) ?? [];
  const values = list?.split(",").map((one) => one.trim()) ?? [];
  if (setKey === undefined || !values.every((one) => WHOLE_VALUE.test(one))) return undefined;
  return { key: setKey, operator: word === "in" ? "In" : "NotIn", values };
}
