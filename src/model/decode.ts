import { metadataShape } from "./kinds/metadata.ts";
import { withoutSecretData } from "./kinds/secret.ts";
import { isKnownKind, KINDS, type Kind, type Kinds } from "./kinds.ts";
import { groupOf, type ObjectRef } from "./object-ref.ts";
import type { Shape, ShapeProblem } from "./shape.ts";

/** One object of a known kind: its typed view, what was wrong with it, and the JSON it was read from. */
export type Decoded<K extends Kind = Kind> = {
  readonly ref: ObjectRef;
  readonly object: Kinds[K];
  readonly problems: readonly ShapeProblem[];
  /** The untyped object, for values that the view does not hold. Never a Secret's data. */
  readonly raw: unknown;
};

export type DecodeOutcome =
  | { readonly status: "decoded"; readonly decoded: Decoded }
  /** A kind that Sluice does not read; not a mistake. */
  | { readonly status: "unknown-kind"; readonly ref: ObjectRef }
  /** Not a Kubernetes object at all. */
  | { readonly status: "not-an-object"; readonly problems: readonly ShapeProblem[] };

const asText = (value: unknown): string => (typeof value === "string" ? value : "");

/**
 * Reads one Kubernetes object. Never throws; fields of a wrong type are reported and left out, unknown fields and
 * versions are passed over. An object without a name (generateName) gets the name `<generateName>*`.
 */
export function decodeObject(raw: unknown): DecodeOutcome {
  if (raw === null || typeof raw !== "object" || Array.isArray(raw)) {
    return { status: "not-an-object", problems: [{ path: [], message: "must be a Kubernetes object, a map" }] };
  }
  const fields = raw as Record<string, unknown>;
  const apiVersion = asText(fields["apiVersion"]);
  const kind = asText(fields["kind"]);
  if (apiVersion === "" || kind === "") {
    const missing = [apiVersion === "" ? "apiVersion" : [], kind === "" ? "kind" : []].flat();
    return {
      status: "not-an-object",
      problems: missing.map((field) => ({ path: [field], message: "must be a non-empty string" })),
    };
  }
  const problems: ShapeProblem[] = [];
  const metadata = metadataShape.read(fields["metadata"] ?? {}, ["metadata"], problems) ?? {};
  const name = metadata.name ?? (metadata.generateName === undefined ? "" : `${metadata.generateName}*`);
  const known = isKnownKind(groupOf(apiVersion), kind);
  const namespace = known && !KINDS[kind].namespaced ? "" : (metadata.namespace ?? "");
  const ref: ObjectRef = { apiVersion, kind, namespace, name };
  if (!known) return { status: "unknown-kind", ref };
  const shape = KINDS[kind].shape as Shape<object>;
  const view = shape.read(fields, [], problems) ?? {};
  const object = { ...view, apiVersion, kind, metadata: { ...metadata, name, namespace } } as Kinds[Kind];
  return {
    status: "decoded",
    decoded: { ref, object, problems, raw: kind === "Secret" ? withoutSecretData(fields) : raw },
  };
}
