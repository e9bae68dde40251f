import { type Answer, failed, messageAnswer } from "../../pipeline/answer.ts";
import { composeMessage, type NewRecord } from "../../pipeline/compose.ts";
import { askedName, type Exchange } from "../../pipeline/exchange.ts";
import type { CreateHandler } from "../../pipeline/serve.ts";
import { ipv4Octets, ipv6Octets } from "../../wire/address-octets.ts";
import { CLASS_IN, EDE, FLAG, RCODE, TYPE } from "../../wire/codes.ts";
import { MAX_NAME_OCTETS } from "../../wire/name.ts";
import type { NoSettings } from "../directive.ts";

/** The client's address, and its protocol and port as an SRV record without a target. TTL 0: true for this client only. */
function recordsOf(exchange: Exchange): readonly NewRecord[] {
  const { address, protocol, port } = exchange.client;
  const name = askedName(exchange);
  const records: NewRecord[] = [];
  const octets = ipv4Octets(address) ?? ipv6Octets(address);
  if (octets !== undefined) {
    const type = octets.length === 4 ? TYPE.A : TYPE.AAAA;
    records.push({ section: "additional", owner: name, type, ttlSeconds: 0, data: octets });
  }
  const owner = `\x04_${protocol}${name}`;
  if (owner.length < MAX_NAME_OCTETS) {
    const data = Uint8Array.of(0, 0, 0, 0, port >> 8, port & 0xff, 0);
    records.push({ section: "additional", owner, type: TYPE.SRV, ttlSeconds: 0, data });
  }
  return records;
}

function answer(exchange: Exchange): Answer {
  const pieces = recordsOf(exchange);
  const message = composeMessage(exchange, { rcode: RCODE.NOERROR, flags: FLAG.AA, pieces });
  if (message === undefined) return failed("whoami", EDE.OTHER, "the answer cannot be written");
  return messageAnswer("whoami", message, FLAG.AA);
}

/** Tells every client who it is, whatever it asks (CoreDNS plugin/whoami). */
export const createWhoamiHandler: CreateHandler<NoSettings> = () => ({
  wrap: (next) => (exchange) => (exchange.asked.class === CLASS_IN ? answer(exchange) : next(exchange)),
});
