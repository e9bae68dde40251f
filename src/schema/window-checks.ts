import type { Mend } from "../model/edit.ts";
import type { FieldPath } from "../model/field-path.ts";
import type { Check } from "./check-scalar.ts";
import { fieldOf, isMap, type JsonMap } from "./json.ts";
import { report, shown } from "./violation.ts";

/**
 * Windows of rates, which Kuadrant's definitions take as durations of Gateway API: `1d`, `1w` and `1.5h` are none.
 * SOURCE: kuadrant-operator, CRDs ratelimitpolicies, tokenratelimitpolicies, planpolicies; Gateway API GEP-2257.
 */
const WINDOW = /^(?:\d{1,5}(?:h|m|s|ms)){1,4}$/;

/** A number and a unit as people write them; at most 12 digits, so that no text makes it slow. */
const PART = /^(\d{1,6})(?:\.(\d{1,6}))?(ms|s|m|h|d|w)/;
const MAX_PARTS = 6;

const UNIT_MS: Readonly<Record<string, number>> = {
  w: 604_800_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
};

/** The units of a window, largest first, and what one of them may hold. */
const WINDOW_UNITS = ["h", "m", "s", "ms"] as const;
const MAX_NUMBER = 99_999;

/** Milliseconds of one number, in whole numbers all the way; undefined where that leaves a part of one. */
function partMs(whole: string, fraction: string, unit: string): number | undefined {
  const scale = 10 ** fraction.length;
  const scaled = (Number(whole) * scale + Number(fraction === "" ? "0" : fraction)) * (UNIT_MS[unit] ?? 0);
  return scaled % scale === 0 ? scaled / scale : undefined;
}

/** A window of the same length in the form that is taken; undefined for what has none, or is no duration. */
export function sameWindow(text: string): string | undefined {
  let rest = text;
  let total = 0;
  for (let parts = 0; rest !== ""; parts += 1) {
    const [part = "", whole = "", fraction = "", unit = ""] = PART.exec(rest) ?? [];
    const ms = partMs(whole, fraction, unit);
    if (part === "" || parts === MAX_PARTS || ms === undefined) return undefined;
    total += ms;
    rest = rest.slice(part.length);
  }
  if (total === 0) return undefined;
  let left = total;
  let written = "";
  for (const unit of WINDOW_UNITS) {
    const size = UNIT_MS[unit] ?? 1;
    const count = Math.floor(left / size);
    if (count > MAX_NUMBER) return undefined;
    if (count > 0) written += `${count}${unit}`;
    left -= count * size;
  }
  return written;
}

const mendOf = (path: FieldPath, value: string): Mend => ({
  title: `write the window as \`${value}\``,
  edits: [{ op: "set", path, value }],
});

function checkWindow(rate: unknown, path: FieldPath, { violations }: Check): void {
  const window = isMap(rate) ? fieldOf(rate, "window") : undefined;
  if (typeof window !== "string" || WINDOW.test(window)) return;
  const at = [...path, "window"];
  const same = sameWindow(window);
  const form = "one to four numbers of at most five digits, each with `h`, `m`, `s` or `ms`";
  report(violations, {
    kind: "invalid",
    path: at,
    message: `${shown(window)} is no window: the API takes ${form}`,
    hint: same === undefined ? "Write it as `24h` or `1m30s`." : `Write \`${same}\`.`,
    ...(same === undefined ? {} : { mend: mendOf(at, same) }),
  });
}

function checkList(rates: unknown, path: FieldPath, check: Check): void {
  if (!Array.isArray(rates)) return;
  for (const [position, rate] of rates.entries()) checkWindow(rate, [...path, position], check);
}

function checkLimits(block: unknown, path: FieldPath, check: Check): void {
  const limits = isMap(block) ? fieldOf(block, "limits") : undefined;
  if (!isMap(limits)) return;
  for (const [name, limit] of Object.entries(limits)) {
    if (isMap(limit)) checkList(fieldOf(limit, "rates"), [...path, "limits", name, "rates"], check);
  }
}

function checkRateLimits(spec: JsonMap, check: Check): void {
  checkLimits(spec, ["spec"], check);
  for (const block of ["defaults", "overrides"]) checkLimits(fieldOf(spec, block), ["spec", block], check);
}

function checkPlans(spec: JsonMap, check: Check): void {
  const plans = fieldOf(spec, "plans");
  if (!Array.isArray(plans)) return;
  for (const [position, plan] of plans.entries()) {
    const limits = isMap(plan) ? fieldOf(plan, "limits") : undefined;
    if (isMap(limits)) checkList(fieldOf(limits, "custom"), ["spec", "plans", position, "limits", "custom"], check);
  }
}

const CHECKS: Readonly<Record<string, (spec: JsonMap, check: Check) => void>> = {
  "kuadrant.io/RateLimitPolicy": checkRateLimits,
  "kuadrant.io/TokenRateLimitPolicy": checkRateLimits,
  "extensions.kuadrant.io/PlanPolicy": checkPlans,
};

/** Checks the windows of a policy's rates, with or without its definition. */
export function checkWindows(group: string, kind: string, raw: JsonMap, check: Check): void {
  const spec = fieldOf(raw, "spec");
  const id = `${group}/${kind}`;
  if (Object.hasOwn(CHECKS, id) && isMap(spec)) CHECKS[id]?.(spec, check);
}
