import { type LintProfile, NO_CHOICES, readLintProfile } from "../lint/lint-profile.ts";
import { rules } from "../lint/rules/index.ts";
import { fail, type Result } from "../model/result.ts";
import type { Log } from "../observe/log.ts";
import type { MetricSample, SampleSource } from "../observe/sample.ts";
import { formatProblem } from "../sources/source-problem.ts";
import { parseYaml } from "../sources/yaml/parse-yaml.ts";
import type { ServedObjects } from "./serve-objects.ts";

/** The ConfigMap of Sluice's own namespace that holds the platform team's choices, and its key. */
export const PROFILE_CONFIG_MAP = "sluice-profile";
export const PROFILE_KEY = "profile.yaml";

/** The choices as they are in force. */
export type ServedProfile = {
  readonly current: () => LintProfile;
  readonly samples: SampleSource;
  readonly close: () => Promise<void>;
};

/** The ConfigMap's texts; undefined: there is no such ConfigMap. */
type Data = Readonly<Record<string, string>> | undefined;

const RULE_IDS = rules.map(({ id }) => id);

/** Reads the ConfigMap's one key. No ConfigMap and an empty text are no choices; a key of another name is a slip. */
export function readProfileData(data: Data): Result<LintProfile> {
  const strangers = Object.keys(data ?? {}).filter((key) => key !== PROFILE_KEY);
  if (strangers.length > 0)
    return fail(`key \`${strangers[0]?.slice(0, 60)}\` is not known; only \`${PROFILE_KEY}\` is`);
  const parsed = parseYaml({ text: data?.[PROFILE_KEY] ?? "", file: PROFILE_KEY });
  const { documents } = parsed;
  // The text is nobody's but ours, so that `off` is a word here, whatever it would be to kubectl.
  const problems = parsed.problems.filter(({ rule }) => rule !== "yaml-ambiguous-scalar");
  if (problems.length > 0) return fail(...problems.map(formatProblem));
  if (documents.length > 1) return fail("more than one YAML document");
  return readLintProfile(documents[0]?.raw, RULE_IDS);
}

/**
 * Follows the ConfigMap where there is a cluster. What cannot be read changes nothing: the choices before it stay in
 * force, at the start there are none.
 */
export function startProfile(objects: Pick<ServedObjects, "followConfigMap">, log: Log): ServedProfile {
  let current = NO_CHOICES;
  let rejected = false;
  const count = { accepted: 0, rejected: 0 };
  const onData = (data: Data): void => {
    const read = readProfileData(data);
    rejected = !read.ok;
    count[read.ok ? "accepted" : "rejected"]++;
    if (read.ok) {
      current = read.value;
      log.info(summaryOf(current), "profile is in force");
    } else {
      const hint = `mend ConfigMap ${PROFILE_CONFIG_MAP}; until then the choices before it stay in force`;
      log.error({ problems: read.problems, hint }, "profile cannot be used");
    }
  };
  const followed = objects.followConfigMap?.(PROFILE_CONFIG_MAP, onData);
  return {
    current: () => current,
    samples: () => (followed === undefined ? [] : samplesOf(count, rejected)),
    close: async () => followed?.close(),
  };
}

const summaryOf = ({ profile, levels, namespaces }: LintProfile) => ({
  profile,
  rules: levels.size,
  namespaces: namespaces.length,
});

function samplesOf(count: { readonly accepted: number; readonly rejected: number }, rejected: boolean) {
  const loads = (outcome: keyof typeof count): MetricSample => ({
    name: "sluice_profile_loads_total",
    help: "Versions of the profile ConfigMap that were read, by what became of them",
    type: "counter",
    labels: { outcome },
    value: count[outcome],
  });
  const inForce: MetricSample = {
    name: "sluice_profile_current",
    help: "Whether the newest profile ConfigMap is in force: 0 means that it cannot be used and an older one is",
    type: "gauge",
    labels: {},
    value: rejected ? 0 : 1,
  };
  return [loads("accepted"), loads("rejected"), inForce];
}
