import { fields, integer, listOf, mapOf, type Read, text } from "../shape.ts";
import { conditionShape, labelSelectorShape } from "./metadata.ts";

const addressShape = fields({ type: text, value: text });

const listenerShape = fields({
  name: text,
  hostname: text,
  port: integer,
  protocol: text,
  tls: fields({ mode: text }),
  allowedRoutes: fields({
    namespaces: fields({ from: text, selector: labelSelectorShape }),
    kinds: listOf(fields({ group: text, kind: text })),
  }),
});
export type Listener = Read<typeof listenerShape>;

/** gateway.networking.k8s.io/v1 Gateway */
export const gatewayShape = fields({
  spec: fields({
    gatewayClassName: text,
    addresses: listOf(addressShape),
    listeners: listOf(listenerShape),
    allowedListeners: fields({ namespaces: fields({ from: text }) }),
    infrastructure: fields({
      annotations: mapOf(text),
      labels: mapOf(text),
      parametersRef: fields({ kind: text, name: text }),
      routability: text,
    }),
  }),
  status: fields({
    addresses: listOf(addressShape),
    conditions: listOf(conditionShape),
    listeners: listOf(fields({ name: text, attachedRoutes: integer, conditions: listOf(conditionShape) })),
  }),
});

/** gateway.networking.k8s.io/v1 GatewayClass */
export const gatewayClassShape = fields({ spec: fields({ controllerName: text }) });
