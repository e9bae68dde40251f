import type { Rule } from "../../src/lint/rule.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { applyEdits } from "../../src/model/apply-edits.ts";
import { decodeObject } from "../../src/model/decode.ts";
import type { ObjectEdit } from "../../src/model/edit.ts";
import { formatPath, valueAt } from "../../src/model/field-path.ts";
import type { Finding } from "../../src/model/finding.ts";
import { identityOf, type ObjectRef } from "../../src/model/object-ref.ts";
import { buildTopology } from "../../src/model/topology.ts";

/** What rules find in untyped objects, in the strict profile. Fails on an object that has a wrong type. */
export function findIn(raws: readonly unknown[], rules: readonly Rule[]): readonly Finding[] {
  const decoded = raws.map((raw) => {
    const outcome = decodeObject(raw);
    if (outcome.status !== "decoded" || outcome.decoded.problems.length > 0) throw new Error(JSON.stringify(outcome));
    return outcome.decoded;
  });
  return lintTopology(buildTopology(decoded), { rules, profile: "strict" });
}

const identityIn = (raw: unknown): string => {
  const outcome = decodeObject(raw);
  return outcome.status === "decoded" ? identityOf(outcome.decoded.ref) : "";
};

const homeOf = ({ object }: Finding, edit: ObjectEdit): ObjectRef => edit.object ?? object;

/** The objects after the mend of one finding. Fails when it has none, or when an edit does not fit. */
export function mend(finding: Finding, raws: readonly unknown[]): readonly unknown[] {
  const edits = finding.mend?.edits ?? [];
  if (edits.length === 0) throw new Error(`${finding.rule} has no mend`);
  const byObject = Map.groupBy(edits, (edit) => identityOf(homeOf(finding, edit)));
  const unknown = [...byObject.keys()].filter((identity) => !raws.some((raw) => identityIn(raw) === identity));
  if (unknown.length > 0) throw new Error(`${finding.rule} mends ${unknown.join()}, which is not there`);
  return raws.map((raw) => {
    const own = byObject.get(identityIn(raw));
    const mended = own === undefined ? raw : applyEdits(raw, own);
    if (mended === undefined) throw new Error(`${finding.rule}: the edits do not fit: ${JSON.stringify(own)}`);
    return mended;
  });
}

/** Most rounds that the findings of an example take until none of them can be mended. */
const MOST_ROUNDS = 20;

/** The objects after every mend of some rules, one after the other, until none is left. */
export function mendAll(raws: readonly unknown[], rules: readonly Rule[]): readonly unknown[] {
  let current = raws;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const next = findIn(current, rules).find((finding) => finding.mend !== undefined);
    if (next === undefined) return current;
    current = mend(next, current);
  }
  throw new Error("mending does not come to an end");
}

/** What a mend leaves behind, in the form of `ExpectedFinding.mended`; undefined when there is none. */
export function describeMend(finding: Finding, raws: readonly unknown[]): string | undefined {
  if (finding.mend === undefined) return undefined;
  const after = mend(finding, raws);
  const parts = finding.mend.edits.map((edit) => {
    const home = homeOf(finding, edit);
    const raw = after.find((one) => identityIn(one) === identityOf(home));
    const path = formatPath(edit.path);
    const isOwn = identityOf(home) === identityOf(finding.object);
    const place = isOwn ? path : `${home.kind} ${home.name} ${path}`;
    if (edit.op === "remove") return `- ${place}`;
    const value = valueAt(raw, edit.path);
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return isOwn && path === formatPath(finding.path) ? text : `${place}: ${text}`;
  });
  return [...new Set(parts)].join("; ");
}
