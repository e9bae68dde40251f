import { fields, integer, listOf, type Read, text } from "../shape.ts";
import { conditionShape } from "./metadata.ts";

const parentRefShape = fields({
  group: text,
  kind: text,
  namespace: text,
  name: text,
  sectionName: text,
  port: integer,
});
export type ParentRef = Read<typeof parentRefShape>;

const headerModifierShape = fields({
  set: listOf(fields({ name: text, value: text })),
  add: listOf(fields({ name: text, value: text })),
  remove: listOf(text),
});

const filterShape = fields({
  type: text,
  requestHeaderModifier: headerModifierShape,
  responseHeaderModifier: headerModifierShape,
  urlRewrite: fields({ hostname: text, path: fields({ type: text, replaceFullPath: text, replacePrefixMatch: text }) }),
});

const backendRefShape = fields({
  group: text,
  kind: text,
  namespace: text,
  name: text,
  port: integer,
  weight: integer,
  filters: listOf(filterShape),
});
export type BackendRef = Read<typeof backendRefShape>;

const valueMatchShape = fields({ type: text, name: text, value: text });

const statusShape = fields({
  parents: listOf(fields({ parentRef: parentRefShape, controllerName: text, conditions: listOf(conditionShape) })),
});

/** gateway.networking.k8s.io/v1 HTTPRoute */
export const httpRouteShape = fields({
  spec: fields({
    parentRefs: listOf(parentRefShape),
    hostnames: listOf(text),
    rules: listOf(
      fields({
        name: text,
        matches: listOf(
          fields({
            path: fields({ type: text, value: text }),
            headers: listOf(valueMatchShape),
            queryParams: listOf(valueMatchShape),
            method: text,
          }),
        ),
        filters: listOf(filterShape),
        backendRefs: listOf(backendRefShape),
      }),
    ),
  }),
  status: statusShape,
});

/** gateway.networking.k8s.io TLSRoute and TCPRoute: bytes, which no policy for requests can read. */
export const streamRouteShape = fields({
  spec: fields({
    parentRefs: listOf(parentRefShape),
    hostnames: listOf(text),
    rules: listOf(fields({ name: text, backendRefs: listOf(backendRefShape) })),
  }),
});

/** gateway.networking.k8s.io/v1 GRPCRoute */
export const grpcRouteShape = fields({
  spec: fields({
    parentRefs: listOf(parentRefShape),
    hostnames: listOf(text),
    rules: listOf(
      fields({
        name: text,
        matches: listOf(
          fields({ method: fields({ type: text, service: text, method: text }), headers: listOf(valueMatchShape) }),
        ),
        filters: listOf(filterShape),
        backendRefs: listOf(backendRefShape),
      }),
    ),
  }),
  status: statusShape,
});
