import { fields, integer, listOf, mapOf, text } from "../shape.ts";
import { targetRefShape } from "./policy-target.ts";

/** extensions.kuadrant.io PlanPolicy */
export const planPolicyShape = fields({
  spec: fields({
    targetRef: targetRefShape,
    plans: listOf(
      fields({
        tier: text,
        predicate: text,
        limits: fields({
          daily: integer,
          weekly: integer,
          monthly: integer,
          yearly: integer,
          custom: listOf(fields({ limit: integer, window: text })),
        }),
      }),
    ),
  }),
});

/** extensions.kuadrant.io TelemetryPolicy */
export const telemetryPolicyShape = fields({
  spec: fields({ targetRef: targetRefShape, metrics: fields({ default: fields({ labels: mapOf(text) }) }) }),
});
