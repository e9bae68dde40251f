import type { LocatedFinding } from "../lint/located-finding.ts";
import { ratchet } from "../lint/ratchet.ts";
import { SluiceError } from "../model/errors.ts";
import type { Finding } from "../model/finding.ts";
import { identityOf } from "../model/object-ref.ts";
import { readManifestsAt } from "../sources/git-files.ts";
import { assembleInput, type LintInput, type Underlay } from "./lint-input.ts";
import { judge } from "./lint-judge.ts";
import type { LintSettings } from "./lint-settings.ts";

/** The findings that were not there at the base. */
export type BaseOutcome = {
  readonly fresh: readonly LocatedFinding[];
  readonly older: number;
  /** What could not be compared, one sentence each. */
  readonly notes: readonly string[];
};

type Comparison = {
  readonly ref: string;
  readonly input: LintInput;
  readonly settings: LintSettings;
  readonly today: string;
  readonly underlay?: Underlay;
};

/** Throws SLUICE_USAGE where there is no file whose past could be looked at. */
export function checkBase(ref: string | undefined, paths: readonly string[]): void {
  if (ref === undefined || paths.length > 0) return;
  const hint = "name the files that are laid over the cluster, or leave one of the two out";
  throw new SluiceError("SLUICE_USAGE", "--diff-base compares files, and a cluster alone has none", hint);
}

/** A finding of an object; the others are about the text of a file. */
const ofObject = (finding: LocatedFinding["finding"]): finding is Finding => finding.object !== undefined;

/**
 * Judges the files as they were at a commit, with the settings of now, and leaves what is new. Objects are compared by
 * their identity, so moved files and reordered documents make no difference.
 */
export async function hideOlder(findings: readonly LocatedFinding[], comparison: Comparison): Promise<BaseOutcome> {
  const { ref, input, settings, today, underlay } = comparison;
  const manifests = await readManifestsAt(ref, settings.paths, settings.passOver);
  // What an object was like in the cluster counts as well, whether a file had it or not.
  const over = underlay === undefined ? {} : { underlay: { ...underlay, all: true } };
  const base = assembleInput(
    { manifests, lineOf: () => undefined, lenient: true, definitions: input.definitions.given, ...over },
    settings,
  );
  const before = judge(base, settings, today).kept;
  const older = new Set([
    ...olderOfObjects(findings, before, { now: input, past: base }),
    ...olderOfTexts(findings, before),
  ]);
  return { fresh: findings.filter(({ finding }) => !older.has(finding)), older: older.size, notes: manifests.notes };
}

function olderOfObjects(
  findings: readonly LocatedFinding[],
  before: readonly LocatedFinding[],
  { now, past }: { readonly now: LintInput; readonly past: LintInput },
): readonly LocatedFinding["finding"][] {
  const byObject = (list: readonly LocatedFinding[]) =>
    Map.groupBy(list.map(({ finding }) => finding).filter(ofObject), ({ object }) => identityOf(object));
  const earlier = byObject(before);
  return [...byObject(findings)].flatMap(([identity, own]) => {
    const object = own[0]?.object;
    const old = earlier.get(identity);
    if (object === undefined || old === undefined) return [];
    return ratchet(own, now.rawOf(object), { findings: old, raw: past.rawOf(object) }).standing;
  });
}

/** Findings without an object are the same when they say the same, each one once. */
function olderOfTexts(
  findings: readonly LocatedFinding[],
  before: readonly LocatedFinding[],
): readonly LocatedFinding["finding"][] {
  const keyOf = ({ rule, message }: LocatedFinding["finding"]): string => `${rule} ${message}`;
  const texts = (list: readonly LocatedFinding[]) =>
    list.map(({ finding }) => finding).filter((each) => !ofObject(each));
  const free = Map.groupBy(texts(before), keyOf);
  return texts(findings).filter((finding) => free.get(keyOf(finding))?.pop() !== undefined);
}
