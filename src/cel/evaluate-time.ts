import type { CelFunctions } from "./evaluate-context.ts";
import { giveUp } from "./evaluate-context.ts";
import { timestamp } from "./evaluate-operators.ts";
import { type CelValue, failed, isTagged, noOverload } from "./evaluate-values.ts";

const NS_PER_MS = 1_000_000n;
const NS_PER_SECOND = 1_000_000_000n;

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,20}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** Nanoseconds since 1970 of an RFC 3339 time; undefined for what is none, such as 30 February. */
export function parseTimestamp(text: string): bigint | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day);
  const real = at.getUTCMonth() === month - 1 && at.getUTCDate() === day;
  if (!real || month < 1 || hour > 23 || minute > 59 || second > 59) return undefined;
  at.setUTCHours(hour, minute, second);
  const offset = (Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0)) * (match[8] === "-" ? -1 : 1);
  if (Math.abs(offset) >= 24 * 60) return undefined;
  const fraction = BigInt((match[7] ?? "").slice(0, 9).padEnd(9, "0"));
  return BigInt(at.getTime() - offset * 60_000) * NS_PER_MS + fraction;
}

const UNIT_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: NS_PER_MS,
  s: NS_PER_SECOND,
  m: 60n * NS_PER_SECOND,
  h: 3600n * NS_PER_SECOND,
};

const PART = /^(\d{0,20})(?:\.(\d{0,20}))?(ns|us|µs|μs|ms|s|m|h)/;
const MAX_PARTS = 20;

/** Nanoseconds of a Go duration; undefined for what is none. */
export function parseDuration(text: string): bigint | undefined {
  const negative = text.startsWith("-");
  let rest = text.replace(/^[+-]/, "");
  if (rest === "0") return 0n;
  if (rest === "") return undefined;
  let total = 0n;
  for (let parts = 0; rest !== ""; parts++) {
    const [whole, digits = "", fraction = "", unit = ""] = PART.exec(rest) ?? [];
    const scale = UNIT_NS[unit];
    if (whole === undefined || scale === undefined || digits + fraction === "" || parts === MAX_PARTS) return undefined;
    total += BigInt(digits === "" ? 0 : digits) * scale;
    if (fraction !== "") total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
    rest = rest.slice(whole.length);
  }
  return total >= 2n ** 63n ? undefined : negative ? -total : total;
}

/** The time as CEL writes it. */
export function formatTimestamp(ns: bigint): string {
  const seconds = new Date(Number(ns / NS_PER_MS)).toISOString().slice(0, 19);
  const fraction = ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  const digits = String(fraction)
    .padStart(9, "0")
    .replace(/0{1,9}$/, "");
  return digits === "" ? `${seconds}Z` : `${seconds}.${digits}Z`;
}

/** The span as CEL writes it: seconds. */
export function formatDuration(ns: bigint): string {
  const sign = ns < 0n ? "-" : "";
  const size = ns < 0n ? -ns : ns;
  const digits = String(size % NS_PER_SECOND)
    .padStart(9, "0")
    .replace(/0{1,9}$/, "");
  return `${sign}${size / NS_PER_SECOND}${digits === "" ? "" : `.${digits}`}s`;
}

const DAY_MS = 86_400_000;
const ofDate: Readonly<Record<string, (at: Date) => number>> = {
  getFullYear: (at) => at.getUTCFullYear(),
  getMonth: (at) => at.getUTCMonth(),
  getDate: (at) => at.getUTCDate(),
  getDayOfMonth: (at) => at.getUTCDate() - 1,
  getDayOfWeek: (at) => at.getUTCDay(),
  getDayOfYear: (at) => Math.floor((at.getTime() - new Date(at).setUTCMonth(0, 1)) / DAY_MS),
  getHours: (at) => at.getUTCHours(),
  getMinutes: (at) => at.getUTCMinutes(),
  getSeconds: (at) => at.getUTCSeconds(),
  getMilliseconds: (at) => at.getUTCMilliseconds(),
};

/** The whole units of a span. */
const ofDuration: Readonly<Record<string, bigint>> = {
  getHours: 3600n * NS_PER_SECOND,
  getMinutes: 60n * NS_PER_SECOND,
  getSeconds: NS_PER_SECOND,
  getMilliseconds: NS_PER_MS,
};

const ZONE = /^([+-]?)(\d{2}):(\d{2})$/;

/** Minutes that a zone is ahead of UTC; undefined for zones with a name, whose tables are not here. */
function zoneMinutes(zone: CelValue | undefined): number | undefined {
  if (zone === undefined || zone === "UTC" || zone === "Z") return 0;
  const match = typeof zone === "string" ? ZONE.exec(zone) : null;
  if (match === null) return undefined;
  return (Number(match[2]) * 60 + Number(match[3])) * (match[1] === "-" ? -1 : 1);
}

const getters: CelFunctions = Object.fromEntries(
  Object.entries(ofDate).map(([name, get]) => [
    name,
    ([value = null, zone], context): CelValue => {
      const unit = ofDuration[name];
      if (isTagged(value, "duration") && unit !== undefined) return value.ns / unit;
      if (!isTagged(value, "timestamp")) return noOverload(name, value);
      const minutes = zoneMinutes(zone);
      if (minutes === undefined) return giveUp(context, "time zones with names are not known here");
      return BigInt(get(new Date(Number(value.ns / NS_PER_MS) + minutes * 60_000)));
    },
  ]),
);

/** Times and spans. */
export const TIME_FUNCTIONS: CelFunctions = {
  ...getters,
  duration: ([value = null]) => {
    if (isTagged(value, "duration")) return value;
    const ns = typeof value === "string" ? parseDuration(value) : undefined;
    if (typeof value !== "string") return noOverload("duration", value);
    return ns === undefined ? failed(`invalid duration "${value.slice(0, 100)}"`) : { type: "duration", ns };
  },
  timestamp: ([value = null]) => {
    if (isTagged(value, "timestamp")) return value;
    if (typeof value === "bigint") return timestamp(value * NS_PER_SECOND);
    if (typeof value !== "string") return noOverload("timestamp", value);
    // Go takes the letters of RFC 3339 in capitals only.
    const ns = /[tz]/.test(value) ? undefined : parseTimestamp(value);
    return ns === undefined ? failed(`invalid timestamp "${value.slice(0, 100)}"`) : timestamp(ns);
  },
};
