import { RCODE } from "../wire/codes.ts";
import { writeRefusal } from "../wire/reply.ts";
import type { Answerer } from "./answerer.ts";

const HEADER_OCTETS = 12;

/** SERVFAIL as a bare header; nothing for a message that must not be answered. */
function servfail(header: Buffer): Buffer | undefined {
  if (header.length < HEADER_OCTETS || (header[2] as number) >= 0x80) return undefined;
  const out = Buffer.alloc(HEADER_OCTETS);
  return out.subarray(0, writeRefusal(out, header, { rcode: RCODE.SERVFAIL }));
}

/** A fault of ours costs one answer, never the worker: the client gets SERVFAIL, `onFault` the error. */
export function withFaultBarrier(answer: Answerer, onFault: (error: unknown) => void): Answerer {
  return (message, client) => {
    try {
      const answered = answer(message, client);
      if (!(answered instanceof Promise)) return answered;
      const header = Buffer.from(message.subarray(0, HEADER_OCTETS));
      return answered.catch((error: unknown) => {
        onFault(error);
        return servfail(header);
      });
    } catch (error) {
      onFault(error);
      return servfail(message);
    }
  };
}
