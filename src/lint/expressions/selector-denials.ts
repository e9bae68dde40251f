import { availability } from "../../cel/attributes.ts";
import type { SelectorPath } from "../../cel/selector.ts";
import { valueAt } from "../../model/field-path.ts";
import type { Pattern } from "../../model/kinds/auth-policy.ts";
import type { Report } from "../rule.ts";
import type { SelectorSite } from "./expression-sites.ts";

/** Operators that hold for a value that is not there. */
const HOLDS_FOR_NOTHING = new Set(["neq", "excl"]);

/** Operators that do not, so that one of them beside the denial makes the value's presence a condition. */
const NEEDS_A_VALUE = new Set(["eq", "incl", "matches"]);

/** What a caller or a failed lookup can leave out; the part after each prefix is free. */
const MAY_BE_ABSENT = [
  "auth.metadata.",
  "auth.authorization.",
  "auth.identity.metadata.annotations.",
  "auth.identity.metadata.labels.",
  "request.headers.",
  "context.request.http.headers.",
];

/** Every request that was let in so far has them. */
const ALWAYS_THERE = /\.headers\.(?:host|:authority|:method|:path|authorization)$/;

/**
 * An authorization rule that denies by a selector, `selector` with `neq` or `excl`: where the selector finds nothing it
 * holds for everybody. Undefined when the site is no such rule and is to be judged as any other selector.
 */
export function patternReports(object: object, site: SelectorSite): readonly Report[] | undefined {
  const { path, paths } = site;
  if (site.role !== "pattern" || !path.includes("authorization") || !path.includes("patternMatching")) return undefined;
  const pattern = (valueAt(object, path.slice(0, -1)) ?? {}) as Pattern;
  const [selected] = paths;
  if (!HOLDS_FOR_NOTHING.has(pattern.operator ?? "") || paths.length !== 1 || selected?.plain !== true)
    return undefined;
  // Nothing equals the empty text, so that this denial is a test for presence.
  if (pattern.operator === "neq" && (pattern.value ?? "") === "") return undefined;
  const range = rangeOf(selected);
  const spelt = selected.segments.map(({ name }) => name).join(".");
  const certainty = finds(selected, spelt);
  if (range === undefined || certainty === "something") return undefined;
  if (certainty === "perhaps" && isRequiredBeside(object, site, pattern)) return [];
  const means = `\`${pattern.operator}\` holds for a value that is not there`;
  if (certainty === "nothing") {
    return [{ path, range, message: `\`${spelt}\` never finds anything, and ${means}: the rule lets everybody pass` }];
  }
  return [
    {
      path,
      range,
      severity: "warning",
      message: `where \`${spelt}\` is missing the rule lets everybody pass: ${means}`,
      hint: `Add a pattern that needs the value, such as \`{selector: ${site.text}, operator: neq, value: ""}\`.`,
    },
  ];
}

function finds({ segments }: SelectorPath, spelt: string): "nothing" | "perhaps" | "something" {
  if (MAY_BE_ABSENT.some((prefix) => spelt.startsWith(prefix)))
    return ALWAYS_THERE.test(spelt) ? "something" : "perhaps";
  if (segments[0]?.name === "auth") return "something";
  const names = segments.map(({ name }) => name);
  return availability("selector", names).status === "absent" ? "nothing" : "something";
}

function rangeOf({ segments }: SelectorPath): Report["range"] {
  const [first] = segments;
  return first === undefined ? undefined : { start: first.start, end: segments.at(-1)?.end ?? first.end };
}

/** Whether another pattern of the same list, all of which must hold, fails when the value is missing. */
function isRequiredBeside(object: object, { path, text }: SelectorSite, pattern: Pattern): boolean {
  if (path.at(-3) === "any") return false;
  const list = valueAt(object, path.slice(0, -2));
  return (
    Array.isArray(list) &&
    list.some(
      (other: Pattern) =>
        other !== pattern &&
        other.selector === text &&
        (NEEDS_A_VALUE.has(other.operator ?? "") || (other.operator === "neq" && (other.value ?? "") === "")),
    )
  );
}
