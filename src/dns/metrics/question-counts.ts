import { rcodeText } from "../directives/dns-words.ts";
import type { Client, Protocol } from "../server/client.ts";
import { TYPE, typeName } from "../wire/codes.ts";
import type { Query } from "../wire/gate.ts";
import type { Counter, Histogram, Meter } from "./meter.ts";

/** Which series are counted in. */
export type QuestionLabels = {
  /** `dns://:53`. */
  readonly server: string;
  /** The zone of the server block, as text. */
  readonly zone: string;
};

/** Counts the questions of one zone of one server block, at the server's edge. */
export type QuestionCounts = {
  /** A question that has come, and the length of its message. */
  request(client: Client, query: Query, octets: number): void;
  /** What is sent: who answered, how, how long the message is, and how long the question has waited. */
  response(by: string, rcode: number, client: Client, octets: number, seconds: number): void;
};

/** Counts what reaches no server block, under the zone `dropped`. */
export type DroppedCounts = {
  /** Without a `query` the question could not be read. */
  request(client: Client, query: Query | undefined): void;
  response(rcode: number): void;
};

/** Types with a `type` label of their own, as CoreDNS 1.14.7 counts them; all others are `other`. */
const COUNTED_TYPES: readonly number[] = [
  ...[TYPE.AAAA, TYPE.A, TYPE.CNAME, TYPE.DNSKEY, TYPE.DS, TYPE.MX, TYPE.NSEC3, TYPE.NSEC, TYPE.NS, TYPE.PTR],
  ...[TYPE.RRSIG, TYPE.SOA, TYPE.SRV, TYPE.TXT, TYPE.HTTPS, TYPE.SVCB, TYPE.IXFR, TYPE.AXFR, TYPE.ANY],
];
const TYPE_LABELS: readonly string[] = ["other", ...COUNTED_TYPES.map(typeName)];
const OTHER_TYPE = 0;

/** The place in TYPE_LABELS of each type below 256; no counted type is above. */
const TYPE_INDEX = new Uint8Array(256);
COUNTED_TYPES.forEach((type, index) => {
  TYPE_INDEX[type] = index + 1;
});

/** The highest response code that has a name (RFC 7873); an upstream could send 4096 of them. */
const LAST_NAMED_RCODE = 23;

/** Makes the counts of one zone. A series is made when it is first counted in, so that no empty one is shown. */
export function createQuestionCounts(meter: Meter, { server, zone }: QuestionLabels): QuestionCounts {
  const place = { server, view: "", zone };
  const requests = createRequestCounts(meter, place);
  const responses = createResponseCounts(meter, place);
  const sizes = { udp: undefined, tcp: undefined } as Record<Protocol, Sizes | undefined>;
  let dnssecOk: Counter | undefined;
  let duration: Histogram | undefined;
  const sizesOf = (proto: Protocol): Sizes => {
    const made = {
      request: meter.histogram("coredns_dns_request_size_bytes", { ...place, proto }),
      response: meter.histogram("coredns_dns_response_size_bytes", { ...place, proto }),
    };
    sizes[proto] = made;
    return made;
  };
  return {
    request(client, query, octets) {
      requests(client, query).add(1);
      (sizes[client.protocol] ?? sizesOf(client.protocol)).request.observe(octets);
      if (!query.edns?.dnssecOk) return;
      dnssecOk ??= meter.counter("coredns_dns_do_requests_total", place);
      dnssecOk.add(1);
    },
    response(by, rcode, { protocol }, octets, seconds) {
      responses(by, rcode).add(1);
      (sizes[protocol] ?? sizesOf(protocol)).response.observe(octets);
      duration ??= meter.histogram("coredns_dns_request_duration_seconds", place);
      duration.observe(seconds);
    },
  };
}

/** The name under which CoreDNS counts what reaches no server block. */
const DROPPED_ZONE = "dropped";
/** Who answers what reaches no server block. */
const GATE = "gate";

/** Makes the counts of one listener for what reaches none of its server blocks. */
export function createDroppedCounts(meter: Meter, server: string): DroppedCounts {
  const place = { server, view: "", zone: DROPPED_ZONE };
  const requests = createRequestCounts(meter, place);
  const responses = createResponseCounts(meter, place);
  return {
    request: (client, query) => requests(client, query).add(1),
    response: (rcode) => responses(GATE, rcode).add(1),
  };
}

type Sizes = { readonly request: Histogram; readonly response: Histogram };
type Place = { readonly server: string; readonly view: string; readonly zone: string };

function createRequestCounts(meter: Meter, place: Place): (client: Client, query: Query | undefined) => Counter {
  const made: (Counter | undefined)[] = new Array(4 * TYPE_LABELS.length).fill(undefined);
  const make = (index: number, client: Client, type: number): Counter => {
    const labels = { ...place, family: String(client.family), proto: client.protocol, type: TYPE_LABELS[type] ?? "" };
    const counter = meter.counter("coredns_dns_requests_total", labels);
    made[index] = counter;
    return counter;
  };
  return (client, query) => {
    const type = query === undefined || query.type > 255 ? OTHER_TYPE : (TYPE_INDEX[query.type] as number);
    const index = ((client.family - 1) * 2 + (client.protocol === "udp" ? 0 : 1)) * TYPE_LABELS.length + type;
    return made[index] ?? make(index, client, type);
  };
}

function createResponseCounts(meter: Meter, place: Place): (by: string, rcode: number) => Counter {
  const made = new Map<string, (Counter | undefined)[]>();
  // One directive gives most of the answers.
  let last: { readonly by: string; readonly counters: (Counter | undefined)[] } | undefined;
  const countersBy = (by: string): (Counter | undefined)[] => {
    if (last?.by === by) return last.counters;
    const counters = made.get(by) ?? new Array(LAST_NAMED_RCODE + 2).fill(undefined);
    made.set(by, counters);
    last = { by, counters };
    return counters;
  };
  const make = (by: string, rcode: number): Counter => {
    const labels = { ...place, plugin: by, rcode: rcode > LAST_NAMED_RCODE ? "other" : rcodeText(rcode) };
    const counter = meter.counter("coredns_dns_responses_total", labels);
    countersBy(by)[rcode] = counter;
    return counter;
  };
  return (by, rcode) => {
    const code = Math.min(rcode, LAST_NAMED_RCODE + 1);
    return countersBy(by)[code] ?? make(by, code);
  };
}
