import type { Definition, DefinitionVersion } from "./definition.ts";
import { readSchema, type SchemaNode } from "./schema-node.ts";

/** A version's schema as checks want it, and what of it is not checked. */
export type CompiledVersion = {
  readonly version: DefinitionVersion;
  readonly root: SchemaNode;
  readonly problems: readonly string[];
};

/** The kinds that definitions describe. Schemas are compiled when the first object needs them, each once. */
export type Catalogue = {
  readonly size: number;
  definitionOf(group: string, kind: string): Definition | undefined;
  /** Names of the kinds of a group, for suggestions. */
  kindsOf(group: string): readonly string[];
  compiled(version: DefinitionVersion): CompiledVersion;
};

const keyOf = (group: string, kind: string): string => `${group}/${kind}`;

/** Every object has these, whether or not its definition says so. */
function compile(version: DefinitionVersion): CompiledVersion {
  const schema = version.schema ?? { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  const { root, problems } = readSchema(schema);
  return { version, root: { ...root, embedded: true }, problems };
}

/** Puts definitions together; of two for one kind the later counts. */
export function createCatalogue(definitions: readonly Definition[]): Catalogue {
  const byKind = new Map(definitions.map((definition) => [keyOf(definition.group, definition.kind), definition]));
  const compiled = new Map<DefinitionVersion, CompiledVersion>();
  return {
    size: byKind.size,
    definitionOf: (group, kind) => byKind.get(keyOf(group, kind)),
    kindsOf: (group) => [...byKind.values()].filter((each) => each.group === group).map(({ kind }) => kind),
    compiled(version) {
      const known = compiled.get(version) ?? compile(version);
      compiled.set(version, known);
      return known;
    },
  };
}
