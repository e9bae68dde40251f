import { fields, flag } from "../shape.ts";

/** core/v1 ServiceAccount: a workload's identity. */
export const serviceAccountShape = fields({ automountServiceAccountToken: flag });
