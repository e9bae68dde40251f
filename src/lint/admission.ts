import { isDeepStrictEqual } from "node:util";
import { withObject } from "../model/changed-topology.ts";
import type { Decoded } from "../model/decode.ts";
import { valueAt } from "../model/field-path.ts";
import type { Finding } from "../model/finding.ts";
import type { Kind, Kinds } from "../model/kinds.ts";
import type { Topology } from "../model/topology.ts";
import { literalCredentials } from "./auth/literal-credentials.ts";
import { type AdmissionVerdict, ALLOWED, type ChangeRequest, type JudgedInPart, type JudgeOptions } from "./change.ts";
import { decodeIn } from "./decode-in.ts";
import { deletionSteps, finished } from "./deletion.ts";
import { EXEMPTION_RULE, IGNORE_ANNOTATION } from "./exemption.ts";
import { ratchet } from "./ratchet.ts";
import { type LintOptions, lintObject, type ObjectVerdict } from "./run.ts";

/**
 * Judges one change against the cluster as it is. Denies an error that the object itself proves, or that contradicts
 * another present object, and that the change brings: what stood there before, what may still come (absence), what a
 * change of metadata brings, and everything about an object that is being deleted is a warning. Never throws for any
 * object.
 */
export function judgeChange(request: ChangeRequest, topology: Topology, options: JudgeOptions): AdmissionVerdict {
  const { mode = "deny", complete = true } = options;
  if (mode === "off") return { ...ALLOWED, inPart: "off" };
  if (request.operation === "DELETE") {
    return finished(deletionSteps(request, topology, options));
  }
  const decoded = decodeIn(request.object, request.namespace);
  if (decoded === undefined) return { ...ALLOWED, unknownKind: true };
  const old = request.operation === "UPDATE" ? decodeIn(request.oldObject, request.namespace) : undefined;
  const inPart = reasonForPart(decoded, old, complete);
  const { findings, exempted } =
    inPart === "unchanged-spec"
      ? judgeAlone(decoded, topology, options)
      : judgeWhole(decoded, topology, options, inPart === undefined);
  const shown = findings.filter(({ severity }) => severity !== "info");
  const mayDeny = mode === "deny" && !isBeingDeletedIn(decoded, old) && !(old !== undefined && sameSpec(decoded, old));
  const denied = mayDeny ? deniedOf(shown, decoded, old, { topology, options }) : [];
  return {
    denied,
    warned: shown.filter((finding) => !denied.includes(finding)),
    exempted,
    unknownKind: false,
    ...(inPart === undefined ? {} : { inPart }),
    ...(shown.length === 0 ? {} : secretsOf(decoded.object)),
  };
}

/**
 * An object that goes, or whose spec, labels and annotations are what they were, is not worth the question what it
 * means to all others (webhook contract, 3.2).
 */
function reasonForPart(decoded: Decoded, old: Decoded | undefined, complete: boolean): JudgedInPart | undefined {
  if (isBeingDeletedIn(decoded, old)) return "being-deleted";
  if (old !== undefined && sameSpec(decoded, old) && sameMarks(decoded, old)) return "unchanged-spec";
  return complete ? undefined : "cache-cold";
}

/** The findings of all rules, or of these what the object alone proves. */
function judgeWhole(decoded: Decoded, topology: Topology, options: LintOptions, withOthers: boolean): ObjectVerdict {
  const verdict = lintObject(decoded.object, withObject(topology, decoded), options);
  return withOthers ? verdict : { ...verdict, findings: verdict.findings.filter(isLocal) };
}

/** The findings of the rules that look at no other object. */
function judgeAlone({ object }: Decoded, topology: Topology, options: LintOptions): ObjectVerdict {
  const rules = options.rules.filter(({ reads }) => reads.length === 0);
  const verdict = lintObject(object, topology, { ...options, rules });
  // An exemption from one of the other rules only seems to have no effect.
  return { ...verdict, findings: verdict.findings.filter(({ rule }) => rule !== EXEMPTION_RULE).filter(isLocal) };
}

const isLocal = ({ scope }: Finding): boolean => scope === "object";

type Judging = { readonly topology: Topology; readonly options: LintOptions };

/** What refuses: errors that are provable and that the old object did not have, whatever it was exempt from. */
function deniedOf(
  shown: readonly Finding[],
  decoded: Decoded,
  old: Decoded | undefined,
  { topology, options }: Judging,
): readonly Finding[] {
  const provable = shown.filter(({ severity, scope }) => severity === "error" && scope !== "absence");
  if (provable.length === 0 || old === undefined) return provable;
  const plain = withoutExemptions(old);
  const before = lintObject(plain.object, withObject(topology, plain), options).findings;
  return ratchet(provable, decoded.raw, { findings: before, raw: old.raw }).fresh;
}

/** The object without its exemptions: an error that was set aside stood there all the same. */
function withoutExemptions(decoded: Decoded): Decoded {
  const { [IGNORE_ANNOTATION]: _ignore, ...annotations } = decoded.object.metadata.annotations ?? {};
  const object = { ...decoded.object, metadata: { ...decoded.object.metadata, annotations } } as Kinds[Kind];
  return { ...decoded, object };
}

function secretsOf(object: Kinds[Kind]): Pick<AdmissionVerdict, "secrets"> {
  const secrets = [...new Set(literalCredentials(object).map(({ text }) => text))];
  return secrets.length === 0 ? {} : { secrets };
}

const isBeingDeleted = ({ object }: Decoded): boolean => object.metadata.deletionTimestamp !== undefined;

const isBeingDeletedIn = (decoded: Decoded, old: Decoded | undefined): boolean =>
  isBeingDeleted(decoded) || (old !== undefined && isBeingDeleted(old));

const sameSpec = (a: Decoded, b: Decoded): boolean =>
  isDeepStrictEqual(valueAt(a.raw, ["spec"]), valueAt(b.raw, ["spec"]));

/** Whether labels and annotations, which rules read too, are the same. */
const sameMarks = (a: Decoded, b: Decoded): boolean =>
  isDeepStrictEqual(a.object.metadata.labels, b.object.metadata.labels) &&
  isDeepStrictEqual(a.object.metadata.annotations, b.object.metadata.annotations);
