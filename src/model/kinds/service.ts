import { fields, integer, integerOrText, listOf, mapOf, text } from "../shape.ts";

/** core/v1 Service. `clusterIPs` is ["None"] for a headless one. */
export const serviceShape = fields({
  spec: fields({
    type: text,
    clusterIP: text,
    clusterIPs: listOf(text),
    externalName: text,
    selector: mapOf(text),
    ipFamilies: listOf(text),
    ports: listOf(fields({ name: text, port: integer, protocol: text, targetPort: integerOrText })),
  }),
});
