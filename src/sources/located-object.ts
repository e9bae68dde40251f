import { type Decoded, decodeObject } from "../model/decode.ts";
import { formatPath } from "../model/field-path.ts";
import { identityOf, type ObjectRef } from "../model/object-ref.ts";
import type { Locate, Place } from "../model/place.ts";
import type { ShapeProblem } from "../model/shape.ts";
import { schemaRule } from "./problem-rule.ts";
import type { SourceProblem } from "./source-problem.ts";
import type { SourceDocument } from "./yaml/parse-yaml.ts";

/** An object with where it is written. */
export type LocatedObject = Decoded & { readonly locate: Locate; readonly file: string; readonly index: number };

/** An object of a kind that Sluice does not read. */
export type LocatedUnknown = {
  readonly ref: ObjectRef;
  readonly raw: unknown;
  readonly locate: Locate;
  readonly file: string;
  readonly index: number;
};

/** What one input holds. */
export type SourceObjects = {
  readonly decoded: readonly LocatedObject[];
  readonly unknownKinds: readonly LocatedUnknown[];
  readonly problems: readonly SourceProblem[];
};

const NAME_PATH = ["metadata", "name"] as const;

const placed = (document: SourceDocument, path: ShapeProblem["path"]): { readonly place?: Place } => {
  const place = document.locate(path);
  return place === undefined ? {} : { place };
};

const shapeProblem = (document: SourceDocument, problem: ShapeProblem): Omit<SourceProblem, "rule" | "hint"> => ({
  severity: "error",
  file: document.file,
  ...placed(document, problem.path),
  message: problem.path.length === 0 ? problem.message : `${formatPath(problem.path)} ${problem.message}`,
});

const notAnObject = (document: SourceDocument, problem: ShapeProblem): SourceProblem => ({
  ...shapeProblem(document, problem),
  rule: "object-invalid",
  hint: NOT_AN_OBJECT,
});

/** What an API server would refuse too; the object is read nevertheless. */
const fieldProblem = (
  document: SourceDocument,
  object: ObjectRef,
  { problem, hint }: { readonly problem: ShapeProblem; readonly hint: string },
): SourceProblem => ({
  ...shapeProblem(document, problem),
  rule: schemaRule(object.kind),
  hint,
  field: { object, path: problem.path },
});

const NOT_AN_OBJECT = "every document must be a Kubernetes object with apiVersion, kind and metadata.name";
const WRONG_TYPE = "correct the value; an API server would refuse the object, and Sluice reads it without this field";

/** A map without apiVersion and kind is one mistake, not two. */
function together(problems: readonly ShapeProblem[]): ShapeProblem {
  const [first = { path: [], message: "" }, ...more] = problems;
  if (more.length === 0) return first;
  return {
    path: [],
    message: `${problems.map(({ path }) => formatPath(path)).join(" and ")} must be non-empty strings`,
  };
}

function nameProblem(document: SourceDocument, ref: ObjectRef): SourceProblem[] {
  if (ref.name !== "") return [];
  const problem = { path: NAME_PATH, message: `of this ${ref.kind} is missing` };
  return [fieldProblem(document, ref, { problem, hint: "give the object a name" })];
}

/**
 * Reads the objects of one input. Fields of a wrong type are problems of severity error, and the object is used
 * without them, as decodeObject does it.
 */
export function locateObjects(documents: readonly SourceDocument[]): SourceObjects {
  const decoded: LocatedObject[] = [];
  const unknownKinds: LocatedUnknown[] = [];
  const problems: SourceProblem[] = [];
  for (const document of documents) {
    const { locate, file, index } = document;
    const outcome = decodeObject(document.raw);
    if (outcome.status === "unknown-kind") {
      unknownKinds.push({ ref: outcome.ref, raw: document.raw, locate, file, index });
    } else if (outcome.status === "decoded") {
      decoded.push({ ...outcome.decoded, locate, file, index });
      problems.push(...nameProblem(document, outcome.decoded.ref));
      problems.push(
        ...outcome.decoded.problems.map((problem) =>
          fieldProblem(document, outcome.decoded.ref, { problem, hint: WRONG_TYPE }),
        ),
      );
    } else problems.push(notAnObject(document, together(outcome.problems)));
  }
  return { decoded, unknownKinds, problems };
}

/**
 * The same object without the document that it was read from, which is several times its size: of all places it knows
 * its name's alone, which is all that `laterCounts` asks for.
 */
export function namePlacesOnly(object: LocatedObject): LocatedObject {
  const place = object.locate(NAME_PATH);
  return { ...object, locate: () => place };
}

/** Names that do not identify: none, or one that the API server completes (`generateName`). */
const isNameless = (ref: ObjectRef): boolean => ref.name === "" || ref.name.endsWith("*");

/**
 * Of objects with the same identity the last one counts, as with `kubectl apply` in that order; a warning names
 * both places. The order of what remains does not change.
 */
export function laterCounts(objects: readonly LocatedObject[]): {
  readonly kept: readonly LocatedObject[];
  readonly problems: readonly SourceProblem[];
} {
  const last = new Map<string, LocatedObject>();
  const problems: SourceProblem[] = [];
  for (const object of objects) {
    if (isNameless(object.ref)) continue;
    const identity = identityOf(object.ref);
    const earlier = last.get(identity);
    last.set(identity, object);
    if (earlier !== undefined) problems.push(repeated(earlier, object));
  }
  const kept = objects.filter((object) => isNameless(object.ref) || last.get(identityOf(object.ref)) === object);
  return { kept, problems };
}

function repeated(earlier: LocatedObject, later: LocatedObject): SourceProblem {
  const { kind, namespace, name } = later.ref;
  const place = later.locate(NAME_PATH);
  const first = earlier.locate(NAME_PATH);
  return {
    severity: "warning",
    rule: "object-repeated",
    file: later.file,
    ...(place === undefined ? {} : { place }),
    message: `${kind} ${namespace === "" ? name : `${namespace}/${name}`} is defined twice; this one, the later, counts`,
    hint: "remove one of the two",
    ...(first === undefined ? {} : { related: { place: first, message: "it is first defined here" } }),
  };
}
