import { KINDS, type Kind } from "../../model/kinds.ts";

/** A kind as the API server serves it. */
export type ApiResource = {
  readonly kind: string;
  readonly group: string;
  /** The versions that can be read, the preferred one first. */
  readonly versions: readonly string[];
  readonly plural: string;
};

export const resourceOf = (kind: Kind): ApiResource => {
  const { group, versions, plural } = KINDS[kind];
  return { kind, group, versions, plural };
};

/** The path of all objects of a resource, in every namespace. */
export const pathOf = ({ group, plural }: ApiResource, version: string): string =>
  group === "" ? `/api/${version}/${plural}` : `/apis/${group}/${version}/${plural}`;

/** The name of the CustomResourceDefinition that brings a resource. */
export const definitionNameOf = ({ group, plural }: ApiResource): string => `${plural}.${group}`;

/** The rule that a Role needs for a resource, as YAML in one line. */
export const rbacRuleOf = ({ group, plural }: ApiResource): string =>
  `{apiGroups: [${JSON.stringify(group)}], resources: [${JSON.stringify(plural)}], verbs: ["list", "watch"]}`;
