import { TYPE } from "../../wire/codes.ts";
import type { WireMessage } from "../../wire/records.ts";

/** Types whose records lead to other names, or that stand for all types. */
const LEADING = new Set<number>([TYPE.CNAME, TYPE.DNAME, TYPE.HTTPS, TYPE.SVCB, TYPE.ANY]);

/**
 * Whether an answer holds nothing but what was asked for, of the name that was asked for, and leads nowhere: then the
 * guard would keep all of it, and need not look. Most answers are such.
 */
export function isPlain({ key, type, records }: WireMessage): boolean {
  if (LEADING.has(type)) return false;
  for (const record of records) {
    if (record.section !== "answer" || record.type !== type || record.key !== key) return false;
  }
  return true;
}
