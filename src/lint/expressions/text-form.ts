import type { Node } from "../../cel/ast.ts";
import { availability } from "../../cel/attributes.ts";
import { type AttributePath, namesOf } from "../../cel/path.ts";
import { type StaticType, staticType } from "../../cel/static-type.ts";
import { dynamicType, filterNamed, type Publication, propertyOf } from "./published-filters.ts";

/** A value without text form: how it is called in a message, and what to do about it. */
export type NoText = { readonly called: string; readonly mend: (text: string) => string };

/** What string() of the gateway refuses (wasm-shim af0f9b4, cel-rust d23d0a7). */
const REFUSED: Readonly<Partial<Record<StaticType, NoText>>> = {
  bool: {
    called: "a truth value",
    mend: (text) => `Make a text of it, \`(${text}) ? 'yes' : 'no'\`, or use it in \`when\`.`,
  },
  list: { called: "a list", mend: (text) => `Join it, \`${text}.join(',')\`, or pick one element.` },
  map: { called: "a map", mend: () => "Pick one field of it." },
  message: { called: "a whole structure", mend: () => "Pick one field of it." },
  null: { called: "null", mend: () => "Count by a value that tells callers apart, or leave the counter out." },
  optional: { called: "an optional value", mend: (text) => `Give it a default: \`${text}.orValue('none')\`.` },
};

/** Maps that the gateway cannot even decode; they stand in no expression as anything else. */
const UNDECODED_MAPS = new Set(["source.labels", "destination.labels", "request.context_extensions"]);

/** The type of an attribute in the gateway. Of what filters publish, only what all of them in view agree on. */
function gatewayType(path: AttributePath, publications: readonly Publication[]): StaticType {
  const names = namesOf(path);
  if (UNDECODED_MAPS.has(names.join("."))) return "map";
  const [root, outer, inner] = names;
  if (root !== "auth" || outer === undefined) return tableType(names);
  const types = new Set(
    publications.flatMap(({ filters }) => {
      const filter = filterNamed(filters, outer);
      if (filter === undefined) return [];
      if (names.length === 2) return [filter.item.json === undefined ? dynamicType(filter.item.plain ?? {}) : "map"];
      const property = inner === undefined || names.length > 3 ? undefined : propertyOf(filter, inner);
      return [property === undefined ? "unknown" : dynamicType(property)];
    }),
  );
  const [only] = types;
  if (only === undefined) return tableType(names);
  return types.size === 1 ? only : "unknown";
}

function tableType(names: readonly string[]): StaticType {
  const found = availability("wasm", names);
  return found.status === "available" ? found.type : "unknown";
}

/** Why string() certainly refuses a value in the gateway; undefined when it may take it. */
export const withoutText = (tree: Node, publications: readonly Publication[]): NoText | undefined =>
  REFUSED[staticType(tree, (attribute) => gatewayType(attribute, publications))];
