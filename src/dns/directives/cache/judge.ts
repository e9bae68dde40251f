import type { Answer, MessageAnswer, PreparedAnswer } from "../../pipeline/answer.ts";
import { RCODE, TYPE } from "../../wire/codes.ts";
import type { WireRecord } from "../../wire/records.ts";
import type { CachePart, CacheSettings } from "./setup.ts";

/** What an answer is worth to the cache. A `ttlMs` of 0: it is shown so, and not kept. */
export type Verdict = { readonly kind: "success" | "denial" | "failure"; readonly ttlMs: number };

/** MNAME and RNAME of one octet each and five numbers: the shortest data of an SOA. */
const MIN_SOA_OCTETS = 22;
/** RFC 2181 section 8: a greater one counts as zero. */
const MAX_TTL = 0x7fffffff;

/** The least of all records' TTLs, in seconds; OPT is not among them. */
function leastTtl({ records, ttlSeconds }: MessageAnswer): number {
  if (ttlSeconds !== undefined) return ttlSeconds;
  let least = MAX_TTL;
  for (const record of records) if (record.ttlSeconds < least) least = record.ttlSeconds;
  return least;
}

const isSoa = (record: WireRecord): boolean =>
  record.section === "authority" && record.type === TYPE.SOA && record.end - record.data >= MIN_SOA_OCTETS;

/** MINIMUM of the SOA, how long a denial holds (RFC 2308 section 4); undefined without an SOA. */
function denialSeconds({ records, message }: MessageAnswer): number | undefined {
  const soa = records.find(isSoa);
  if (soa === undefined) return undefined;
  const minimum = message.bytes.readUInt32BE(soa.end - 4);
  return minimum > MAX_TTL ? 0 : minimum;
}

/** Whether there is data of the type that was asked for, not only an alias that leads to none. */
export function hasData({ records, message }: MessageAnswer): boolean {
  const { type } = message;
  return records.some((record) => record.section === "answer" && (record.type === type || type === TYPE.ANY));
}

const clip = (seconds: number, { ttl, minimumTtl }: CachePart): number =>
  seconds === 0 ? 0 : Math.min(Math.max(seconds, minimumTtl), ttl) * 1000;

function judgeMessage(answer: MessageAnswer, settings: CacheSettings): Verdict | undefined {
  const { rcode, message } = answer;
  if (message.truncated) return undefined;
  if (rcode === RCODE.SERVFAIL) return { kind: "failure", ttlMs: settings.servfailMs };
  if (rcode === RCODE.NOERROR && hasData(answer)) {
    return { kind: "success", ttlMs: clip(leastTtl(answer), settings.success) };
  }
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return undefined;
  // The SOA is that of the last name of a chain, so an alias to nothing is covered as well (RFC 2308 section 2.1).
  const seconds = denialSeconds(answer);
  if (seconds === undefined) return undefined;
  return { kind: "denial", ttlMs: clip(Math.min(seconds, leastTtl(answer)), settings.denial) };
}

/** An upstream that did not answer, as the `forward` directive reports it. */
const isForwardingFailure = ({ by, rcode, cause }: PreparedAnswer): boolean =>
  by === "forward" && rcode === RCODE.SERVFAIL && cause !== undefined;

/**
 * What an answer is worth: data, a denial with its SOA, or a failure (RFC 2308, RFC 9520). Undefined for what is passed
 * on as it is: other codes, truncated messages, denials without SOA, and what was prepared here.
 */
export function judge(answer: Answer, settings: CacheSettings): Verdict | undefined {
  if (answer.form === "message") return judgeMessage(answer, settings);
  if (answer.form === "dropped" || !isForwardingFailure(answer)) return undefined;
  return { kind: "failure", ttlMs: settings.servfailMs };
}
