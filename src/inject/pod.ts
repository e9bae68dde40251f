import type { FieldPath } from "../model/field-path.ts";
import { type Metadata, metadataShape } from "../model/kinds/metadata.ts";
import { type PodSpec, podSpecShape } from "../model/kinds/pod.ts";
import type { ShapeProblem } from "../model/shape.ts";

/** The typed part of a pod that decides about its DNS, beside the JSON it was read from. */
export type ReadPod = {
  readonly metadata: Partial<Metadata>;
  readonly spec: PodSpec;
  /** `spec.dnsConfig` as it stands in the JSON: fields of later Kubernetes versions survive in it. */
  readonly rawDnsConfig: Readonly<Record<string, unknown>>;
};

export type PodReading =
  | { readonly ok: true; readonly pod: ReadPod }
  | { readonly ok: false; readonly path: FieldPath; readonly problem: string };

const isMap = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

const memberOf = (value: unknown, key: string): unknown =>
  isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;

/** Reads a pod out of untyped JSON. Never throws. Any field of a wrong type makes the whole pod malformed. */
export function readPod(raw: unknown): PodReading {
  if (!isMap(raw)) return { ok: false, path: [], problem: "must be a map" };
  const rawMetadata = memberOf(raw, "metadata");
  const rawSpec = memberOf(raw, "spec");
  if (!isMap(rawMetadata)) return { ok: false, path: ["metadata"], problem: "must be a map" };
  if (!isMap(rawSpec)) return { ok: false, path: ["spec"], problem: "must be a map" };
  const problems: ShapeProblem[] = [];
  const metadata = metadataShape.read(rawMetadata, ["metadata"], problems) ?? {};
  const spec = podSpecShape.read(rawSpec, ["spec"], problems) ?? {};
  const [first] = problems;
  if (first !== undefined) return { ok: false, path: first.path, problem: first.message };
  const rawDnsConfig = memberOf(rawSpec, "dnsConfig");
  return { ok: true, pod: { metadata, spec, rawDnsConfig: isMap(rawDnsConfig) ? rawDnsConfig : {} } };
}
