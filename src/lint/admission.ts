import { isDeepStrictEqual } from "node:util";
import { type Decoded, decodeObject } from "../model/decode.ts";
import { valueAt } from "../model/field-path.ts";
import type { Finding } from "../model/finding.ts";
import { formatRef } from "../model/object-ref.ts";
import { type Topology, withObject, withoutObject } from "../model/topology.ts";
import { EXEMPTION_RULE } from "./exemption.ts";
import { ratchet } from "./ratchet.ts";
import { type LintOptions, lintObject, lintTopology } from "./run.ts";

/** One change that the API server asks about. Objects are untyped JSON; `object` is null on DELETE. */
export type ChangeRequest = {
  readonly operation: "CREATE" | "UPDATE" | "DELETE";
  readonly object: unknown;
  readonly oldObject: unknown;
  /** The request's namespace, for objects that carry none. */
  readonly namespace: string;
};

/** `denied` findings refuse the change; `warned` ones are shown. `exempted` rules would have reported. */
export type AdmissionVerdict = {
  readonly denied: readonly Finding[];
  readonly warned: readonly Finding[];
  readonly exempted: readonly string[];
  readonly unknownKind: boolean;
};

const ALLOWED: AdmissionVerdict = { denied: [], warned: [], exempted: [], unknownKind: false };

/**
 * Judges one change against the cluster as it is. Denies an error that the object itself proves, or that contradicts
 * another present object, and that the change brings: what stood there before, what may still come (absence), and
 * everything about an object that is being deleted is a warning. Never throws for any object.
 */
export function judgeChange(request: ChangeRequest, topology: Topology, options: LintOptions): AdmissionVerdict {
  if (request.operation === "DELETE") return judgeDelete(request, topology, options);
  const decoded = decodeIn(request.object, request.namespace);
  if (decoded === undefined) return { ...ALLOWED, unknownKind: true };
  const old = request.operation === "UPDATE" ? decodeIn(request.oldObject, request.namespace) : undefined;
  const after = withObject(topology, decoded);
  const { findings, exempted } = lintObject(decoded.object, after, options);
  const shown = findings.filter(({ severity }) => severity !== "info");
  if (
    isBeingDeleted(decoded) ||
    (old !== undefined && isBeingDeleted(old)) ||
    (old !== undefined && sameSpec(decoded, old))
  ) {
    return { ...ALLOWED, warned: shown, exempted };
  }
  const before = old === undefined ? [] : lintObject(old.object, withObject(topology, old), options).findings;
  const { fresh } = ratchet(shown, decoded.raw, { findings: before, raw: old?.raw });
  const denied = fresh.filter(({ severity, scope }) => severity === "error" && scope !== "absence");
  return { denied, warned: shown.filter((finding) => !denied.includes(finding)), exempted, unknownKind: false };
}

/**
 * What the rest of the cluster loses with the object: findings on other objects that appear when it is gone, each
 * named in its title. Always allowed. Only rules that look at objects of this kind can notice.
 */
function judgeDelete(request: ChangeRequest, topology: Topology, { rules, profile }: LintOptions): AdmissionVerdict {
  const decoded = decodeIn(request.oldObject, request.namespace);
  if (decoded === undefined) return { ...ALLOWED, unknownKind: true };
  const options = { rules: rules.filter(({ reads }) => reads.includes(decoded.object.kind)), profile };
  if (options.rules.length === 0) return ALLOWED;
  const key = ({ rule, object, path, message }: Finding): string => JSON.stringify([rule, object, path, message]);
  const before = new Set(lintTopology(topology, options).map(key));
  const lost = lintTopology(withoutObject(topology, decoded.ref), options).filter(
    (finding) => finding.severity !== "info" && finding.rule !== EXEMPTION_RULE && !before.has(key(finding)),
  );
  const warned = lost.map((finding) => ({
    ...finding,
    title: `${formatRef(finding.object)}: ${finding.title}`,
    path: [],
  }));
  return { ...ALLOWED, warned };
}

function decodeIn(raw: unknown, namespace: string): Decoded | undefined {
  const outcome = decodeObject(raw);
  if (outcome.status !== "decoded") return undefined;
  const { decoded } = outcome;
  if (decoded.ref.namespace !== "" || decoded.object.kind === "Namespace" || decoded.object.kind === "GatewayClass") {
    return decoded;
  }
  const metadata = { ...decoded.object.metadata, namespace };
  return {
    ...decoded,
    ref: { ...decoded.ref, namespace },
    object: { ...decoded.object, metadata } as Decoded["object"],
  };
}

const isBeingDeleted = ({ object }: Decoded): boolean => object.metadata.deletionTimestamp !== undefined;

/** Whether nothing that a rule reads has changed: spec, labels and annotations. */
const sameSpec = (a: Decoded, b: Decoded): boolean =>
  isDeepStrictEqual(valueAt(a.raw, ["spec"]), valueAt(b.raw, ["spec"])) &&
  isDeepStrictEqual(a.object.metadata.labels, b.object.metadata.labels) &&
  isDeepStrictEqual(a.object.metadata.annotations, b.object.metadata.annotations);
