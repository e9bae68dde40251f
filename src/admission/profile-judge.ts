import { judgeChange } from "../lint/admission.ts";
import type { AdmissionVerdict, JudgeOptions } from "../lint/change.ts";
import { type DeletionSteps, deletionSteps } from "../lint/deletion.ts";
import type { LintProfile } from "../lint/lint-profile.ts";
import { judgingIn, type NamespaceJudging } from "../lint/namespace-judging.ts";
import type { Rule } from "../lint/rule.ts";
import type { Profile } from "../lint/run.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { Topology } from "../model/topology.ts";
import type { JudgedChange } from "./validate.ts";

/** A verdict, and how severe the judge was told to be. */
export type JudgedVerdict = AdmissionVerdict & { readonly judging?: NamespaceJudging };

export type ProfileJudge = {
  readonly change: (change: JudgedChange, topology: Topology) => JudgedVerdict;
  /** The same for a deletion, which asks all other objects. */
  readonly deletion: (
    change: JudgedChange,
    topology: Topology,
  ) => { readonly steps: DeletionSteps; readonly judging: NamespaceJudging };
};

/**
 * Judges each change as the platform team wants it in its namespace, by the choices as they are at that moment. While
 * the picture is not complete, what other objects say is not used.
 */
export function profileJudge(input: {
  readonly rules: readonly Rule[];
  /** Where the choices name no profile. */
  readonly profile: Profile;
  readonly choices: () => LintProfile;
  readonly snapshot: Pick<Snapshot, "synced">;
}): ProfileJudge {
  const { rules, choices, snapshot } = input;
  const wanted = ({ namespace }: JudgedChange, topology: Topology) => {
    const judging = judgingIn(namespace, topology, choices(), input.profile);
    const { mode, levels, profile } = judging;
    const options: JudgeOptions = { rules, mode, levels, profile, complete: snapshot.synced() };
    return { judging, options };
  };
  return {
    change(change, topology) {
      const { judging, options } = wanted(change, topology);
      return { ...judgeChange(change, topology, options), judging };
    },
    deletion(change, topology) {
      const { judging, options } = wanted(change, topology);
      return { judging, steps: deletionSteps(change, topology, options) };
    },
  };
}
