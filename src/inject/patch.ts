import fjp from "fast-json-patch";
import { DNS_ANNOTATION, type InjectionDecision } from "./decide.ts";
import type { FingerprintedProfile } from "./profile.ts";
import { sameJson } from "./same-json.ts";

/** The only operation that we send: on a member that is there already it replaces it (RFC 6902 section 4.1). */
export type AddOperation = { readonly op: "add"; readonly path: string; readonly value: unknown };

type Injection = Extract<InjectionDecision, { action: "inject" }>;

const isMap = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

const memberOf = (value: unknown, key: string): unknown =>
  isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;

/** RFC 6901 section 3: `~` and `/` inside one step of a pointer. */
const escapePointer = (step: string): string => step.replaceAll("~", "~0").replaceAll("/", "~1");

const ANNOTATION_PATH = `/metadata/annotations/${escapePointer(DNS_ANNOTATION)}`;

/** The annotation's value: compact JSON for people and scripts. The same decision gives the same text. */
export const dnsAnnotation = ({ config, replaced }: Injection, { fingerprint }: FingerprintedProfile): string =>
  JSON.stringify({ version: 1, nameservers: config.nameservers, profile: fingerprint, replaced });

/**
 * The patch of an injected pod: up to four `add` operations in this order, and nothing else. A test operation or a
 * removal that fails would fail the user's request whatever the failurePolicy says.
 */
export function buildPatch(pod: unknown, decision: Injection, profile: FingerprintedProfile): readonly AddOperation[] {
  const annotations = memberOf(memberOf(pod, "metadata"), "annotations");
  return [
    // A map that is null is as good as absent: nothing can be added to it.
    ...(isMap(annotations) ? [] : [{ op: "add", path: "/metadata/annotations", value: {} } as const]),
    { op: "add", path: ANNOTATION_PATH, value: dnsAnnotation(decision, profile) },
    { op: "add", path: "/spec/dnsPolicy", value: "None" },
    { op: "add", path: "/spec/dnsConfig", value: decision.config },
  ];
}

/**
 * Whether the patch does to the pod what was decided and nothing else: applied to a copy of the members that it
 * touches, and compared with the intended result, which is put together without it. Never throws. Sent patches have
 * passed this; one that has not is a bug, and would fail the user's request.
 */
export function checkPatch(
  pod: unknown,
  patch: readonly AddOperation[],
  decision: Injection,
  profile: FingerprintedProfile,
): boolean {
  const metadata = memberOf(pod, "metadata");
  const spec = memberOf(pod, "spec");
  if (!isMap(metadata) || !isMap(spec)) return false;
  const before = memberOf(metadata, "annotations");
  const kept = isMap(before) ? Object.entries(before) : [];
  const intended = {
    metadata: { annotations: { ...Object.fromEntries(kept), [DNS_ANNOTATION]: dnsAnnotation(decision, profile) } },
    spec: { dnsPolicy: "None", dnsConfig: decision.config },
  };
  try {
    const copy = { metadata: touched(metadata, ["annotations"]), spec: touched(spec, ["dnsPolicy", "dnsConfig"]) };
    // Copies: the library writes later operations into the maps that earlier ones have added.
    const operations = patch.map(({ op, path, value }) => ({ op, path, value: isMap(value) ? { ...value } : value }));
    return sameJson(fjp.applyPatch(copy, operations, true, true).newDocument, intended);
  } catch {
    return false;
  }
}

/** A copy of some members: shallow in the map, and one level below for a map, which is as deep as an operation goes. */
function touched(from: Readonly<Record<string, unknown>>, keys: readonly string[]): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const key of keys) {
    const value = memberOf(from, key);
    if (value !== undefined) copy[key] = isMap(value) ? Object.fromEntries(Object.entries(value)) : value;
  }
  return copy;
}
