import { fields, listOf, text } from "../shape.ts";

/** gateway.networking.k8s.io BackendTLSPolicy. `sectionName` is the name of a port. */
export const backendTlsPolicyShape = fields({
  spec: fields({
    targetRefs: listOf(fields({ group: text, kind: text, name: text, sectionName: text })),
    validation: fields({ hostname: text }),
  }),
});
