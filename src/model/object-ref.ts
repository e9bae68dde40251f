/** Names one Kubernetes object. `namespace` is "" for cluster-scoped kinds. */
export type ObjectRef = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
};

/** `Kind namespace/name`, the form of every message that names an object. */
export const formatRef = (ref: Pick<ObjectRef, "kind" | "namespace" | "name">): string =>
  `${ref.kind} ${formatName(ref)}`;

/** `namespace/name`, or the bare name of a cluster-scoped object. */
export const formatName = (ref: Pick<ObjectRef, "namespace" | "name">): string =>
  ref.namespace === "" ? ref.name : `${ref.namespace}/${ref.name}`;

/** The API group of an apiVersion: "" for the core group. */
export const groupOf = (apiVersion: string): string =>
  apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";

/** Identity of an object whatever the version it was read in: two documents with the same identity are one object. */
export const identityOf = (ref: ObjectRef): string =>
  `${groupOf(ref.apiVersion)}/${ref.kind}/${ref.namespace}/${ref.name}`;
