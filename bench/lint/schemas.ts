/** JSON schemas for kubeconform, made from the CRDs of Gateway API's and Istio's Go modules. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { moduleFolder } from "../peers/lint-binaries.ts";

type Definition = {
  readonly kind?: string;
  readonly spec?: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly name: string; readonly schema?: { readonly openAPIV3Schema?: object } }[];
  };
};

async function definitionFiles(): Promise<string[]> {
  const gateway = join(await moduleFolder("sigs.k8s.io/gateway-api"), "config", "crd", "standard");
  const istio = join(await moduleFolder("istio.io/api"), "kubernetes", "customresourcedefinitions.gen.yaml");
  const names = (await readdir(gateway)).filter((name) => name.endsWith(".yaml"));
  return [...names.map((name) => join(gateway, name)), istio];
}

/** Writes a file for every version of every kind; the result is what `-schema-location` wants. */
export async function writeSchemas(folder: string): Promise<string> {
  for (const file of await definitionFiles()) {
    for (const document of parseAllDocuments(await readFile(file, "utf8"))) {
      const { kind, spec } = ("toJSON" in document ? document.toJSON() : {}) as Definition;
      if (kind !== "CustomResourceDefinition" || spec === undefined) continue;
      await mkdir(join(folder, spec.group), { recursive: true });
      for (const { name, schema } of spec.versions) {
        const target = join(folder, spec.group, `${spec.names.kind.toLowerCase()}_${name}.json`);
        await writeFile(target, JSON.stringify(schema?.openAPIV3Schema ?? {}));
      }
    }
  }
  return join(folder, "{{ .Group }}", "{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json");
}
