import { fields, flag, integer, listOf, text } from "../shape.ts";

/** discovery.k8s.io/v1 EndpointSlice. An endpoint without `conditions.ready` counts as ready (API documentation). */
export const endpointSliceShape = fields({
  addressType: text,
  endpoints: listOf(
    fields({
      addresses: listOf(text),
      conditions: fields({ ready: flag, serving: flag, terminating: flag }),
    }),
  ),
  ports: listOf(fields({ name: text, port: integer, protocol: text })),
});
