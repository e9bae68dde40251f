/** The finding that a problem of an input is: the id by which levels, exemptions of files and documentation name it. */
export type ProblemRule =
  | "yaml-ambiguous-scalar"
  | "yaml-anchor"
  | "yaml-duplicate-key"
  | "yaml-encoding"
  | "yaml-indentation"
  | "yaml-limit"
  | "yaml-syntax"
  | "yaml-tab"
  | "yaml-tag"
  | "input-unreadable"
  | "object-invalid"
  | "object-repeated"
  | `schema-${string}`;

/** The id of what an API server would refuse in an object of a kind. */
export const schemaRule = (kind: string): `schema-${string}` => `schema-${kind.toLowerCase()}`;
