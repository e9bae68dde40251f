import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import { fail, ok, type Result } from "../../model/result.ts";
import { reverseZones } from "./reverse-zone.ts";

/** RFC 1035 section 2.3.4, text form without root dot. */
const MAX_NAME = 253;
const MAX_LABEL = 63;

/** Octets that a zone may have in its text; `/` is used by RFC 2317 delegations. */
const LABEL = /^[a-z0-9_/*+=~!$&'-]+$/;

/**
 * A zone as an absolute lower-case name with A-labels: `.` or `example.org.`. A CIDR becomes its reverse zones.
 * Problems read as CoreDNS's do.
 */
export function parseZones(text: string): Result<readonly string[]> {
  const [base = "", bits] = text.split("/");
  if (bits !== undefined && isIP(base) !== 0) return reverseZones(base, bits);
  const zone = parseZone(text);
  return zone.ok ? ok([zone.value]) : zone;
}

/** One zone by name; a CIDR is none. */
export function parseZone(text: string): Result<string> {
  if (text === ".") return ok(".");
  if (text.startsWith("*.")) {
    return fail(`'${text}' has a wildcard; a zone covers every name below it: write '${text.slice(2)}'`);
  }
  const bare = text.replace(/\.$/, "");
  const ascii = /^[\x21-\x7e]*$/.test(bare) ? bare.toLowerCase() : domainToASCII(bare);
  const labels = ascii.split(".");
  const valid =
    ascii !== "" && ascii.length <= MAX_NAME && labels.every((label) => label.length <= MAX_LABEL && LABEL.test(label));
  return valid ? ok(`${ascii}.`) : fail(`zone is not a valid domain name: ${shorten(text)}${hintFor(text)}`);
}

function hintFor(text: string): string {
  if (text.includes("{")) return " (put a space before '{')";
  if (text.includes(",")) return " (put a space behind ',')";
  return "";
}

/** Enough of a text to know it again. */
export const shorten = (text: string): string => (text.length > 300 ? `${text.slice(0, 300)}…` : text);

/** Whether a name is a zone's own or lies below it; both absolute and lower case. */
export const isInZone = (name: string, zone: string): boolean =>
  zone === "." || name === zone || name.endsWith(`.${zone}`);
