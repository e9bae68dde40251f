import { type Answer, failed, messageAnswer, type PreparedAnswer } from "../../pipeline/answer.ts";
import { composeMessage } from "../../pipeline/compose.ts";
import { askedName, type Exchange } from "../../pipeline/exchange.ts";
import type { CreateHandler } from "../../pipeline/serve.ts";
import { CLASS_IN, EDE, FLAG, RCODE, TYPE } from "../../wire/codes.ts";
import { isAtOrBelow, type NameKey } from "../../wire/name.ts";
import { recordBlock } from "../../wire/record-block.ts";
import type { NoSettings } from "../directive.ts";
import { settingKey } from "../zone-lookup.ts";

/** A week (CoreDNS plugin/local). */
const TTL_SECONDS = 604_800;

const LOCALHOST = settingKey("localhost.");
const LOOPBACK_NAME = settingKey("1.0.0.127.in-addr.arpa.");
/** RFC 6303 section 4.2 and RFC 6761 section 6.3, as far as CoreDNS serves them. */
const ZONES: readonly NameKey[] = ["localhost.", "0.in-addr.arpa.", "127.in-addr.arpa.", "255.in-addr.arpa."].map(
  settingKey,
);
const REVERSE = settingKey("in-addr.arpa.");

const NAME_DATA = Buffer.from(`${LOCALHOST}\0`, "latin1");
/** Serial 1, no refresh, retry or expiry, negative answers kept as long as all others (CoreDNS plugin/local). */
const SOA_DATA = Buffer.concat([
  NAME_DATA,
  Buffer.from(`\x04root${LOCALHOST}\0`, "latin1"),
  Uint8Array.of(0, 0, 0, 1, ...new Uint8Array(12)),
  Uint8Array.of(TTL_SECONDS >>> 24, (TTL_SECONDS >> 16) & 0xff, (TTL_SECONDS >> 8) & 0xff, TTL_SECONDS & 0xff),
]);

const positive = (type: number, data: Uint8Array): PreparedAnswer => ({
  form: "prepared",
  by: "local",
  rcode: RCODE.NOERROR,
  answer: recordBlock({ type, ttlSeconds: TTL_SECONDS, data: [data] }),
});

const ADDRESSES = new Map<number, PreparedAnswer>([
  [TYPE.A, positive(TYPE.A, Uint8Array.of(127, 0, 0, 1))],
  [TYPE.AAAA, positive(TYPE.AAAA, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))],
]);
const APEX = new Map<number, PreparedAnswer>([
  [TYPE.SOA, positive(TYPE.SOA, SOA_DATA)],
  [TYPE.NS, positive(TYPE.NS, NAME_DATA)],
]);
const POINTER = positive(TYPE.PTR, NAME_DATA);

/** An empty answer with the zone's SOA. */
function negative(exchange: Exchange, zone: NameKey, rcode: number): Answer {
  const name = askedName(exchange);
  // The owner as the question has it, so that it is a pointer into the question.
  const owner = name.length >= zone.length && exchange.asked.key.endsWith(zone) ? name.slice(-zone.length) : zone;
  const soa = { section: "authority", owner, type: TYPE.SOA, ttlSeconds: TTL_SECONDS, data: SOA_DATA } as const;
  const message = composeMessage(exchange, { rcode, flags: FLAG.AA, pieces: [soa] });
  if (message === undefined) return failed("local", EDE.OTHER, "the answer cannot be written");
  return messageAnswer("local", message, FLAG.AA);
}

/** A name below `localhost` with a search domain behind it: a client that looks for itself. */
const isExpanded = (key: NameKey): boolean => key.length > LOCALHOST.length && key.startsWith(LOCALHOST);

const zoneOf = (key: NameKey): NameKey | undefined =>
  key.endsWith(LOCALHOST) || key.endsWith(REVERSE) ? ZONES.find((zone) => isAtOrBelow(key, zone)) : undefined;

function answerIn(exchange: Exchange, zone: NameKey): Answer {
  const { key, type } = exchange.asked;
  if (key === LOOPBACK_NAME && type === TYPE.PTR) return POINTER;
  if (key !== zone) return negative(exchange, zone, key === LOOPBACK_NAME ? RCODE.NOERROR : RCODE.NXDOMAIN);
  const address = zone === LOCALHOST ? ADDRESSES.get(type) : undefined;
  return address ?? APEX.get(type) ?? negative(exchange, zone, RCODE.NOERROR);
}

/** Answers names that mean this host, so that no other server is asked about them (CoreDNS plugin/local). */
export const createLocalHandler: CreateHandler<NoSettings> = (_, { meter }) => {
  const expanded = meter.counter("coredns_local_localhost_requests_total");
  return {
    wrap: (next) => (exchange) => {
      const { key, type, class: klass } = exchange.asked;
      if (klass !== CLASS_IN) return next(exchange);
      if (isExpanded(key)) {
        expanded.add();
        return ADDRESSES.get(type) ?? negative(exchange, LOCALHOST, RCODE.NOERROR);
      }
      const zone = zoneOf(key);
      return zone === undefined ? next(exchange) : answerIn(exchange, zone);
    },
  };
};
