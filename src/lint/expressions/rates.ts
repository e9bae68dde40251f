import type { FieldPath } from "../../model/field-path.ts";
import { parseGoDuration } from "../../model/go-duration.ts";
import type { Kinds } from "../../model/kinds.ts";

/** One rate of a limit or of a plan. */
export type Rate = {
  /** Where it stands, and where the number of requests stands. */
  readonly path: FieldPath;
  readonly limitPath: FieldPath;
  readonly limit: number | undefined;
  /** The window as it is written: `1m`, or `daily`. */
  readonly window: string;
  /** Whole seconds, as the rate limiter counts them; undefined for what is no duration. */
  readonly seconds: number | undefined;
};

/** One limit, or one plan: the rates that hold together. */
export type RateGroup = {
  /** The limit's name, or the plan's tier. */
  readonly name: string;
  readonly path: FieldPath;
  readonly rates: readonly Rate[];
};

type RatedPolicy = Kinds["RateLimitPolicy"] | Kinds["TokenRateLimitPolicy"] | Kinds["PlanPolicy"];
type WrittenRate = { readonly limit?: number; readonly window?: string };

const DAY = 86_400;
/** The named windows of a plan, in seconds. */
const NAMED = { daily: DAY, weekly: 7 * DAY, monthly: 30 * DAY, yearly: 365 * DAY } as const;

/** Whole seconds of a window; what is over is cut off (kuadrant-operator `api/v1/ratelimitpolicy_types.go`). */
function secondsOf(window: string): number | undefined {
  const milliseconds = parseGoDuration(window);
  return milliseconds === undefined ? undefined : Math.trunc(milliseconds / 1000);
}

const toRate =
  (base: FieldPath) =>
  ({ limit, window = "" }: WrittenRate, index: number): Rate => {
    const path = [...base, index];
    return { path, limitPath: [...path, "limit"], limit, window, seconds: secondsOf(window) };
  };

/** The rates of a policy, by limit or by plan, in its bare `spec`, its `defaults` and its `overrides`. */
export function rateGroups(policy: RatedPolicy): readonly RateGroup[] {
  if (policy.kind === "PlanPolicy") return planGroups(policy);
  const { spec = {} } = policy;
  const blocks = [
    [["spec"], spec.limits],
    [["spec", "defaults"], spec.defaults?.limits],
    [["spec", "overrides"], spec.overrides?.limits],
  ] as const;
  return blocks.flatMap(([base, limits]) =>
    Object.entries(limits ?? {}).map(([name, { rates = [] }]) => {
      const path = [...base, "limits", name];
      return { name, path, rates: rates.map(toRate([...path, "rates"])) };
    }),
  );
}

function planGroups({ spec }: Kinds["PlanPolicy"]): readonly RateGroup[] {
  return (spec?.plans ?? []).map(({ tier = "", limits = {} }, index) => {
    const path = ["spec", "plans", index];
    const named = (Object.keys(NAMED) as (keyof typeof NAMED)[]).flatMap((window): readonly Rate[] => {
      const at = [...path, "limits", window];
      const limit = limits[window];
      return limit === undefined ? [] : [{ path: at, limitPath: at, limit, window, seconds: NAMED[window] }];
    });
    return { name: tier, path, rates: [...named, ...(limits.custom ?? []).map(toRate([...path, "limits", "custom"]))] };
  });
}
