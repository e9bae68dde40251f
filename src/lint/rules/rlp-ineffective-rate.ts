import type { Mend } from "../../model/edit.ts";
import { declaredRules } from "../../model/effective-policy.ts";
import type { Kinds } from "../../model/kinds.ts";
import { strategyOf } from "../../model/same-target.ts";
import type { Topology } from "../../model/topology.ts";
import { type Rate, type RateGroup, rateGroups } from "../expressions/rates.ts";
import { defineRule, type Report } from "../rule.ts";

type RatedPolicy = Kinds["RateLimitPolicy"] | Kinds["TokenRateLimitPolicy"] | Kinds["PlanPolicy"];

/** Words in a limit's name that say that it is to let nothing pass. */
const CLOSES = /block|clos|den(?:y|ie)|disab|forbid|maintenance|none|off|reject|stop|suspend|zero/i;

const spell = ({ limit, window }: Rate): string => `${limit ?? 0}/${window}`;

/**
 * A limit without rates, under the name of a limit of another policy that merges, is the way to take that limit off.
 */
function takesAnotherOff({ name }: RateGroup, object: RatedPolicy, { objects }: Topology): boolean {
  if (object.kind === "PlanPolicy") return true;
  const all: readonly Kinds["RateLimitPolicy" | "TokenRateLimitPolicy"][] = objects.of(object.kind);
  return all.some(
    (other) =>
      other !== object &&
      (strategyOf(other).merge || strategyOf(object).merge) &&
      declaredRules(other).has(`limits/${name}`),
  );
}

/** What is wrong with one rate by itself. */
function alone(rate: Rate, { name }: RateGroup): readonly Report[] {
  const { limit, seconds, limitPath, path, window } = rate;
  const of = `rate ${spell(rate)} of \`${name}\``;
  if (seconds !== undefined && seconds < 1) {
    return [
      {
        path: [...path, "window"],
        message: `${of} has no effect: windows are counted in whole seconds, and \`${window}\` is none`,
        hint: "Use a window of at least `1s`.",
      },
    ];
  }
  if (limit !== undefined && limit < 0) {
    const message = `${of} denies everything: a negative number becomes 0`;
    return [{ path: limitPath, message, hint: "Write how many may pass in the window." }];
  }
  if (limit !== 0 || CLOSES.test(name)) return [];
  return [
    {
      path: limitPath,
      severity: "warning",
      message: `${of} denies everything`,
      hint: "Write how many may pass, or, when nothing is to pass, say so in the name: `blocked`.",
    },
  ];
}

/** Why a rate never decides beside another one of its limit. */
function shadowedBy(rate: Rate, other: Rate, position: number, otherPosition: number): string | undefined {
  const [own, others] = [rate.seconds ?? 0, other.seconds ?? 0];
  const [limit, otherLimit] = [rate.limit ?? 0, other.limit ?? 0];
  if (own < 1 || others < 1 || limit <= 0 || otherLimit <= 0) return undefined;
  if (own === others) {
    return position > otherPosition ? "the two have one window, and only one of them is kept" : undefined;
  }
  return own < others && limit >= otherLimit ? "that one allows no more in a longer time" : undefined;
}

/** Of two rates that say the same either can go. */
const isTwin = (a: Rate, b: Rate): boolean =>
  a.seconds === b.seconds && a.limit === b.limit && typeof a.path.at(-1) === "number";

const without = ({ path }: Rate): Mend => ({
  title: "remove the second of two equal rates",
  edits: [{ op: "remove", path }],
});

function beside({ name, rates }: RateGroup): readonly Report[] {
  return rates.flatMap((rate, position) => {
    for (const [otherPosition, other] of rates.entries()) {
      const reason = shadowedBy(rate, other, position, otherPosition);
      if (reason === undefined) continue;
      return [
        {
          path: rate.path,
          severity: "warning" as const,
          message: `rate ${spell(rate)} of \`${name}\` is shadowed by ${spell(other)}: ${reason}`,
          hint: "Remove one of the two, or let the shorter window allow less than the longer one.",
          ...(isTwin(rate, other) ? { mend: without(rate) } : {}),
        },
      ];
    }
    return [];
  });
}

function check(object: RatedPolicy, topology: Topology): readonly Report[] {
  return rateGroups(object).flatMap((group): readonly Report[] => {
    if (group.rates.length > 0) return [...group.rates.flatMap((rate) => alone(rate, group)), ...beside(group)];
    if (takesAnotherOff(group, object, topology)) return [];
    const message = `limit \`${group.name}\` has no rates: it is accepted and limits nothing`;
    return [{ path: group.path, at: "key", message, hint: "Add `rates: [{limit: 100, window: 1m}]`." }];
  });
}

