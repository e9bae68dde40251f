import { type FieldPath, valueAt } from "../model/field-path.ts";
import { groupOf } from "../model/object-ref.ts";

/** Where each kind that makes pods keeps their template. */
const TEMPLATES: Readonly<Record<string, FieldPath>> = {
  "apps/Deployment": ["spec", "template"],
  "apps/StatefulSet": ["spec", "template"],
  "apps/DaemonSet": ["spec", "template"],
  "apps/ReplicaSet": ["spec", "template"],
  "batch/Job": ["spec", "template"],
  "batch/CronJob": ["spec", "jobTemplate", "spec", "template"],
  "/ReplicationController": ["spec", "template"],
};

/** A pod as the decision sees it, and where in its object it is written. */
export type PodSource = {
  /** `pod`: the object is the pod. `template`: pods will be made from it. */
  readonly from: "pod" | "template";
  readonly pod: unknown;
  readonly path: FieldPath;
  /** For messages: `Deployment web`. */
  readonly label: string;
};

const textAt = (object: unknown, path: FieldPath): string => {
  const value = valueAt(object, path);
  return typeof value === "string" ? value : "";
};

/** The name of an object that may not have one yet: its generateName, and a star for what will be added. */
export function displayNameOf(object: unknown): string {
  const name = textAt(object, ["metadata", "name"]);
  const generateName = textAt(object, ["metadata", "generateName"]);
  return name !== "" || generateName === "" ? name : `${generateName}*`;
}

const templatePathOf = (object: unknown): FieldPath | undefined => {
  const key = `${groupOf(textAt(object, ["apiVersion"]))}/${textAt(object, ["kind"])}`;
  return Object.hasOwn(TEMPLATES, key) ? TEMPLATES[key] : undefined;
};

/**
 * The pod that an object is, or that a workload will make: with a generateName as its controller would give it.
 * Undefined for every other kind. Never throws.
 */
export function podSourceOf(object: unknown): PodSource | undefined {
  const name = displayNameOf(object);
  const kind = textAt(object, ["kind"]);
  const label = `${kind} ${name}`.trimEnd();
  if (kind === "Pod" && textAt(object, ["apiVersion"]) === "v1") return { from: "pod", pod: object, path: [], label };
  const path = templatePathOf(object);
  if (path === undefined) return undefined;
  const template = valueAt(object, path);
  const metadata = valueAt(template, ["metadata"]);
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...(metadata !== null && typeof metadata === "object" && !Array.isArray(metadata) ? metadata : {}),
      generateName: `${name}-`,
    },
    spec: valueAt(template, ["spec"]),
  };
  return { from: "template", pod, path, label };
}
