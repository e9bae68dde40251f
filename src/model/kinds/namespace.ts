import { fields, text } from "../shape.ts";

/** core/v1 Namespace: its labels decide about injection, waypoints and route attachment. */
export const namespaceShape = fields({ status: fields({ phase: text }) });
