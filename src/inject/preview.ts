import { decideInjection, type InjectionDecision, type InjectionInput } from "./decide.ts";
import type { Notice } from "./notice.ts";
import { type AddOperation, buildPatch } from "./patch.ts";
import { type PodSource, podSourceOf } from "./workload.ts";

/** What a decision needs beside the object: everything but the pod, which is always taken as being created. */
export type PreviewContext = Pick<InjectionInput, "namespace" | "cluster" | "profile" | "knownPreviousAddresses">;

/** What would become of one pod, or of the pods of one workload. */
export type InjectionPreview = {
  readonly source: PodSource;
  readonly decision: InjectionDecision;
  /** Against the pod itself; of a template it says what its pods will get. Empty unless the action is `inject`. */
  readonly patch: readonly AddOperation[];
};

/** Decides about an object as the webhook would. Undefined for kinds that make no pods. Pure; never throws. */
export function previewInjection(object: unknown, context: PreviewContext): InjectionPreview | undefined {
  const source = podSourceOf(object);
  if (source === undefined) return undefined;
  const { pod } = source;
  const decision = decideInjection({ ...context, pod, operation: "CREATE", subResource: "", groups: [] });
  const patch = decision.action === "inject" ? buildPatch(pod, decision, context.profile) : [];
  return { source, decision, patch };
}

/**
 * What the author of a workload should know of its pods: the decision's warnings and the cause of a denial, with paths
 * into the workload. Nothing for a pod, whose own decision says it.
 */
export function previewNotices({ source, decision }: InjectionPreview): readonly Notice[] {
  if (source.from === "pod") return [];
  const denied = decision.action === "deny" ? [decision.cause] : [];
  return [...denied, ...decision.warnings].map((notice) => placeIn(source, notice));
}

/** A notice of a decision with its path in the object that was given: the namespace's is the same for both. */
export const placeIn = ({ path: template }: PodSource, notice: Notice): Notice => {
  const { path } = notice;
  const outside = path.length === 0 || (path[0] === "metadata" && path[1] === "namespace");
  return outside ? notice : { ...notice, path: [...template, ...path] };
};
