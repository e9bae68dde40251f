import { withoutObject } from "../model/changed-topology.ts";
import type { Finding } from "../model/finding.ts";
import { formatRef, identityOf } from "../model/object-ref.ts";
import type { Topology } from "../model/topology.ts";
import { type AdmissionVerdict, ALLOWED, type ChangeRequest, type JudgeOptions } from "./change.ts";
import { decodeIn } from "./decode-in.ts";
import { EXEMPTION_RULE } from "./exemption.ts";
import { lostGuards } from "./lost-guards.ts";
import type { Rule } from "./rule.ts";
import { type LintOptions, lintObject } from "./run.ts";

/** Findings so far, after each object; the last one is the verdict. */
export type DeletionSteps = Generator<readonly Finding[], AdmissionVerdict>;

/**
 * What the rest of the cluster loses with an object: what is left unguarded, and findings on other objects that appear
 * when it is gone, each named in its title. Always allowed. Only rules that look at other objects, and know this kind, can notice. Every other object
 * is asked, one a step, so that a caller with more to do can do it in between.
 */
export function* deletionSteps(request: ChangeRequest, topology: Topology, all: JudgeOptions): DeletionSteps {
  if (all.mode === "off") return { ...ALLOWED, inPart: "off" };
  if (all.complete === false) return { ...ALLOWED, inPart: "cache-cold" };
  const gone = decodeIn(request.oldObject, request.namespace);
  if (gone === undefined) return { ...ALLOWED, unknownKind: true };
  const { kind } = gone.object;
  const options = { ...all, rules: all.rules.filter((rule) => isConcerned(rule, kind)) };
  const kinds = new Set<string>(options.rules.flatMap((rule) => rule.kinds));
  const after = withoutObject(topology, gone.ref);
  const known = topology.objects.get(kind, gone.ref.namespace, gone.ref.name) ?? gone.object;
  const warned: Finding[] = [...lostGuards(known, { before: topology, after })];
  for (const { object, ref } of topology.decoded) {
    if (!kinds.has(ref.kind) || identityOf(ref) === identityOf(gone.ref)) continue;
    warned.push(...lostBy(object, { before: topology, after }, options));
    yield warned;
  }
  return { ...ALLOWED, warned };
}

/** Takes all steps at once. */
export function finished(steps: DeletionSteps): AdmissionVerdict {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

const isConcerned = ({ kinds, reads }: Rule, kind: Rule["kinds"][number]): boolean =>
  reads.length > 0 && (reads.includes(kind) || kinds.includes(kind));

const keyOf = ({ rule, path, message }: Finding): string => JSON.stringify([rule, path, message]);

/** What one object is told after the deletion and was not told before. Most are told nothing, and cost one look. */
function lostBy(
  object: Parameters<typeof lintObject>[0],
  { before, after }: { readonly before: Topology; readonly after: Topology },
  options: LintOptions,
): readonly Finding[] {
  const told = lintObject(object, after, options).findings.filter(
    ({ severity, rule }) => severity !== "info" && rule !== EXEMPTION_RULE,
  );
  if (told.length === 0) return [];
  const known = new Set(lintObject(object, before, options).findings.map(keyOf));
  return told
    .filter((finding) => !known.has(keyOf(finding)))
    .map((finding) => ({ ...finding, title: `${formatRef(finding.object)}: ${finding.title}`, path: [] }));
}
