import { type Answer, type DecodedPacket, decode } from "dns-packet";

/** A reply as text, decoded by a codec that is not ours. */
export type ReplyText = {
  readonly id: number;
  readonly rcode: string;
  readonly flags: readonly string[];
  readonly question: readonly string[];
  /** `owner ttl type data`, owners with root dot. */
  readonly answer: readonly string[];
  readonly authority: readonly string[];
  readonly additional: readonly string[];
  readonly edns: {
    readonly version: number;
    readonly size: number;
    readonly do: boolean;
    readonly options: readonly (readonly [number, string])[];
  } | null;
  readonly length: number;
};

const FLAGS = ["aa", "tc", "rd", "ra", "ad", "cd"] as const;
const rooted = (name: string): string => (name === "." ? name : `${name}.`);
const typeText = (type: string): string => ({ UNKNOWN_65: "HTTPS", UNKNOWN_64: "SVCB" })[type] ?? type;

function dataText(record: Answer): string {
  const { data } = record as { data: unknown };
  switch (record.type as string) {
    case "A":
      return String(data);
    case "AAAA":
      return String(data);
    case "CNAME":
    case "NS":
    case "PTR":
    case "DNAME":
      return rooted(String(data));
    case "MX": {
      const mx = data as { preference: number; exchange: string };
      return `${mx.preference} ${rooted(mx.exchange)}`;
    }
    case "TXT":
      return (data as Buffer[]).map((text) => `"${text.toString("latin1")}"`).join(" ");
    case "CAA": {
      const caa = data as { flags: number; tag: string; value: string };
      return `${caa.flags} ${caa.tag} "${caa.value}"`;
    }
    case "SOA": {
      const soa = data as {
        mname: string;
        rname: string;
        serial: number;
        refresh: number;
        retry: number;
        expire: number;
        minimum: number;
      };
      return `${rooted(soa.mname)} ${rooted(soa.rname)} ${soa.serial} ${soa.refresh} ${soa.retry} ${soa.expire} ${soa.minimum}`;
    }
    case "SRV": {
      const srv = data as { priority: number; weight: number; port: number; target: string };
      return `${srv.priority} ${srv.weight} ${srv.port} ${rooted(srv.target)}`;
    }
    case "HINFO": {
      const hinfo = data as { cpu: string; os: string };
      return `"${hinfo.cpu}" "${hinfo.os}"`;
    }
    default:
      return (data as Buffer).toString("hex");
  }
}

const recordText = (record: Answer): string =>
  `${rooted(record.name)} ${(record as { ttl: number }).ttl} ${typeText(record.type)} ${dataText(record)}`;

const withoutOpt = (records: readonly Answer[] | undefined): string[] =>
  (records ?? []).filter((record) => record.type !== "OPT").map(recordText);

type Opt = {
  udpPayloadSize: number;
  extendedRcode: number;
  ednsVersion: number;
  flags: number;
  options: { code: number; data: Buffer }[];
};

const RCODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

/** Decodes a whole reply; throws when it is malformed, which fails the test. */
export function replyText(bytes: Buffer): ReplyText {
  const packet = decode(bytes) as DecodedPacket & Record<string, unknown>;
  const opt = packet.additionals?.find((record) => record.type === "OPT") as unknown as Opt | undefined;
  const rcode = ((opt?.extendedRcode ?? 0) << 4) | ((bytes[3] as number) & 0xf);
  const flags = FLAGS.filter((flag) => packet[`flag_${flag}`] === true);
  return {
    id: packet.id ?? -1,
    rcode: rcode === 16 ? "BADVERS" : (RCODES[rcode] ?? String(rcode)),
    flags: ((bytes[2] as number) & 0x80) === 0 ? flags : ["qr", ...flags],
    question: (packet.questions ?? []).map((question) => `${rooted(question.name)} ${typeText(question.type)}`),
    answer: withoutOpt(packet.answers),
    authority: withoutOpt(packet.authorities),
    additional: withoutOpt(packet.additionals),
    edns:
      opt === undefined
        ? null
        : {
            version: opt.ednsVersion,
            size: opt.udpPayloadSize,
            do: (opt.flags & 0x8000) !== 0,
            options: opt.options.map((option) => [option.code, option.data.toString("hex")] as const),
          },
    length: bytes.length,
  };
}

/** Codes of the extended DNS errors in a reply. */
export const extendedErrors = (reply: ReplyText): number[] =>
  (reply.edns?.options ?? []).filter(([code]) => code === 15).map(([, data]) => Number.parseInt(data.slice(0, 4), 16));
