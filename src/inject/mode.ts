/** The label that opts a namespace in. */
export const EGRESS_LABEL = "sluice.dev/egress";

/**
 * What the namespace's label asks for. `off`: not opted in. `audit`: only tell. `enabled`: fail open.
 * `strict`: fail closed.
 */
export type InjectionMode = "off" | "audit" | "enabled" | "strict";

/** What is known of the pod's namespace. `labels` is undefined when the Namespace itself has not been seen. */
export type NamespaceFacts = {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly terminating?: boolean;
};

/** A label's value, or undefined; reads own properties only. */
export const labelOf = (labels: Readonly<Record<string, string>> | undefined, key: string): string | undefined =>
  labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;

/**
 * The mode of a namespace. One that has not been seen counts as `enabled`: the API server asks for opted-in
 * namespaces only. A value that is no mode counts as `enabled` too, with `unclear` set, so that a slip of the pen
 * does not let traffic out.
 */
export function modeOf(namespace: NamespaceFacts): { readonly mode: InjectionMode; readonly unclear?: string } {
  if (namespace.labels === undefined) return { mode: "enabled" };
  const value = labelOf(namespace.labels, EGRESS_LABEL);
  if (value === undefined || value === "disabled") return { mode: "off" };
  if (value === "audit" || value === "enabled" || value === "strict") return { mode: value };
  return { mode: "enabled", unclear: value };
}
