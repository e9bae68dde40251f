import { formatRef } from "../../model/object-ref.ts";
import type { LocatedFinding } from "../located-finding.ts";

/** The file of a finding, if it is in one. */
export const fileOfFinding = ({ place, file }: LocatedFinding): string | undefined => place?.file ?? file;

/** `Kind namespace/name` of the finding's object, or nothing for a finding about a file's text. */
export const objectName = ({ finding }: LocatedFinding): string | undefined =>
  finding.object === undefined ? undefined : formatRef(finding.object);

/** A sentence's text, begun with a capital letter and ended with a full stop. */
export const sentence = (text: string): string => {
  const [first = ""] = text;
  const whole = `${first.toUpperCase()}${text.slice(first.length)}`;
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
};
