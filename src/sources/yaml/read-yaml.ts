import type { Place, PlacePart } from "../../model/place.ts";
import { objectsOf } from "./list-items.ts";
import { type ParsedYaml, parseYaml, parseYamlTrees, type SourceDocument, type YamlInput } from "./parse-yaml.ts";
import { type SimpleDocument, simpleDocuments } from "./simple-documents.ts";
import { YAML_LIMITS } from "./yaml-limits.ts";
import { type LocatedTree, locateIn } from "./yaml-locate.ts";

/**
 * `parseYaml`, faster for texts in the simple form: their trees are made only when somebody asks for a place, and only
 * those of the documents that are asked about.
 */
export function readYaml(input: YamlInput): ParsedYaml {
  const simple = Buffer.byteLength(input.text) <= YAML_LIMITS.bytes ? simpleDocuments(input.text) : undefined;
  if (simple === undefined) return parseYaml(input);
  const documents: SourceDocument[] = [];
  for (const document of simple) {
    const written: Written = { ...document, text: input.text, file: input.file };
    for (const { raw, path } of objectsOf(document.value)) {
      const index = documents.length;
      const locate: SourceDocument["locate"] = (field, part) => placeIn(written, [...path, ...field], part);
      documents.push({ raw, locate, file: input.file, index });
    }
  }
  return { documents, problems: [] };
}

type Written = SimpleDocument & { readonly text: string; readonly file: string };

function placeIn(written: Written, path: Parameters<typeof locateIn>[1], part: PlacePart | undefined) {
  const tree = treeOf(written);
  const place = tree === undefined ? undefined : locateIn(tree, path, part);
  return place === undefined ? undefined : movedDown(place, written.line);
}

const movedDown = (place: Place, lines: number): Place => ({
  ...place,
  line: place.line + lines,
  endLine: place.endLine + lines,
});

/** Findings ask for several places of a document, one after the other, and for related ones in between. */
const KEPT_TREES = 64;
const trees = new Map<Written, LocatedTree>();

function treeOf(written: Written): LocatedTree | undefined {
  const { text, file, start, end } = written;
  const input = { text: text.slice(start, end), file };
  const options = { keepSourceTokens: false, withinLimits: true } as const;
  const tree = trees.get(written) ?? parseYamlTrees(input, options).documents[0]?.tree;
  if (tree === undefined) return undefined;
  // Asked for last, dropped last.
  trees.delete(written);
  trees.set(written, tree);
  const [oldest] = trees.keys();
  if (trees.size > KEPT_TREES && oldest !== undefined) trees.delete(oldest);
  return tree;
}
