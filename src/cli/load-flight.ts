import { QUERY_OCTETS, type QuestionSource } from "./load-questions.ts";

/** The questions of one client that are under way, in memory that is allocated once. */
export type LoadFlight = {
  readonly size: () => number;
  /** Takes up the next question; gives its slot. To be called only while fewer than `most` are under way. */
  begin(intendedAt: number, sentAt: number): number;
  /** The octets of a slot: with their length before them for a TCP connection. */
  message(slot: number, framed: boolean): Buffer;
  /** Ends the question with this ID; gives when it was to be sent, or -1 when none such is under way. */
  end(id: number): number;
  /** Gives up what was sent before this time; gives the number. */
  expire(before: number): number;
  /** Slots of all that is under way. */
  slots(): readonly number[];
};

/** Two octets of length stand before a message over TCP (RFC 1035 section 4.2.2). */
const FRAME_OCTETS = 2;
const SLOT_OCTETS = FRAME_OCTETS + QUERY_OCTETS;
const LEAST_SLOTS = 64;

/** Room for `most` questions, 1 to 16384. */
export function createLoadFlight(questions: QuestionSource, most: number): LoadFlight {
  // Four times as many as are used, so that an ID comes back late and an answer in time finds its own question.
  const count = 2 ** Math.ceil(Math.log2(Math.max(LEAST_SLOTS, most * 4)));
  const octets = Buffer.allocUnsafeSlow(count * SLOT_OCTETS);
  const lengths = new Uint16Array(count);
  const ids = new Uint16Array(count);
  const intended = new Float64Array(count);
  const sent = new Float64Array(count);
  const busy = new Uint8Array(count);
  let nextId = 0;
  let size = 0;
  const free = (slot: number): void => {
    busy[slot] = 0;
    size--;
  };
  return {
    size: () => size,
    begin(intendedAt, sentAt) {
      while (busy[nextId & (count - 1)] === 1) nextId = (nextId + 1) & 0xffff;
      const slot = nextId & (count - 1);
      const start = slot * SLOT_OCTETS;
      const length = questions.write(octets, start + FRAME_OCTETS, nextId);
      octets.writeUInt16BE(length, start);
      lengths[slot] = length;
      ids[slot] = nextId;
      intended[slot] = intendedAt;
      sent[slot] = sentAt;
      busy[slot] = 1;
      size++;
      nextId = (nextId + 1) & 0xffff;
      return slot;
    },
    message(slot, framed) {
      const start = slot * SLOT_OCTETS;
      const end = start + FRAME_OCTETS + (lengths[slot] as number);
      return octets.subarray(framed ? start : start + FRAME_OCTETS, end);
    },
    end(id) {
      const slot = id & (count - 1);
      if (busy[slot] === 0 || ids[slot] !== id) return -1;
      free(slot);
      return intended[slot] as number;
    },
    expire(before) {
      let lost = 0;
      for (let slot = 0; size > 0 && slot < count; slot++) {
        if (busy[slot] === 0 || (sent[slot] as number) >= before) continue;
        free(slot);
        lost++;
      }
      return lost;
    },
    slots: () => [...busy.keys()].filter((slot) => busy[slot] === 1),
  };
}
