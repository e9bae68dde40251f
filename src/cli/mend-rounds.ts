import type { LocatedFinding } from "../lint/located-finding.ts";
import { formatRef, identityOf } from "../model/object-ref.ts";
import { editYaml, type ObjectChange } from "../sources/yaml/edit-yaml.ts";
import {
  type Candidate,
  candidatesOf,
  type Found,
  groupOf,
  isCandidate,
  keyOf,
  withoutConflicts,
} from "./mend-candidates.ts";

/** Texts of files that differ from what they hold, by the names that the files were read by. */
export type Texts = ReadonlyMap<string, string>;

/** How the input is read and judged. */
export type MendSource<F extends Found> = {
  /** Looks at everything, with some files as if they held other texts. */
  readonly find: (texts: Texts) => Promise<F>;
  /** The text of a file as it is now; undefined when it can no longer be read. */
  readonly textOf: (file: string) => Promise<string | undefined>;
};

/** A finding that names a way to mend it, and why that was not done: a part of a sentence. */
export type NotMended = { readonly located: LocatedFinding; readonly reason: string };

export type MendOutcome<F extends Found> = {
  /** What is found after all mends. */
  readonly found: F;
  /** Files whose text is another one. */
  readonly texts: Texts;
  readonly fixed: number;
  readonly notMended: readonly NotMended[];
};

/** Mends may bring findings that can be mended in turn; more rounds than this are a circle. */
const MAX_ROUNDS = 10;
/** Tries to find out which mends of many cannot be made. */
const MAX_TRIES = 200;

const MORE_ROUNDS = `it comes again after ${MAX_ROUNDS} rounds of mending`;

type Try<F extends Found> =
  | { readonly ok: true; readonly found: F; readonly texts: Texts }
  | { readonly ok: false; readonly suspects: readonly Candidate[]; readonly reason: Reason };

/** Why a candidate failed; `certain` when that does not depend on the others of its round. */
type Reason = { readonly of: (candidate: Candidate) => string; readonly certain: boolean };

type Fault = { readonly candidate: Candidate; readonly reason: string; readonly certain: boolean };

const failed = <F extends Found>(faults: readonly Fault[]): Try<F> => {
  const reasons = new Map(faults.map(({ candidate, reason }) => [candidate, reason]));
  const of = (candidate: Candidate): string => reasons.get(candidate) ?? "";
  return {
    ok: false,
    suspects: [...reasons.keys()],
    reason: { of, certain: faults.every(({ certain }) => certain) },
  };
};

/** The new texts of all files, or the candidates that cannot be written. */
async function edit(
  candidates: readonly Candidate[],
  texts: Texts,
  textOf: (file: string) => Promise<string | undefined>,
): Promise<{ readonly texts: Texts; readonly faults: readonly Fault[] }> {
  const owners = new Map<ObjectChange, Candidate>();
  const byFile = new Map<string, ObjectChange[]>();
  for (const candidate of candidates) {
    for (const [file, changes] of candidate.changes) {
      for (const change of changes) owners.set(change, candidate);
      byFile.set(file, [...(byFile.get(file) ?? []), ...changes]);
    }
  }
  const edited = new Map(texts);
  const faults: Fault[] = [];
  for (const [file, changes] of byFile) {
    const text = texts.get(file) ?? (await textOf(file)) ?? "";
    const outcome = editYaml({ text, file }, changes);
    if ("text" in outcome) edited.set(file, outcome.text);
    else {
      for (const { change, reason, certain } of outcome.refused) {
        const candidate = owners.get(change);
        if (candidate !== undefined) faults.push({ candidate, reason, certain });
      }
    }
  }
  return { texts: edited, faults };
}

const countBy = (findings: readonly LocatedFinding[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const finding of findings) counts.set(groupOf(finding), (counts.get(groupOf(finding)) ?? 0) + 1);
  return counts;
};

/** How many findings are there no more. */
function goneBetween(before: Found, after: Found): number {
  const left = countBy(after.all);
  let gone = 0;
  for (const [group, count] of countBy(before.chosen)) gone += Math.max(0, count - (left.get(group) ?? 0));
  return gone;
}

/** The candidates whose findings are still there. */
function unchanged(before: Found, after: Found, candidates: readonly Candidate[]): readonly Fault[] {
  const [was, is] = [countBy(before.all), countBy(after.all)];
  return [...Map.groupBy(candidates, ({ group }) => group)].flatMap(([group, own]) => {
    const expected = (was.get(group) ?? 0) - own.length;
    if ((is.get(group) ?? 0) <= expected) return [];
    return own.map((candidate) => ({ candidate, reason: "it would not go away", certain: false }));
  });
}

