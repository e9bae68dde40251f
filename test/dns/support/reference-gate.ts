/** What a message asks, as the gate gives it. */
export type ReferenceVerdict = {
  readonly verdict: "drop" | "refuse" | "question";
  readonly rcode?: number;
  readonly query?: object;
};

type Cursor = { readonly octets: readonly number[]; at: number };

/** Takes octets; throws behind the end. */
function take(cursor: Cursor, count: number): number[] {
  const taken = cursor.octets.slice(cursor.at, cursor.at + count);
  if (taken.length < count) throw new RangeError("cut off");
  cursor.at += count;
  return taken;
}

const number = (octets: readonly number[]): number => octets.reduce((sum, octet) => sum * 256 + octet, 0);
const number16 = (cursor: Cursor): number => number(take(cursor, 2));

/** The labels of a name, each with its length; pointers only where they are allowed, and not followed. */
function takeName(cursor: Cursor, pointers: boolean): number[] {
  const name: number[] = [];
  for (;;) {
    const [length = 0] = take(cursor, 1);
    if (length === 0) return name;
    if (length >= 0xc0 && pointers) {
      take(cursor, 1);
      return [...name, length];
    }
    if (length > 63) throw new RangeError("no label");
    name.push(length, ...take(cursor, length));
    if (!pointers && name.length > 254) throw new RangeError("too long");
  }
}

/** The OPT records of the additional section; throws for records that are not whole. */
function takeOpts(cursor: Cursor, before: number, additional: number) {
  const opts = [];
  for (let index = 0; index < before + additional; index++) {
    const owner = takeName(cursor, true);
    const [type, size, ttl] = [number16(cursor), number16(cursor), take(cursor, 4)];
    take(cursor, number16(cursor));
    if (index >= before && type === 41) opts.push({ owner, size, version: ttl[1], flags: ttl[2] ?? 0 });
  }
  return opts;
}

function readQuestion(message: Buffer): ReferenceVerdict {
  const cursor: Cursor = { octets: [...message], at: 0 };
  const [id, flags, questions, answers, authorities, additional] = Array.from({ length: 6 }, () => number16(cursor));
  if (questions !== 1) return { verdict: "refuse", rcode: 1 };
  const name = takeName(cursor, false);
  const [type, klass] = [number16(cursor), number16(cursor)];
  const questionEnd = cursor.at;
  const opts = additional === 0 ? [] : takeOpts(cursor, (answers ?? 0) + (authorities ?? 0), additional ?? 0);
  if (opts.length > 1 || opts.some(({ owner }) => owner.length > 0)) return { verdict: "refuse", rcode: 1 };
  const [opt] = opts;
  const edns = opt && { udpSize: Math.max(512, opt.size), dnssecOk: opt.flags >= 0x80 };
  const key = Buffer.from(name)
    .toString("latin1")
    .replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
  const query = { id, flags, key, type, class: klass, questionEnd, edns };
  if (opt && opt.version !== 0) return { verdict: "refuse", rcode: 16, query };
  if (type === 41) return { verdict: "refuse", rcode: 1, query };
  if (klass === 254 || klass === 255 || type === 251 || type === 252) return { verdict: "refuse", rcode: 5, query };
  return { verdict: "question", query };
}

/** The rules of the gate once more, plain and slow, to compare with. */
export function referenceGate(message: Buffer): ReferenceVerdict {
  if (message.length < 12 || message.readUInt8(2) >= 0x80) return { verdict: "drop" };
  if ((message.readUInt8(2) & 0x78) !== 0) return { verdict: "refuse", rcode: 4 };
  try {
    return readQuestion(message);
  } catch {
    return { verdict: "refuse", rcode: 1 };
  }
}
