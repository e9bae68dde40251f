import { isDeepStrictEqual } from "node:util";
import type { LocatedFinding } from "../lint/located-finding.ts";
import type { FieldEdit, ObjectEdit } from "../model/edit.ts";
import { editsConflict } from "../model/edit-conflict.ts";
import { formatRef, identityOf, type ObjectRef } from "../model/object-ref.ts";
import type { LocatedObject } from "../sources/located-object.ts";
import type { ObjectChange } from "../sources/yaml/edit-yaml.ts";
import type { LintInput } from "./lint-input.ts";

/** The input, as far as mending has to know it. */
export type MendInput = Pick<LintInput, "manifests" | "rawOf" | "fileOf" | "indexOf">;

/** What one look at the input gave. */
export type Found = {
  readonly input: MendInput;
  /** Every finding that counts. */
  readonly all: readonly LocatedFinding[];
  /** Those of them that are to be mended. */
  readonly chosen: readonly LocatedFinding[];
};

/** A finding that can be mended, with the changes of each file that do it. */
export type Candidate = {
  readonly located: LocatedFinding;
  readonly key: string;
  /** `rule object`: what findings are counted by. */
  readonly group: string;
  /** Identities of the objects that are changed. */
  readonly objects: ReadonlySet<string>;
  readonly changes: ReadonlyMap<string, readonly ObjectChange[]>;
};

/** A finding whose mend cannot be made. */
export type Unmendable = { readonly located: LocatedFinding; readonly key: string; readonly reason: string };

/** What findings are counted by: their rule and object, as positions in lists may shift. */
export const groupOf = ({ finding, file }: LocatedFinding): string =>
  `${finding.rule} ${finding.object === undefined ? (file ?? "") : identityOf(finding.object)}`;

/** The same mend of the same finding, in whatever round. */
export const keyOf = (located: LocatedFinding): string =>
  `${groupOf(located)} ${JSON.stringify([located.finding.path, located.finding.mend?.edits])}`;

const fieldEdit = ({ object: _object, ...edit }: ObjectEdit): FieldEdit => edit;

type Written = { readonly file: string; readonly index: number; readonly raw: unknown };

/** The ways from an object to where it is written. */
function writtenBy(input: MendInput): (object: ObjectRef) => Written | undefined {
  const objects = new Map<string, LocatedObject>();
  for (const object of input.manifests.decoded) objects.set(`${object.index} ${object.file}`, object);
  return (ref) => {
    const file = input.fileOf(ref);
    const index = input.indexOf(ref);
    const found = file === undefined || index === undefined ? undefined : objects.get(`${index} ${file}`);
    return found === undefined ? undefined : { file: found.file, index: found.index, raw: found.raw };
  };
}

/** Whether the fields that are changed are in the file what they were when the object was judged. */
const isAsJudged = (edits: readonly FieldEdit[], written: unknown, judged: unknown): boolean =>
  edits.every(({ path: [step] }) => {
    const own = (raw: unknown): unknown => (raw as Record<string, unknown>)[String(step)];
    // A cluster adds to the metadata what edits of labels and annotations leave alone.
    return step === "metadata" || isDeepStrictEqual(own(written), own(judged));
  });

function candidateOf(
  located: LocatedFinding,
  input: MendInput,
  written: (object: ObjectRef) => Written | undefined,
): Candidate | Unmendable {
  const { finding } = located;
  const key = keyOf(located);
  const changes = new Map<string, ObjectChange[]>();
  const objects = new Set<string>();
  const edits = finding.mend?.edits ?? [];
  const homes = Map.groupBy(edits, ({ object }) => object ?? finding.object);
  const merged = new Map<string, { readonly home: ObjectRef; readonly edits: FieldEdit[] }>();
  for (const [home, own] of homes) {
    if (home === undefined) continue;
    const known = merged.get(identityOf(home));
    if (known === undefined) merged.set(identityOf(home), { home, edits: own.map(fieldEdit) });
    else known.edits.push(...own.map(fieldEdit));
  }
  for (const [identity, own] of merged) {
    const at = written(own.home);
    if (at === undefined) return { located, key, reason: `${formatRef(own.home)} is not in the files` };
    if (!isAsJudged(own.edits, at.raw, input.rawOf(own.home))) {
      return { located, key, reason: `${formatRef(own.home)} was judged otherwise than it is written` };
    }
    objects.add(identity);
    const change = { index: at.index, edits: own.edits, raw: at.raw };
    changes.set(at.file, [...(changes.get(at.file) ?? []), change]);
  }
  return { located, key, group: groupOf(located), objects, changes };
}

const hasErrors = ({ manifests }: MendInput): boolean =>
  manifests.problems.some(({ severity }) => severity === "error");

/** Every finding that is to be mended and names a way, with its changes or the reason why there are none. */
export function candidatesOf({ input, chosen }: Found): readonly (Candidate | Unmendable)[] {
  const written = writtenBy(input);
  const broken = hasErrors(input);
  return chosen
    .filter(({ finding }) => finding.mend !== undefined && finding.object !== undefined)
    .map((located) => {
      if (broken && located.finding.scope === "absence") {
        const reason = "what it misses may be in the input that cannot be read";
        return { located, key: keyOf(located), reason };
      }
      return candidateOf(located, input, written);
    });
}

export const isCandidate = (each: Candidate | Unmendable): each is Candidate => "changes" in each;

/** The candidates that do not get in the way of an earlier one. */
export function withoutConflicts(candidates: readonly Candidate[]): readonly Candidate[] {
  const taken = new Map<string, FieldEdit[]>();
  return candidates.filter(({ changes }) => {
    const wanted = [...changes].flatMap(([file, own]) =>
      own.map(({ index, edits }) => ({ place: `${index} ${file}`, edits })),
    );
    const free = wanted.every(({ place, edits }) =>
      edits.every((edit) => !(taken.get(place) ?? []).some((earlier) => editsConflict(earlier, edit))),
    );
    if (free) for (const { place, edits } of wanted) taken.set(place, [...(taken.get(place) ?? []), ...edits]);
    return free;
  });
}
