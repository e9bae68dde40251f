import { type Answer, failed, messageAnswer, refusal } from "../../pipeline/answer.ts";
import { composeMessage, type Piece } from "../../pipeline/compose.ts";
import { askedName, type Exchange } from "../../pipeline/exchange.ts";
import type { CreateHandler, HandlerContext, Serve } from "../../pipeline/serve.ts";
import { EDE, FLAG, RCODE, TYPE } from "../../wire/codes.ts";
import { isAtOrBelow, type NameKey, nameText } from "../../wire/name.ts";
import { createZoneLookup, settingKey } from "../zone-lookup.ts";
import { apexNode } from "./apex-records.ts";
import { chaseTarget } from "./chase-target.ts";
import { drawRecord } from "./find-records.ts";
import type { RecordNode, RecordSet, RecordZone, RecordZones } from "./record-zones.ts";
import type { KuadrantSettings } from "./setup.ts";
import { type Walk, type WalkDeps, walkAliases } from "./walk-aliases.ts";

const NOT_READY = failed(
  "kuadrant",
  EDE.NOT_READY,
  "DNSRecords are not known yet: waiting for the first complete read",
);
const TOO_LONG = failed("kuadrant", EDE.OTHER, "the records of this name do not fit a message");
const NO_TRANSFER = refusal("kuadrant", RCODE.REFUSED);

/** Looks names up in the newest record zones. */
type Zones = WalkDeps & {
  /** The zone that a name lies in, whether it has records or not; undefined for names of others. */
  readonly keyOf: (key: NameKey) => NameKey | undefined;
};

/** Names in the directive's zones are answered from DNSRecords, with authority; all others are passed on. */
export const createKuadrantHandler: CreateHandler<KuadrantSettings> = (settings, context) => ({
  wrap: (next) => serveZones(createZones(settings, context), context, next),
});

/** Zones with their SOA and NS, made once for each version and zone. */
function createZones({ zones, rname }: KuadrantSettings, { recordZones, random }: HandlerContext): Zones {
  const keys = new Map(zones.map((text) => [text, settingKey(text)]));
  const lookUp = createZoneLookup(zones);
  const keyOf = (key: NameKey): NameKey | undefined => keys.get(lookUp(key) ?? "");
  let made = new Map<NameKey, RecordZone>();
  let source: RecordZones | undefined;
  return {
    keyOf,
    random,
    zoneOf(key) {
      const zone = keyOf(key);
      if (zone === undefined) return undefined;
      const current = recordZones();
      if (current !== source) made = new Map();
      source = current;
      const known = made.get(zone) ?? completeZone(zone, current, rname);
      made.set(zone, known);
      return known;
    },
  };
}

function completeZone(zone: NameKey, { zones, version }: RecordZones, rname: string | undefined): RecordZone {
  const nodes: ReadonlyMap<NameKey, RecordNode> = zones.get(zone)?.nodes ?? new Map();
  const apex = apexNode(zone, nodes.get(zone) ?? new Map(), rname, version);
  return { zone, nodes: new Map([...nodes, [zone, apex]]) };
}

function serveZones(zones: Zones, { recordZones, reenter }: HandlerContext, next: Serve): Serve {
  return (exchange) => {
    const { key, type } = exchange.asked;
    if (zones.keyOf(key) === undefined) return next(exchange);
    if (type === TYPE.AXFR || type === TYPE.IXFR) return NO_TRANSFER;
    if (!recordZones().synced) return NOT_READY;
    const walk = walkAliases(zones, askedName(exchange), type);
    if (walk.end.kind === "outside") return chaseTarget(exchange, walk, reenter);
    return answerWalk(zones, exchange, walk);
  };
}

function answerWalk(zones: Zones, exchange: Exchange, { aliases, owner, end }: Walk): Answer {
  switch (end.kind) {
    case "data": {
      const prepared = aliases.length === 0 ? end.sets[0]?.[1].prepared : undefined;
      if (prepared !== undefined) return { form: "prepared", by: "kuadrant", rcode: RCODE.NOERROR, answer: prepared };
      const pieces = end.sets.flatMap(([type, set]) => recordPieces("answer", owner, type, set, zones.random));
      return compose(exchange, RCODE.NOERROR, [...aliases, ...pieces]);
    }
    case "nodata":
    case "nothing": {
      const soa = zones.zoneOf(end.zone)?.nodes.get(end.zone)?.get(TYPE.SOA);
      const authority = soa === undefined ? [] : recordPieces("authority", end.zone, TYPE.SOA, soa);
      const rcode = end.kind === "nothing" ? RCODE.NXDOMAIN : RCODE.NOERROR;
      return compose(exchange, rcode, [...aliases, ...authority]);
    }
    case "delegation": {
      const authority = recordPieces("authority", end.cut, TYPE.NS, end.servers);
      const flags = aliases.length === 0 ? 0 : FLAG.AA;
      return compose(exchange, RCODE.NOERROR, [...aliases, ...authority, ...glue(zones, end.cut, end.servers)], flags);
    }
    default: {
      const text = `the aliases of ${nameText(exchange.asked.key)} lead in a circle or further than 8 names`;
      return failed("kuadrant", EDE.OTHER, text);
    }
  }
}

function compose(exchange: Exchange, rcode: number, pieces: readonly Piece[], flags: number = FLAG.AA): Answer {
  const message = composeMessage(exchange, { rcode, flags, pieces });
  return message === undefined ? TOO_LONG : messageAnswer("kuadrant", message, flags);
}

/** All records of a set; the one that is drawn by weight comes first. */
function recordPieces(
  section: "answer" | "authority" | "additional",
  owner: string,
  type: number,
  set: RecordSet,
  random?: (bound: number) => number,
): readonly Piece[] {
  const first = random === undefined ? 0 : drawRecord(set, random);
  const { data, ttlSeconds } = set;
  // An alias is one; addresses are all shown.
  const shown = type === TYPE.CNAME ? data.slice(first, first + 1) : [...data.slice(first), ...data.slice(0, first)];
  return shown.map((octets) => ({ section, owner, type, ttlSeconds, data: octets }));
}

/** Addresses of a delegation's servers that lie in the delegated zone itself: nobody else could tell them. */
function glue(zones: Zones, cut: NameKey, { data }: RecordSet): readonly Piece[] {
  return data.flatMap((octets) => {
    const name = Buffer.from(octets).toString("latin1", 0, octets.length - 1);
    const node = isAtOrBelow(name, cut) ? zones.zoneOf(name)?.nodes.get(name) : undefined;
    return [TYPE.A, TYPE.AAAA].flatMap((type) => {
      const set = node?.get(type);
      return set === undefined ? [] : recordPieces("additional", name, type, set);
    });
  });
}
