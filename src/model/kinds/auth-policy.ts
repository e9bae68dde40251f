import { anything, fields, flag, integer, lazy, listOf, mapOf, type Read, type Shape, text } from "../shape.ts";
import { conditionShape } from "./metadata.ts";
import { targetRefShape } from "./policy-target.ts";

/** A condition: CEL, a selector comparison, a named pattern, or a combination. */
export type Pattern = {
  readonly predicate?: string;
  readonly selector?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly patternRef?: string;
  readonly any?: readonly Pattern[];
  readonly all?: readonly Pattern[];
};

const patternShape: Shape<Pattern> = lazy<Pattern>(
  () =>
    fields({
      predicate: text,
      selector: text,
      operator: text,
      value: text,
      patternRef: text,
      any: listOf(patternShape),
      all: listOf(patternShape),
    }),
  {},
);

/** A value that is constant, selected (gjson) or computed (CEL). */
const dynamicValueShape = fields({ value: anything, selector: text, expression: text });
export type DynamicValue = Read<typeof dynamicValueShape>;

const itemFields = {
  when: listOf(patternShape),
  priority: integer,
  cache: fields({ key: dynamicValueShape, ttl: integer }),
} as const;

const authenticationShape = fields({
  ...itemFields,
  credentials: fields({
    authorizationHeader: fields({ prefix: text }),
    customHeader: fields({ name: text }),
    queryString: fields({ name: text }),
    cookie: fields({ name: text }),
  }),
  overrides: mapOf(dynamicValueShape),
  defaults: mapOf(dynamicValueShape),
  apiKey: fields({ allNamespaces: flag }),
  jwt: fields({ issuerUrl: text, ttl: integer }),
  oauth2Introspection: fields({ endpoint: text }),
  x509: fields({ allNamespaces: flag }),
  kubernetesTokenReview: fields({ audiences: listOf(text) }),
  plain: dynamicValueShape,
  anonymous: fields({}),
});
export type AuthenticationItem = Read<typeof authenticationShape>;

const httpShape = fields({
  url: text,
  urlExpression: text,
  method: text,
  contentType: text,
  headers: mapOf(dynamicValueShape),
  body: dynamicValueShape,
  bodyParameters: mapOf(dynamicValueShape),
  sharedSecretRef: fields({ name: text, key: text }),
  oauth2: fields({ tokenUrl: text }),
});
export type HttpCall = Read<typeof httpShape>;

const metadataItemShape = fields({
  ...itemFields,
  http: httpShape,
  userInfo: fields({ identitySource: text }),
  uma: fields({ endpoint: text }),
});

const authorizationShape = fields({
  ...itemFields,
  patternMatching: fields({ patterns: listOf(patternShape) }),
  opa: fields({ rego: text, externalPolicy: httpShape, allValues: flag }),
  kubernetesSubjectAccessReview: fields({
    user: dynamicValueShape,
    resourceAttributes: mapOf(dynamicValueShape),
  }),
  spicedb: fields({ endpoint: text }),
});
export type AuthorizationItem = Read<typeof authorizationShape>;

const responseItemShape = fields({
  ...itemFields,
  key: text,
  plain: dynamicValueShape,
  json: fields({ properties: mapOf(dynamicValueShape) }),
  wristband: fields({ issuer: text, customClaims: mapOf(dynamicValueShape) }),
});
export type ResponseItem = Read<typeof responseItemShape>;

const denyShape = fields({
  code: integer,
  message: dynamicValueShape,
  headers: mapOf(dynamicValueShape),
  body: dynamicValueShape,
});

const rulesShape = fields({
  authentication: mapOf(authenticationShape),
  metadata: mapOf(metadataItemShape),
  authorization: mapOf(authorizationShape),
  response: fields({
    unauthenticated: denyShape,
    unauthorized: denyShape,
    success: fields({ headers: mapOf(responseItemShape), filters: mapOf(responseItemShape) }),
  }),
  callbacks: mapOf(fields({ ...itemFields, http: httpShape })),
});
export type AuthRules = Read<typeof rulesShape>;

const whenShape = listOf(fields({ predicate: text }));
const namedPatternsShape = mapOf(fields({ allOf: listOf(patternShape) }));

const authShape = fields({ strategy: text, when: whenShape, patterns: namedPatternsShape, rules: rulesShape });
export type AuthBlock = Read<typeof authShape>;

/** kuadrant.io AuthPolicy */
export const authPolicyShape = fields({
  spec: fields({
    targetRef: targetRefShape,
    when: whenShape,
    patterns: namedPatternsShape,
    rules: rulesShape,
    defaults: authShape,
    overrides: authShape,
  }),
  status: fields({ conditions: listOf(conditionShape) }),
});
