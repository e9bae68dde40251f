import { KINDS, type Kind } from "../../model/kinds.ts";

/** A kind as the API server serves it. */
export type ApiResource = {
  readonly kind: string;
  readonly group: string;
  /** The versions that can be read, the preferred one first. */
  readonly versions: readonly string[];
  readonly plural: string;
  /** The one object that is meant, where an account may read no other. */
  readonly only?: { readonly namespace: string; readonly name: string };
};

export const resourceOf = (kind: Kind): ApiResource => {
  const { group, versions, plural } = KINDS[kind];
  return { kind, group, versions, plural };
};

/** The path of all objects of a resource, in every namespace, in one, or in that of the one object that is meant. */
export function pathOf({ group, plural, only }: ApiResource, version: string, namespace = only?.namespace): string {
  const place = namespace === undefined ? plural : `namespaces/${encodeURIComponent(namespace)}/${plural}`;
  return group === "" ? `/api/${version}/${place}` : `/apis/${group}/${version}/${place}`;
}

/** What a list or watch is narrowed to. SOURCE: Kubernetes RBAC, `resourceNames` with a `metadata.name` field selector. */
export const selectionOf = ({ only }: ApiResource): Readonly<Record<string, string>> =>
  only === undefined ? {} : { fieldSelector: `metadata.name=${only.name}` };

/** The name of the CustomResourceDefinition that brings a resource. */
export const definitionNameOf = ({ group, plural }: ApiResource): string => `${plural}.${group}`;

/** The rule that a Role needs for a resource, as YAML in one line. */
export function rbacRuleOf({ group, plural, only }: ApiResource, verbs: readonly string[] = ["list", "watch"]): string {
  const names = only === undefined ? "" : `resourceNames: [${JSON.stringify(only.name)}], `;
  return `{apiGroups: [${JSON.stringify(group)}], resources: [${JSON.stringify(plural)}], ${names}verbs: [${verbs.map((verb) => JSON.stringify(verb)).join(", ")}]}`;
}
