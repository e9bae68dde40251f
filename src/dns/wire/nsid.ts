import { TYPE } from "./codes.ts";
import type { Query } from "./gate.ts";
import { skipName } from "./name.ts";

/** EDNS option code of NSID (RFC 5001). */
const NSID = 3;

/** The option that tells a client who answered. */
export function nsidOption(id: string): Uint8Array {
  const data = Buffer.from(id);
  const option = Buffer.alloc(4 + data.length);
  option.writeUInt16BE(NSID, 0);
  option.writeUInt16BE(data.length, 2);
  option.set(data, 4);
  return new Uint8Array(option);
}

/** Whether the OPT of a question, which the gate has found sound, has an NSID option. */
export function asksForNsid(message: Buffer, query: Query): boolean {
  let position = query.questionEnd;
  const records = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
  for (let index = 0; index < records; index++) {
    const fixed = skipName(message, position);
    const data = fixed + 10;
    const end = data + message.readUInt16BE(fixed + 8);
    if (message.readUInt16BE(fixed) === TYPE.OPT) return hasOption(message.subarray(data, end));
    position = end;
  }
  return false;
}

function hasOption(options: Buffer): boolean {
  for (let at = 0; at + 4 <= options.length; at += 4 + options.readUInt16BE(at + 2)) {
    if (options.readUInt16BE(at) === NSID) return true;
  }
  return false;
}
