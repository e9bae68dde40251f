import type { Node } from "../../cel/ast.ts";
import { valueKey } from "../../cel/guards.ts";
import { headerSegment, headerSubtractions } from "../../cel/header-names.ts";
import { fetchedNames, pathKey, pathRange } from "../../cel/path.ts";
import {
  type CallUse,
  callUses,
  type PathUse,
  pathUses,
  readsHeadersWhole,
  wasmPresence,
} from "../../cel/path-uses.ts";
import type { TextRange } from "../../model/place.ts";
import type { CelSite } from "./expression-sites.ts";
import { isGuaranteed } from "./guaranteed-headers.ts";
import type { Publication } from "./published-filters.ts";
import { celString, quote } from "./quote.ts";

/** A part of the request that a text reads without a default, so that it fails where a caller leaves it out. */
export type AbsentValue = {
  readonly range: TextRange;
  /** The case in which it fails, as words after "if". */
  readonly when: string;
  /** How to give it a default; a sentence. */
  readonly hint: string;
};

/** Every request has them. */
const ALWAYS_THERE = new Set([":authority", "host", ":method", ":path"]);

/** Whether a value that is null when absent stands where null does no harm. */
const isCompared = (parent: Node | undefined): boolean =>
  parent?.kind === "binary" && ["==", "!=", "in"].includes(parent.operator);

function absentHeaders(site: CelSite, tree: Node, publications: readonly Publication[]): readonly AbsentValue[] {
  const whole = readsHeadersWhole(tree);
  const subtractions = headerSubtractions(tree, site.text);
  // A header that is fetched by itself reads null when it is absent.
  const harmless = ({ path, parent, present }: PathUse): boolean =>
    path.test ||
    path.segments.some((segment) => segment.optional) ||
    present.has(pathKey(path)) ||
    (!whole && fetchedNames(path).length > 2 && isCompared(parent)) ||
    subtractions.some(({ start, end }) => start <= path.start && path.start < end);
  const reported = new Set<string>();
  return pathUses(tree, wasmPresence(tree)).flatMap((use): readonly AbsentValue[] => {
    const name = headerSegment(use.path)?.name.toLowerCase();
    if (name === undefined || ALWAYS_THERE.has(name) || reported.has(name)) return [];
    if (harmless(use) || isGuaranteed(name, publications)) return [];
    reported.add(name);
    const read = `request.headers[${celString(name)}]`;
    return [
      {
        range: pathRange(use.path),
        when: `a request has no \`${name}\` header`,
        hint: hintFor(
          use.path.start === tree.start && use.path.end === tree.end,
          `${celString(name)} in request.headers`,
          read,
        ),
      },
    ];
  });
}

/** An expression that is the read alone is replaced as a whole. */
function hintFor(isWhole: boolean, test: string, read: string): string {
  const withDefault = `${test} ? ${read} : 'none'`;
  return isWhole ? `Give a default: \`${withDefault}\`.` : `Give it a default where it is read: \`(${withDefault})\`.`;
}

function absentBodies(site: CelSite, tree: Node): readonly AbsentValue[] {
  const harmless = ({ call, parent, present }: CallUse): boolean =>
    present.has(valueKey(call) ?? "") ||
    isCompared(parent) ||
    (parent?.kind === "call" && parent.name === "optional.ofNonZeroValue");
  return callUses(tree, wasmPresence(tree))
    .filter((use) => use.call.name === "requestBodyJSON" && !harmless(use))
    .map(({ call }) => {
      const read = site.text.slice(call.start, call.end);
      const [pointer] = call.args;
      const field = pointer?.kind === "literal" ? String(pointer.value) : read;
      return {
        range: { start: call.start, end: call.end },
        when: `the body of a request has no ${quote(field)}`,
        hint: `Give a default: \`(${read} != null ? ${read} : 'none')\`.`,
      };
    });
}

/** Headers and fields of the body that an expression of the gateway reads and that a caller may leave out. */
export const absentValues = (
  site: CelSite,
  tree: Node,
  publications: readonly Publication[],
): readonly AbsentValue[] => [...absentHeaders(site, tree, publications), ...absentBodies(site, tree)];