const errorsOf = ({ all }: Found): readonly LocatedFinding[] =>
  all.filter(({ finding }) => finding.severity === "error");

/** The candidates that may have brought an error that was not there before. */
function brokenBy(before: Found, after: Found, candidates: readonly Candidate[]): readonly Fault[] {
  const was = countBy(errorsOf(before));
  const is = countBy(errorsOf(after));
  const fresh = errorsOf(after).filter((error) => (is.get(groupOf(error)) ?? 0) > (was.get(groupOf(error)) ?? 0));
  const [first] = fresh;
  if (first === undefined) return [];
  const touched = new Set(
    fresh.flatMap(({ finding: { object } }) => (object === undefined ? [] : [identityOf(object)])),
  );
  const near = candidates.filter(({ objects }) => [...objects].some((identity) => touched.has(identity)));
  const where = first.finding.object === undefined ? "" : ` for ${formatRef(first.finding.object)}`;
  const reason = `it would bring an error: ${first.finding.rule}${where}`;
  return (near.length > 0 ? near : candidates).map((candidate) => ({ candidate, reason, certain: false }));
}

const inputErrors = ({ input: { manifests } }: Found): number =>
  manifests.problems.filter(({ severity }) => severity === "error").length;

/** Makes some mends together and looks at what they come to. */
async function attempt<F extends Found>(
  source: MendSource<F>,
  before: { readonly found: F; readonly texts: Texts },
  candidates: readonly Candidate[],
): Promise<Try<F>> {
  const { texts, faults } = await edit(candidates, before.texts, source.textOf);
  if (faults.length > 0) return failed(faults);
  const found = await source.find(texts);
  if (inputErrors(found) > inputErrors(before.found)) {
    const reason = "an API server would refuse the object then";
    return failed(candidates.map((candidate) => ({ candidate, reason, certain: false })));
  }
  const wrong = [...unchanged(before.found, found, candidates), ...brokenBy(before.found, found, candidates)];
  return wrong.length > 0 ? failed(wrong) : { ok: true, found, texts };
}

/** Mends as many of the candidates as can be made at once. Undefined when none of them can. */
async function round<F extends Found>(
  source: MendSource<F>,
  before: { readonly found: F; readonly texts: Texts },
  candidates: readonly Candidate[],
  given: { readonly refused: Map<string, string>; tries: number },
): Promise<{ readonly found: F; readonly texts: Texts } | undefined> {
  let group = candidates;
  while (group.length > 0 && given.tries++ < MAX_TRIES) {
    const tried = await attempt(source, before, group);
    if (tried.ok) return tried;
    const { suspects, reason } = tried;
    if (reason.certain || suspects.length <= 1) {
      for (const suspect of suspects) given.refused.set(suspect.key, reason.of(suspect));
      group = group.filter((candidate) => !suspects.includes(candidate));
    } else group = suspects.slice(0, Math.ceil(suspects.length / 2));
  }
  return undefined;
}

/**
 * Mends the chosen findings, round after round, until none is left that can be. Mends that are in each other's way wait
 * for the next round. A mend that cannot be written exactly, leaves its finding, or brings an error is not made, and
 * told with the reason.
 */
export async function mendInRounds<F extends Found>(source: MendSource<F>): Promise<MendOutcome<F>> {
  const refused = new Map<string, string>();
  const given = { refused, tries: 0 };
  let state: { readonly found: F; readonly texts: Texts } = { found: await source.find(new Map()), texts: new Map() };
  let fixed = 0;
  for (let rounds = 0; rounds < MAX_ROUNDS; ) {
    const open = candidatesOf(state.found).filter(({ key }) => !refused.has(key));
    for (const each of open) if (!isCandidate(each)) refused.set(each.key, each.reason);
    const candidates = withoutConflicts(open.filter(isCandidate));
    if (candidates.length === 0 || given.tries >= MAX_TRIES) break;
    const next = await round(source, state, candidates, given);
    if (next === undefined) continue;
    fixed += goneBetween(state.found, next.found);
    state = next;
    rounds++;
  }
  const left = state.found.chosen.filter(({ finding }) => finding.mend !== undefined && finding.object !== undefined);
  const notMended = left.map((located) => ({ located, reason: refused.get(keyOf(located)) ?? MORE_ROUNDS }));
  return { ...state, fixed, notMended };
}
