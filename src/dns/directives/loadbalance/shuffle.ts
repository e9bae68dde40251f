import type { RandomInteger } from "../../upstream/random.ts";
import { TYPE } from "../../wire/codes.ts";
import type { WireMessage, WireRecord } from "../../wire/records.ts";

const isAddress = ({ type }: WireRecord): boolean => type === TYPE.A || type === TYPE.AAAA;
const isMail = ({ type }: WireRecord): boolean => type === TYPE.MX;

const inAnswer = ({ section }: WireRecord): boolean => section === "answer";

/** Whether there is something to change the order of. */
export function canShuffle(records: readonly WireRecord[]): boolean {
  let movable = 0;
  for (const record of records) {
    if (inAnswer(record) && (isAddress(record) || isMail(record)) && ++movable === 2) return true;
  }
  return false;
}

/** Fisher and Yates over the places of `records` that hold what `takesPart` names; all others stay. */
function shufflePlaces(records: WireRecord[], takesPart: (record: WireRecord) => boolean, random: RandomInteger): void {
  const places: number[] = [];
  for (const [place, record] of records.entries()) if (inAnswer(record) && takesPart(record)) places.push(place);
  for (let last = places.length - 1; last > 0; last--) {
    const [one, other] = [places[last] as number, places[random(last + 1)] as number];
    const moved = records[one] as WireRecord;
    records[one] = records[other] as WireRecord;
    records[other] = moved;
  }
}

/** Aliases stand in front of what they lead to; some clients read an answer once, from the top. */
function aliasesFirst(records: readonly WireRecord[]): WireRecord[] {
  const isAlias = (record: WireRecord): boolean => inAnswer(record) && record.type === TYPE.CNAME;
  const first = records.findIndex((record) => isAddress(record) || isMail(record));
  const late = records.some((record, place) => place > first && isAlias(record));
  if (!late) return [...records];
  return [...records.filter(isAlias), ...records.filter((record) => !isAlias(record))];
}

/**
 * The records in an order drawn at random: addresses change places with addresses, MX with MX, aliases come first
 * (CoreDNS plugin/loadbalance). `random` takes bounds to 65536, more than a message has records.
 */
export function shuffled(records: readonly WireRecord[], random: RandomInteger): readonly WireRecord[] {
  const order = aliasesFirst(records);
  shufflePlaces(order, isAddress, random);
  shufflePlaces(order, isMail, random);
  return order;
}

/**
 * Puts the records of a whole message in another order without reading them anew. That is right only where addresses
 * change places at the end of the records, their owners pointers to in front of them: no name stands in what moves, and
 * nothing behind it can point there. Undefined otherwise.
 */
export function reordered(message: WireMessage, order: readonly WireRecord[]): WireMessage | undefined {
  const { bytes, records } = message;
  const first = order.findIndex((record, place) => record !== records[place]);
  if (first === -1) return message;
  const start = (records[first] as WireRecord).start;
  const moving = records.slice(first);
  if (!areLoose(bytes, moving)) return undefined;
  const copy = Buffer.from(bytes);
  let position = start;
  const placed = order.slice(first).map((record) => {
    bytes.copy(copy, position, record.start, record.end);
    const at = { start: position, data: position + record.data - record.start };
    position += record.end - record.start;
    return { ...record, ...at, end: position };
  });
  return { ...message, bytes: copy, records: [...records.slice(0, first), ...placed] };
}

/** Addresses in one piece, the owner of each a pointer that leads in front of the first. */
function areLoose(bytes: Buffer, records: readonly WireRecord[]): boolean {
  const start = records[0]?.start ?? 0;
  return records.every((record, place) => {
    const pointer = bytes.readUInt16BE(record.start);
    return (
      isAddress(record) &&
      pointer >= 0xc000 &&
      (pointer & 0x3fff) < start &&
      record.end === (records[place + 1]?.start ?? record.end)
    );
  });
}
