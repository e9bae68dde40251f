import { type FieldPath, formatPath, valueAt } from "../model/field-path.ts";
import type { Finding } from "../model/finding.ts";

/** Members by which an item of a list is known, so that reordering a list changes no key. */
const IDENTITY_MEMBERS = ["name", "expression", "predicate", "selector", "host", "number", "value"] as const;

/**
 * What makes two findings the same across an update: rule, place and offending value. Positions in lists are replaced
 * by the item's own identity where it has one.
 */
export function ratchetKey(finding: Finding, raw: unknown): string {
  const offender = valueAt(raw, finding.path);
  const text =
    finding.range !== undefined && typeof offender === "string"
      ? offender.slice(finding.range.start, finding.range.end)
      : "";
  return JSON.stringify([finding.rule, formatPath(stablePath(finding.path, raw)), offender ?? null, text]);
}

const stablePath = (path: FieldPath, raw: unknown): FieldPath =>
  path.map((step, index) =>
    typeof step === "number" ? itemIdentity(valueAt(raw, path.slice(0, index + 1)), step) : step,
  );

function itemIdentity(item: unknown, position: number): string | number {
  if (typeof item === "string") return item;
  for (const member of IDENTITY_MEMBERS) {
    const value = valueAt(item, [member]);
    if (typeof value === "string" || typeof value === "number") return `${member}=${value}`;
  }
  return position;
}

/** Splits an update's findings into those it brings and those that stood in the old object already. */
export function ratchet(
  findings: readonly Finding[],
  raw: unknown,
  old: { readonly findings: readonly Finding[]; readonly raw: unknown },
): { readonly fresh: readonly Finding[]; readonly standing: readonly Finding[] } {
  const known = new Set(old.findings.map((finding) => ratchetKey(finding, old.raw)));
  const isFresh = (finding: Finding): boolean => !known.has(ratchetKey(finding, raw));
  return { fresh: findings.filter(isFresh), standing: findings.filter((finding) => !isFresh(finding)) };
}
