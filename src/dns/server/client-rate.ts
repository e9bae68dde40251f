import { randomFillSync } from "node:crypto";

/** Forwarded questions a second that one client gets, and how many it may save up. */
export const DEFAULT_CLIENT_RATE: ClientRate = { perSecond: 500, burst: 1_000 };

export type ClientRate = {
  /** Infinity: no limit; so is more than a million. */
  readonly perSecond: number;
  readonly burst: number;
};

/** `refuse` says so to the client, `drop` no longer does: an answer to a forged source would hit the victim. */
export type RateVerdict = "pass" | "refuse" | "drop";

/** Questions over the rate, in a row, that are refused before they are dropped. */
const REFUSALS = 100;

/**
 * Clients are remembered in sets of a few places each: the client that has not asked for longest makes room. A forgotten
 * client starts with its full burst.
 */
const WAYS = 8;
const SETS = 4_096;
const PLACES = WAYS * SETS;
/** Two numbers that nobody outside knows, so that no address can be chosen to share a place with another. */
const SEEDS = 2;

/** Memory in which all workers count the questions of all clients together. */
export function clientRateMemory(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer((SEEDS + 4 * PLACES) * Int32Array.BYTES_PER_ELEMENT);
  randomFillSync(new Int32Array(memory, 0, SEEDS));
  return memory;
}

/** The longest time in which a bucket is filled: without any rate one fills in a day. */
const LONGEST_FILL_MILLISECONDS = 86_400_000;
/** Ticks of a whole bucket at most: two of them must not fill half of 32 bits. */
const MOST_TICKS = 2 ** 28;
const MOST_TICKS_A_MILLISECOND = 1_000;

type Scale = {
  readonly ticksAMillisecond: number;
  /** What one question costs, and what a full bucket holds. */
  readonly cost: number;
  readonly full: number;
  readonly fillMilliseconds: number;
};

function scaleOf({ perSecond, burst }: ClientRate): Scale {
  const fillMilliseconds = Math.min(LONGEST_FILL_MILLISECONDS, (burst / perSecond) * 1_000);
  const ticksAMillisecond = Math.min(MOST_TICKS_A_MILLISECOND, MOST_TICKS / fillMilliseconds);
  const cost = Math.round((fillMilliseconds * ticksAMillisecond) / burst);
  return { ticksAMillisecond, cost, full: cost * burst, fillMilliseconds };
}

/** What is known of each client, by its place. */
type Places = {
  readonly seeds: Int32Array;
  /** Which client has the place; 0: none. */
  readonly marks: Int32Array;
  /** When the bucket is full again, in ticks, of which 32 bits are kept. */
  readonly fullAt: Int32Array;
  /** When the client asked last, in milliseconds, of which 32 bits are kept. */
  readonly seen: Int32Array;
  /** Questions refused in a row. */
  readonly refused: Int32Array;
};

function placesIn(memory: SharedArrayBuffer): Places {
  const part = (index: number) =>
    new Int32Array(memory, (SEEDS + index * PLACES) * Int32Array.BYTES_PER_ELEMENT, PLACES);
  const seeds = new Int32Array(memory, 0, SEEDS);
  return { seeds, marks: part(0), fullAt: part(1), seen: part(2), refused: part(3) };
}

/**
 * A bucket for each client, over forwarded questions only: egress answers cost nothing and amplify nothing. All workers
 * with the same memory count together: a client's sockets are spread over them. A bucket is the time at which it is full
 * again, so that taking from it is one atomic exchange. `now` gives milliseconds of a clock that all workers share.
 */
export function createClientRate(
  rate: ClientRate,
  now: () => number,
  memory: SharedArrayBuffer,
): (client: string) => RateVerdict {
  const scale = scaleOf(rate);
  if (rate.perSecond === Number.POSITIVE_INFINITY || scale.cost < 1) return () => "pass";
  const places = placesIn(memory);
  const { refused } = places;
  return (client) => {
    const at = now();
    const place = placeOf(places, client, at, scale);
    if (takes(places, place, at, scale)) {
      if (refused[place] !== 0) Atomics.store(refused, place, 0);
      return "pass";
    }
    // A client that is dropped is no longer counted, lest the number wraps.
    if ((refused[place] as number) >= REFUSALS) return "drop";
    return Atomics.add(refused, place, 1) < REFUSALS ? "refuse" : "drop";
  };
}

const tickOf = (at: number, { ticksAMillisecond }: Scale): number => Math.floor(at * ticksAMillisecond) | 0;

/** Takes one question out of the bucket, unless too little is in it. */
function takes({ fullAt, seen }: Places, place: number, at: number, scale: Scale): boolean {
  const { cost, full, fillMilliseconds } = scale;
  const tick = tickOf(at, scale);
  // 32 bits come round after a while: what has not been looked at for long is full.
  const idle = ((at | 0) - (seen[place] as number)) | 0;
  const rested = idle > fillMilliseconds;
  seen[place] = at | 0;
  for (;;) {
    const before = Atomics.load(fullAt, place);
    const ahead = (before - tick) | 0;
    const missing = rested || ahead < 0 || ahead > full ? 0 : ahead;
    if (missing + cost > full) return false;
    if (Atomics.compareExchange(fullAt, place, before, (tick + missing + cost) | 0) === before) return true;
  }
}

/** The client's place, which is made where it has none. */
function placeOf({ seeds, marks, fullAt, seen, refused }: Places, client: string, at: number, scale: Scale): number {
  let set = seeds[0] as number;
  let mark = seeds[1] as number;
  for (let index = 0; index < client.length; index++) {
    const letter = client.charCodeAt(index);
    set = Math.imul(set ^ letter, 0x01000193);
    mark = Math.imul(mark ^ letter, 0x5bd1e995);
    mark ^= mark >>> 15;
  }
  set = Math.imul(set ^ (set >>> 16), 0x45d9f3b);
  mark = mark === 0 ? 1 : mark;
  const first = ((set ^ (set >>> 15)) & (SETS - 1)) * WAYS;
  let eldest = first;
  let eldestIdle = -1;
  for (let place = first; place < first + WAYS; place++) {
    if (marks[place] === mark) return place;
    const idle = marks[place] === 0 ? Number.POSITIVE_INFINITY : ((at | 0) - (seen[place] as number)) >>> 0;
    if (idle > eldestIdle) {
      eldest = place;
      eldestIdle = idle;
    }
  }
  marks[eldest] = mark;
  seen[eldest] = at | 0;
  Atomics.store(refused, eldest, 0);
  Atomics.store(fullAt, eldest, tickOf(at, scale));
  return eldest;
}
