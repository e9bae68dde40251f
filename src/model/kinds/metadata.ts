import { fields, listOf, mapOf, type Read, text } from "../shape.ts";

/** What Sluice reads of ObjectMeta. `name` and `namespace` are "" when absent. */
export const metadataShape = fields({
  name: text,
  generateName: text,
  namespace: text,
  uid: text,
  resourceVersion: text,
  creationTimestamp: text,
  deletionTimestamp: text,
  labels: mapOf(text),
  annotations: mapOf(text),
  ownerReferences: listOf(fields({ apiVersion: text, kind: text, name: text, uid: text })),
});

export type Metadata = Read<typeof metadataShape> & { readonly name: string; readonly namespace: string };

/** metav1.Condition */
export const conditionShape = fields({ type: text, status: text, reason: text, message: text });

/** metav1.LabelSelector */
export const labelSelectorShape = fields({
  matchLabels: mapOf(text),
  matchExpressions: listOf(fields({ key: text, operator: text, values: listOf(text) })),
});
export type LabelSelector = Read<typeof labelSelectorShape>;
