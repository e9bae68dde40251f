import type { Client } from "../server/client.ts";
import type { Query } from "../wire/gate.ts";
import type { NameKey } from "../wire/name.ts";
import type { BlockFacts } from "./block-facts.ts";

/** What is asked for at one point of a server block. */
export type Asked = {
  readonly key: NameKey;
  readonly type: number;
  readonly class: number;
  /**
   * The name as on the wire without the root's zero octet, its case kept, once a directive has changed it; undefined
   * while it is the client's own.
   */
  readonly raw?: string;
};

/** One question of one client on its way through a server block. Immutable: a directive that changes it makes another. */
export type Exchange = {
  readonly client: Client;
  /** The client's message as it came, and what was read of it. The octets stay valid for the life of the exchange. */
  readonly message: Buffer;
  readonly query: Query;
  /** What the next directive is asked. */
  readonly asked: Asked;
  readonly block: BlockFacts;
  /** `performance.now()` when the message was read. */
  readonly startedAt: number;
  /** How often the server was asked anew on behalf of this question; undefined: never. */
  readonly reentries?: number;
};

/** Name, type and class of what is asked, uncompressed, in memory of its own. */
export function questionOctets({ asked, message, query }: Exchange): Buffer {
  if (asked.raw === undefined) {
    const octets = Buffer.from(message.subarray(12, query.questionEnd));
    octets.writeUInt16BE(asked.type, octets.length - 4);
    octets.writeUInt16BE(asked.class, octets.length - 2);
    return octets;
  }
  const octets = Buffer.alloc(asked.raw.length + 5);
  octets.write(asked.raw, 0, "latin1");
  octets.writeUInt16BE(asked.type, octets.length - 4);
  octets.writeUInt16BE(asked.class, octets.length - 2);
  return octets;
}

/** The name that is asked as on the wire without the root's zero octet, in the case in which it was asked. */
export const askedName = ({ asked, message, query }: Exchange): string =>
  asked.raw ?? message.toString("latin1", 12, query.questionEnd - 5);
