import { formatPath } from "../../src/model/field-path.ts";
import { createCatalogue } from "../../src/schema/catalogue.ts";
import { createSchemaChecker } from "../../src/schema/check-object.ts";
import { type Definition, readDefinition } from "../../src/schema/definition.ts";
import { objectsOfText } from "../../src/sources/manifests.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/** A definition of `Toy` of `example.com`, whose spec has this schema. */
export function toyDefinition(spec: JsonSchema, more: JsonSchema = {}): Definition {
  const root = { type: "object", properties: { spec, status: { type: "object" } }, ...more };
  return definition([{ name: "v1", served: true, schema: { openAPIV3Schema: root }, subresources: { status: {} } }]);
}

/** A definition with the versions given. */
export function definition(versions: readonly unknown[], spec: JsonSchema = {}): Definition {
  const read = readDefinition({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "toys.example.com" },
    spec: { group: "example.com", names: { kind: "Toy", plural: "toys" }, scope: "Namespaced", versions, ...spec },
  });
  if (!read.ok) throw new Error(read.problems.join("; "));
  return read.value;
}

export const objectOf = (fields: string): string =>
  `apiVersion: example.com/v1\nkind: Toy\nmetadata: {name: t, namespace: n}\n${fields}\n`;

/** Findings as `path: message`, and what was not checked. */
export function checkText(definitions: readonly Definition[], text: string) {
  const checker = createSchemaChecker(createCatalogue(definitions));
  const { decoded, unknownKinds, problems } = objectsOfText(text, "toy.yaml");
  const objects = [...decoded, ...unknownKinds];
  const findings = objects.flatMap((object) =>
    checker.check(object).findings.map((finding) => ({
      ...finding,
      text: `${formatPath(finding.path)}: ${finding.message}`,
      place: object.locate(finding.path, finding.at ?? "value"),
    })),
  );
  return { findings, texts: findings.map(({ text: found }) => found), notes: checker.notes(), problems };
}

/** Findings about the spec of a Toy, `spec.` left out. */
export const checkSpec = (schema: JsonSchema, spec: string): readonly string[] =>
  checkText([toyDefinition(schema)], objectOf(`spec: ${spec}`)).texts.map((text) => text.replace(/^spec\.?/, ""));
