import { fields, listOf, text } from "../shape.ts";

/** gateway.networking.k8s.io/v1 ReferenceGrant */
export const referenceGrantShape = fields({
  spec: fields({
    from: listOf(fields({ group: text, kind: text, namespace: text })),
    to: listOf(fields({ group: text, kind: text, name: text })),
  }),
});
