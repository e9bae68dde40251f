import type { NetworkFailure } from "./network-failure.ts";

/** Who waits for one reply of an upstream. Functions get the waiter itself, so that all waiters share them. */
export type Waiter = {
  /** Set by `send`: the message's ID, and the socket or connection that it left by; undefined again once forgotten. */
  id: number;
  carrier: Carrier | undefined;
  /** A waiter of the same question; its carrier is not used again. */
  readonly older: Waiter | undefined;
  /** A message with the waiter's ID. It may not be the answer: the waiter is only forgotten by `forget`. */
  onMessage(waiter: Waiter, message: Buffer): void;
  /** The network said no. The waiter has been forgotten. */
  onFailure(waiter: Waiter, failure: NetworkFailure): void;
};

/** A UDP socket or a TCP or TLS connection. */
export type Carrier = {
  /** Each message is a datagram: one that does not fit is truncated. */
  readonly datagrams: boolean;
  /**
   * In no order, no ID twice. Few wait on one carrier, so that looking them through is quick; a Map that is filled and
   * emptied all the time leaves tables behind, each of which keeps the next one from being collected for long.
   */
  readonly waiting: Waiter[];
  /** What it is doing and for whom, as Go names it: `read udp 10.0.0.1:40000->10.0.0.2:53`. */
  route(carrier: Carrier): string;
  /** A waiter has been forgotten. */
  onForgotten(carrier: Carrier): void;
  /** It takes no more questions, and is closed when nobody waits any more. */
  retire(carrier: Carrier): void;
};

/** All sockets, or all connections, to one upstream. */
export type Carriers = {
  /** Gives the message its ID and sends it. The octets stay untouched until the waiter is forgotten. */
  send(message: Buffer, waiter: Waiter): void;
  /** Nothing new is kept; each carrier is closed as soon as nobody waits for it. */
  close(): void;
};

/** How long carriers are kept, in milliseconds. */
export type CarrierLimits = {
  /** Closed when unused for so long. */
  readonly expireMs: number;
  /** Closed when as old as that; 0: never. */
  readonly maxAgeMs: number;
  /** Unused ones that are kept; 0: all. */
  readonly maxIdle: number;
};

function waiterOf({ waiting }: Carrier, id: number): Waiter | undefined {
  for (const waiter of waiting) if (waiter.id === id) return waiter;
  return undefined;
}

/** Ends the wait. Harmless when it has ended. */
export function forget(waiter: Waiter): void {
  const { carrier } = waiter;
  if (carrier === undefined) return;
  const { waiting } = carrier;
  const last = waiting.pop();
  if (last !== undefined && last !== waiter) waiting[waiting.indexOf(waiter)] = last;
  waiter.carrier = undefined;
  carrier.onForgotten(carrier);
}

/** Gives a message to who waits for it; without anybody it is passed over. */
export function giveMessage(carrier: Carrier, message: Buffer): void {
  if (message.length < 12) return;
  const waiter = waiterOf(carrier, ((message[0] as number) << 8) | (message[1] as number));
  waiter?.onMessage(waiter, message);
}

/** Ends every wait with a failure. */
export function failAll({ waiting }: Carrier, failure: NetworkFailure): void {
  const waiters = waiting.splice(0);
  for (const waiter of waiters) waiter.carrier = undefined;
  for (const waiter of waiters) waiter.onFailure(waiter, failure);
}

/** Whether a waiter of the same question uses the carrier, or has used it and still waits. */
export function usedBefore(waiter: Waiter, carrier: Carrier): boolean {
  for (let one = waiter.older; one !== undefined; one = one.older) if (one.carrier === carrier) return true;
  return false;
}

/** Puts a waiter under an ID that is free on the carrier, and writes the ID into the message. */
export function enlist(waiter: Waiter, carrier: Carrier, message: Buffer, random: (bound: number) => number): void {
  let id = random(0x10000);
  while (waiterOf(carrier, id) !== undefined) id = random(0x10000);
  carrier.waiting.push(waiter);
  waiter.id = id;
  waiter.carrier = carrier;
  message[0] = id >> 8;
  message[1] = id & 0xff;
}
