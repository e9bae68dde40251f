/** Length prefix and the longest message (RFC 1035 section 4.2.2). */
const MAX_FRAME_OCTETS = 2 + 0xffff;
const HEADER_OCTETS = 12;

/** What has come on one TCP connection and is not read as messages yet, in `bytes` from `start` to `end`. */
export type Inbox = {
  bytes: Buffer;
  start: number;
  end: number;
  /** Whether `bytes` is memory of ours, whose rest may be filled. */
  own: boolean;
};

const NOTHING = Buffer.alloc(0);

export const createInbox = (): Inbox => ({ bytes: NOTHING, start: 0, end: 0, own: false });

/**
 * Adds what has come. It is copied only behind a part of a message; then memory doubles up to one frame, so that octets
 * that come one by one are not copied again and again. What has been read stays as it is.
 */
export function receive(inbox: Inbox, chunk: Buffer): void {
  const held = inbox.end - inbox.start;
  if (held === 0) {
    inbox.bytes = chunk;
    inbox.start = 0;
    inbox.end = chunk.length;
    inbox.own = false;
    return;
  }
  if (!inbox.own || inbox.end + chunk.length > inbox.bytes.length) {
    const needed = held + chunk.length;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(2 * needed, MAX_FRAME_OCTETS)));
    inbox.bytes.copy(grown, 0, inbox.start, inbox.end);
    inbox.bytes = grown;
    inbox.start = 0;
    inbox.end = held;
    inbox.own = true;
  }
  chunk.copy(inbox.bytes, inbox.end);
  inbox.end += chunk.length;
}

/**
 * Takes the next message out; undefined when it has not come whole. `malformed` for a length that is less than a
 * header's: it cannot be answered, and what follows cannot be trusted to be a frame.
 */
export function takeMessage(inbox: Inbox): Buffer | "malformed" | undefined {
  const { bytes, start, end } = inbox;
  if (end - start < 2) return undefined;
  const size = bytes.readUInt16BE(start);
  if (size < HEADER_OCTETS) return "malformed";
  if (end - start < 2 + size) return undefined;
  inbox.start = start + 2 + size;
  return bytes.subarray(start + 2, start + 2 + size);
}

/** Forgets what has come, and frees its memory. */
export function empty(inbox: Inbox): void {
  inbox.bytes = NOTHING;
  inbox.start = 0;
  inbox.end = 0;
  inbox.own = false;
}