const limits = (text: string, kind = "RateLimitPolicy"): string => `
        apiVersion: kuadrant.io/v1
        kind: ${kind}
        metadata: {namespace: gateway-system, name: limits}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          ${text}`;

const plans = (text: string): string => `
        apiVersion: extensions.kuadrant.io/v1alpha1
        kind: PlanPolicy
        metadata: {namespace: gateway-system, name: plans}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          plans: [{tier: gold, predicate: "true", limits: ${text}}]`;

export const rule = defineRule({
  id: "rlp-ineffective-rate",
  kinds: ["RateLimitPolicy", "TokenRateLimitPolicy", "PlanPolicy"],
  reads: ["RateLimitPolicy", "TokenRateLimitPolicy"],
  severity: "error",
  scope: "object",
  title: "A rate limits nothing, denies everything, or is hidden by another one",
  why: "Such a policy is accepted and reported as enforced. Its numbers do something else than they say: windows are whole seconds, and of two rates with one window only one is kept.",
  fix: "Give each limit rates with different windows of at least a second, the shorter one with the smaller number.",
  sources: [
    "kuadrant-operator `api/v1/ratelimitpolicy_types.go`: the window in whole seconds",
    "limitador: a limit is known by namespace, seconds, conditions and variables, not by its maximum",
    "Kuadrant RFC 0009 Defaults and Overrides: an empty limit in place of a named one",
  ],
  since: "0.2.0",

  check,

  bad: [
    { name: "a limit without rates", finds: [{ path: "spec.limits.global" }], yaml: limits("limits: {global: {}}") },
    {
      name: "a window below a second",
      finds: [{ path: "spec.limits.burst.rates[0].window" }],
      yaml: limits("limits: {burst: {rates: [{limit: 5, window: 500ms}]}}"),
    },
    {
      name: "a negative number",
      finds: [{ path: "spec.defaults.limits.tokens.rates[0].limit" }],
      yaml: limits("defaults: {limits: {tokens: {rates: [{limit: -1, window: 1m}]}}}", "TokenRateLimitPolicy"),
    },
    {
      name: "a limit of zero whose name does not say so",
      finds: [{ path: "spec.limits.global.rates[0].limit", severity: "warning" }],
      yaml: limits("limits: {global: {rates: [{limit: 0, window: 1m}]}}"),
    },
    {
      name: "the same rate twice",
      finds: [{ path: "spec.limits.x.rates[1]", severity: "warning", mended: "- spec.limits.x.rates[1]" }],
      yaml: limits("limits: {x: {rates: [{limit: 10, window: 60s}, {limit: 10, window: 1m}]}}"),
    },
    {
      name: "one window, written in two ways",
      finds: [{ path: "spec.limits.global.rates[1]", severity: "warning" }],
      yaml: limits("limits: {global: {rates: [{limit: 10, window: 60s}, {limit: 20, window: 1m}]}}"),
    },
    {
      name: "a shorter window that allows more than the longer one",
      finds: [{ path: "spec.limits.global.rates[0]", severity: "warning" }],
      yaml: limits("limits: {global: {rates: [{limit: 1000, window: 1m}, {limit: 100, window: 1h}]}}"),
    },
    {
      name: "a plan that allows as much in a day as in a week",
      finds: [{ path: "spec.plans[0].limits.daily", severity: "warning" }],
      yaml: plans("{daily: 1000, weekly: 1000}"),
    },
    {
      name: "a custom window of a plan below a second",
      finds: [{ path: "spec.plans[0].limits.custom[0].window" }],
      yaml: plans("{custom: [{limit: 5, window: 900ms}]}"),
    },
  ],
  good: [
    {
      name: "a burst and a sustained rate",
      yaml: limits("limits: {burst: {rates: [{limit: 10, window: 1s}, {limit: 200, window: 1m}]}}"),
    },
    {
      name: "a limit of zero that says so",
      yaml: limits("limits: {blocked: {rates: [{limit: 0, window: 1m}]}}"),
    },
    { name: "a window of a unit that the API refuses", yaml: limits("limits: {x: {rates: [{limit: 5, window: 1d}]}}") },
    { name: "plans with growing numbers", yaml: plans("{daily: 100, weekly: 500, custom: [{limit: 10, window: 1m}]}") },
    {
      name: "an empty limit that takes a merged one off",
      yaml: `${limits("limits: {global: {}}")}
        ---
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: platform}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
          defaults: {strategy: merge, limits: {global: {rates: [{limit: 10, window: 1m}]}}}`,
    },
  ],
});
