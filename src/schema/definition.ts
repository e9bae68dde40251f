import { fail, ok, type Result } from "../model/result.ts";
import { fieldOf, isMap, type JsonMap } from "./json.ts";

/** One version of a kind, its schema as the definition has it. */
export type DefinitionVersion = {
  readonly name: string;
  readonly served: boolean;
  readonly schema: unknown;
  /** Whether `status` is written apart: what a manifest has there is dropped. */
  readonly statusApart: boolean;
};

/** What a CustomResourceDefinition says about a kind. */
export type Definition = {
  readonly group: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly versions: readonly DefinitionVersion[];
};

const DEFINITION_KIND = "CustomResourceDefinition";
const DEFINITION_GROUP = "apiextensions.k8s.io/";

/** Whether an object is a definition, whatever its version. */
export const isDefinition = (raw: unknown): boolean =>
  isMap(raw) && raw["kind"] === DEFINITION_KIND && String(raw["apiVersion"]).startsWith(DEFINITION_GROUP);

const textOf = (map: JsonMap, name: string): string => {
  const value = fieldOf(map, name);
  return typeof value === "string" ? value : "";
};

function versionsOf(spec: JsonMap): readonly DefinitionVersion[] {
  const versions = fieldOf(spec, "versions");
  if (!Array.isArray(versions)) return [];
  return versions.flatMap((version: unknown): DefinitionVersion[] => {
    if (!isMap(version) || textOf(version, "name") === "") return [];
    const schema = fieldOf(version, "schema");
    const subresources = fieldOf(version, "subresources");
    return [
      {
        name: textOf(version, "name"),
        served: version["served"] !== false,
        schema: isMap(schema) ? fieldOf(schema, "openAPIV3Schema") : undefined,
        statusApart: isMap(subresources) && isMap(fieldOf(subresources, "status")),
      },
    ];
  });
}

/** Reads a CustomResourceDefinition of v1. Never throws; schemas are read later, when an object needs them. */
export function readDefinition(raw: unknown): Result<Definition> {
  if (!isDefinition(raw) || !isMap(raw)) return fail("is no CustomResourceDefinition");
  const spec = fieldOf(raw, "spec");
  if (!isMap(spec)) return fail("the definition has no `spec`");
  if (raw["apiVersion"] !== `${DEFINITION_GROUP}v1`) {
    return fail(`the definition has the version ${String(raw["apiVersion"])}, and only v1 can be read`);
  }
  const names = fieldOf(spec, "names");
  const kind = isMap(names) ? textOf(names, "kind") : "";
  const group = textOf(spec, "group");
  const versions = versionsOf(spec);
  const missing = [
    kind === "" ? "spec.names.kind" : [],
    group === "" ? "spec.group" : [],
    versions.length === 0 ? "spec.versions" : [],
  ].flat();
  if (missing.length > 0) return fail(`the definition lacks ${missing.join(" and ")}`);
  return ok({ group, kind, namespaced: fieldOf(spec, "scope") !== "Cluster", versions });
}
