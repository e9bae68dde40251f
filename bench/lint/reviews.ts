/** How long one admission review takes beside everything that the cluster holds. */
import { judgeChange } from "../../src/lint/admission.ts";
import { rules } from "../../src/lint/rules/index.ts";
import type { Decoded } from "../../src/model/decode.ts";
import { buildTopology } from "../../src/model/topology.ts";
import { readManifests } from "../../src/sources/manifests.ts";
import { percentile } from "../load/statistics.ts";

export type ReviewTimes = {
  /** Milliseconds, the reviews of all kinds together. */
  readonly p50: number;
  readonly p99: number;
  /** The first review of a picture that nobody has asked before. */
  readonly first: number;
};

const KINDS = new Set([
  "HTTPRoute",
  "AuthPolicy",
  "RateLimitPolicy",
  "TokenRateLimitPolicy",
  "PlanPolicy",
  "DNSPolicy",
  "TLSPolicy",
  "TelemetryPolicy",
]);
const WARM_UP = 1_000;

type Plain = { readonly metadata: Record<string, unknown>; readonly spec: Record<string, unknown> };

function requestFor({ raw, ref }: Decoded, operation: "CREATE" | "UPDATE") {
  const { metadata, spec, ...rest } = structuredClone(raw) as Plain;
  const named = operation === "CREATE" ? { ...metadata, name: `${ref.name}-new` } : metadata;
  const changed = operation === "CREATE" ? spec : { ...spec, note: "changed" };
  const oldObject = operation === "CREATE" ? null : raw;
  return { operation, object: { ...rest, metadata: named, spec: changed }, oldObject, namespace: ref.namespace };
}

/** Judges `count` changes of routes and policies of all kinds, in turn, against all objects of a folder. */
export async function reviewTimes(folder: string, operation: "CREATE" | "UPDATE", count: number): Promise<ReviewTimes> {
  const { decoded } = await readManifests({ paths: [folder] });
  const topology = buildTopology(decoded);
  const changing = decoded.filter(({ ref }) => KINDS.has(ref.kind));
  const options = { rules, profile: "default" as const };
  const judge = (index: number): number => {
    // A prime step, so that kinds and teams alternate.
    const request = requestFor(changing[(index * 101) % changing.length] as Decoded, operation);
    const started = performance.now();
    judgeChange(request, topology, options);
    return performance.now() - started;
  };
  const first = judge(0);
  for (let index = 1; index <= WARM_UP; index += 1) judge(index);
  const times = Array.from({ length: count }, (_, index) => judge(WARM_UP + index)).sort((a, b) => a - b);
  return { first, p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}
