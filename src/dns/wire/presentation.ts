import { fail, ok, type Result } from "../../model/result.ts";
import { CLASS_IN, TYPE, typeCode } from "./codes.ts";
import { readWords, type Word } from "./master-file-words.ts";
import { firstLabel, parentKey } from "./name.ts";
import { absoluteName, encodeRecordData, readSeconds } from "./record-data.ts";

/** A record that was read from text; with a section it is one of a message to be composed. */
export type PresentedRecord = {
  /** As on the wire without the root's zero octet; the case is kept. */
  readonly owner: string;
  readonly type: number;
  readonly class: number;
  readonly ttlSeconds: number;
  /** As on the wire; names uncompressed. */
  readonly data: Uint8Array;
};

/** Holds the largest record there is with every octet as `\DDD`. */
const MAX_TEXT = 300_000;

/** What a record without a TTL gets (miekg/dns, which CoreDNS is built on). */
const DEFAULT_TTL = 3600;

const CLASSES: Readonly<Record<string, number>> = { IN: CLASS_IN, CS: 2, CH: 3, HS: 4 };

/** Types of questions and of EDNS, which no record of a zone has (RFC 6895 section 3.1). */
const META_TYPES = new Set<number>([0, TYPE.OPT, TYPE.IXFR, TYPE.AXFR, TYPE.ANY]);

/**
 * Reads one record in the text form of a zone file (RFC 1035 section 5.1): `NAME [TTL] [CLASS] TYPE DATA`, TTL and class
 * in either order. Without an origin every name is absolute, its last dot or not.
 */
export function parseRecord(text: string): Result<PresentedRecord> {
  if (text.length > MAX_TEXT) return fail(`record is longer than ${MAX_TEXT} characters`);
  const words = readWords(text);
  if (!words.ok) return words;
  const [name, ...rest] = words.value;
  if (name === undefined) return fail("record is empty");
  const owner = absoluteName(name.text);
  if (owner === undefined) return fail(`'${name.text.slice(0, 60)}' is no name`);
  const { place, ttlSeconds = DEFAULT_TTL, class: klass = CLASS_IN } = readOptional(rest);
  const word = rest[place]?.text ?? "";
  const type = typeCode(word);
  if (type === undefined || META_TYPES.has(type)) return fail(`'${word.slice(0, 60)}' is no type of a record`);
  const data = encodeRecordData(type, rest.slice(place + 1));
  return data.ok ? ok({ owner, type, class: klass, ttlSeconds, data: data.value }) : data;
}

type Optional = { readonly place: number; readonly ttlSeconds?: number; readonly class?: number };

/** TTL and class, each at most once; `place` is where the type stands. */
function readOptional(words: readonly Word[]): Optional {
  let found: Optional = { place: 0 };
  for (const { text } of words.slice(0, 2)) {
    const ttlSeconds = found.ttlSeconds === undefined ? readSeconds(text) : undefined;
    const klass = found.class === undefined && ttlSeconds === undefined ? classOf(text) : undefined;
    if (ttlSeconds !== undefined) found = { ...found, place: found.place + 1, ttlSeconds };
    else if (klass !== undefined) found = { ...found, place: found.place + 1, class: klass };
    else break;
  }
  return found;
}

function classOf(text: string): number | undefined {
  const upper = text.toUpperCase();
  if (Object.hasOwn(CLASSES, upper)) return CLASSES[upper];
  const code = /^CLASS(\d{1,5})$/.exec(upper)?.[1];
  return code !== undefined && Number(code) <= 0xffff ? Number(code) : undefined;
}

/** A label that needs no escape. */
const PLAIN_LABEL = /^[!#-&*-,\-/0-9:<-?A-Z[\]^-~]*$/;

const escapeOctet = (octet: string): string => {
  const code = octet.charCodeAt(0);
  if (code < 0x20 || code > 0x7e) return `\\${String(code).padStart(3, "0")}`;
  return ". '@;()\"\\".includes(octet) ? `\\${octet}` : octet;
};

/** A name as CoreDNS shows it to patterns and templates, with root dot: its escapes differ a little from `dig`'s. */
export function corednsName(key: string): string {
  if (key === "") return ".";
  let text = "";
  for (let rest = key; rest !== ""; rest = parentKey(rest)) {
    const label = firstLabel(rest);
    text += PLAIN_LABEL.test(label) ? `${label}.` : `${[...label].map(escapeOctet).join("")}.`;
  }
  return text;
}
