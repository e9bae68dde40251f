import { fields, integer, listOf, mapOf, type Read, text } from "../shape.ts";
import { conditionShape } from "./metadata.ts";
import { targetRefShape } from "./policy-target.ts";

const whenShape = listOf(fields({ predicate: text }));

const limitShape = fields({
  rates: listOf(fields({ limit: integer, window: text })),
  when: whenShape,
  counters: listOf(fields({ expression: text })),
});

/** The three places where limits may stand: bare in `spec`, under `defaults`, under `overrides`. */
const limitsShape = fields({ strategy: text, when: whenShape, limits: mapOf(limitShape) });
export type Limits = Read<typeof limitsShape>;

/** kuadrant.io RateLimitPolicy and TokenRateLimitPolicy, which have the same fields. */
export const rateLimitPolicyShape = fields({
  spec: fields({
    targetRef: targetRefShape,
    when: whenShape,
    limits: mapOf(limitShape),
    defaults: limitsShape,
    overrides: limitsShape,
  }),
  status: fields({ conditions: listOf(conditionShape) }),
});
