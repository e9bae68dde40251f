import { OWN_UDP_OCTETS } from "../wire/reply.ts";

/** How many datagrams, one behind the other, have memory of their own. */
const SLOTS = 8;
/** Datagrams that wait for a kernel that takes none now; more are lost, as the kernel would lose them. */
const MAX_WAITING = 1_024;

/** Memory of one datagram, with its views by their length: few lengths occur, and making a view costs a copy's time. */
type Slot = { readonly memory: Buffer; readonly views: (Buffer | undefined)[] };

const createSlots = (): Slot[] =>
  Array.from({ length: SLOTS }, () => ({ memory: Buffer.allocUnsafeSlow(OWN_UDP_OCTETS), views: [] }));

/** Copies of datagrams that may wait to be sent; undefined for one that is lost. Each is good for one send. */
export type Outbox = (bytes: Buffer) => Buffer | undefined;

/**
 * Gives what is sent memory that nobody else writes to: a datagram that the kernel does not take at once is read later,
 * and then must not be another client's answer. The memory is used again once `waiting`, the number of datagrams not yet
 * taken, is 0; otherwise it is left to them.
 */
export function createOutbox(waiting: () => number): Outbox {
  let slots = createSlots();
  let next = 0;
  let jammed = false;
  return (bytes) => {
    const { length } = bytes;
    if (next === SLOTS) {
      next = 0;
      const count = waiting();
      jammed = count > MAX_WAITING;
      if (count > 0 && !jammed) slots = createSlots();
    }
    const slot = slots[next++] as Slot;
    if (jammed) return undefined;
    if (length > OWN_UDP_OCTETS) return Buffer.from(bytes);
    let view = slot.views[length];
    if (view === undefined) {
      view = slot.memory.subarray(0, length);
      slot.views[length] = view;
    }
    view.set(bytes);
    return view;
  };
}
