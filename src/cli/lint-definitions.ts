import { SluiceError } from "../model/errors.ts";
import { type Definition, isDefinition, readDefinition } from "../schema/definition.ts";
import { readDefinitionFiles } from "../sources/definitions.ts";
import { formatPlace } from "../sources/source-problem.ts";

/**
 * The definitions of `--crd-dir`. Throws SLUICE_INPUT_UNREADABLE or SLUICE_INPUT_INVALID for a path or file that cannot
 * be used, and for a definition that says too little.
 */
export async function definitionsOfFolders(folders: readonly string[]): Promise<readonly Definition[]> {
  const documents = await readDefinitionFiles(folders);
  return documents.map(({ raw, locate, file }) => {
    const read = readDefinition(raw);
    if (read.ok) return read.value;
    const place = locate(["metadata", "name"]);
    const where = place === undefined ? file : formatPlace(place);
    throw new SluiceError(
      "SLUICE_INPUT_INVALID",
      `${where}: ${read.problems.join("; ")}`,
      "give definitions of apiextensions.k8s.io/v1, as `kubectl get crd -o yaml` prints them",
    );
  });
}

/** Definitions among objects of any kind, such as manifests of a repository that installs them; what is no whole definition is passed over. */
export const definitionsAmong = (objects: readonly unknown[]): readonly Definition[] =>
  objects.filter(isDefinition).flatMap((raw) => {
    const read = readDefinition(raw);
    return read.ok ? [read.value] : [];
  });
