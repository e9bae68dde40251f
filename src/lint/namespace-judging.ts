import { selectorMatches } from "../model/label-selector.ts";
import type { Topology } from "../model/topology.ts";
import type { AdmissionMode } from "./change.ts";
import type { RuleLevels } from "./levels.ts";
import type { LintProfile, NamespaceChoice } from "./lint-profile.ts";
import type { Profile } from "./run.ts";

/** Namespace label of the platform team: what the validating webhook makes of findings there. */
export const LINT_LABEL = "sluice.dev/lint";

/** How changes in one namespace are judged. */
export type NamespaceJudging = {
  readonly mode: AdmissionMode;
  readonly profile: Profile;
  readonly levels: RuleLevels;
  /** The label's value, when it is none of those that mean something. */
  readonly unclearLabel?: string;
};

/**
 * How changes in a namespace are judged: as the ConfigMap says for all, then as each of its entries that fits, in their
 * order, then as the namespace's label says. A Namespace that is not in view fits no selector.
 */
export function judgingIn(
  namespace: string,
  topology: Topology,
  chosen: LintProfile,
  fallback: Profile,
): NamespaceJudging {
  const seen = topology.objects.get("Namespace", "", namespace);
  const labels = seen === undefined ? undefined : (seen.metadata.labels ?? {});
  const entries = chosen.namespaces.filter((choice) => fits(choice, namespace, labels));
  const profile = entries.findLast((entry) => entry.profile !== undefined)?.profile ?? chosen.profile ?? fallback;
  const levels =
    entries.length === 0 ? chosen.levels : new Map([chosen, ...entries].flatMap((choice) => [...choice.levels]));
  return labelled({ mode: "deny", profile, levels }, labels?.[LINT_LABEL]);
}

type Labels = Readonly<Record<string, string>>;

const fits = ({ names, selector }: NamespaceChoice, namespace: string, labels: Labels | undefined): boolean =>
  names?.has(namespace) === true ||
  (selector !== undefined && labels !== undefined && selectorMatches(selector, labels));

function labelled(judging: NamespaceJudging, label: string | undefined): NamespaceJudging {
  switch (label) {
    case undefined:
      return judging;
    case "off":
    case "warn":
      return { ...judging, mode: label };
    case "default":
    case "strict":
      return { ...judging, profile: label };
    default:
      return { ...judging, unclearLabel: label };
  }
}
