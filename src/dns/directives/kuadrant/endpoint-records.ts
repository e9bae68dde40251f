import { canonicalAddress, usableAddress } from "../../../model/address.ts";
import { normalizeHostname } from "../../../model/hostname.ts";
import type { Kinds } from "../../../model/kinds.ts";
import { fail, ok, type Result } from "../../../model/result.ts";
import { hostnameKey } from "../../table.ts";
import { ipv4Octets, ipv6Octets } from "../../wire/address-octets.ts";
import { TYPE } from "../../wire/codes.ts";
import type { NameKey } from "../../wire/name.ts";

export type Endpoint = NonNullable<NonNullable<Kinds["DNSRecord"]["spec"]>["endpoints"]>[number];

/** One record of an endpoint. */
export type EndpointRecord = {
  readonly owner: NameKey;
  readonly type: number;
  readonly ttlSeconds: number;
  readonly data: Uint8Array;
  /** 0 to 65535; undefined for a record that has none. */
  readonly weight: number | undefined;
};

type Data = Pick<EndpointRecord, "type" | "data">;
type Read = { readonly data: readonly Data[]; readonly problems: readonly string[] };

/** What Kuadrant gives its own records, for an endpoint that says nothing. */
const DEFAULT_TTL_SECONDS = 60;
/** RFC 2181 section 8. */
export const MAX_TTL_SECONDS = 0x7fffffff;
const MAX_WEIGHT = 0xffff;
/** RFC 1035 section 3.3: a character string has one octet for its length. */
const MAX_STRING_OCTETS = 255;
/** RDLENGTH has 16 bits; room is left for the rest of a message. */
const MAX_TEXT_OCTETS = 60_000;

/** A host name as data: uncompressed, with the root's zero octet. */
const nameData = (hostname: string): Uint8Array => new Uint8Array(Buffer.from(`${hostnameKey(hostname)}\0`, "latin1"));

/** The family counts, not the type that the endpoint has: builders put all addresses of a gateway into one A endpoint. */
function addressData(text: string): Data | undefined {
  const address = usableAddress(text);
  if (address === undefined) return undefined;
  const ipv4 = ipv4Octets(address);
  if (ipv4 !== undefined) return { type: TYPE.A, data: ipv4 };
  const ipv6 = ipv6Octets(address);
  return ipv6 && { type: TYPE.AAAA, data: ipv6 };
}

function readAddresses(targets: readonly string[]): Read {
  const read = targets.map((text) => ({ text, data: addressData(text) }));
  const unusable = read.filter(({ data }) => data === undefined).map(({ text }) => text);
  return {
    data: read.flatMap(({ data }) => data ?? []),
    problems: unusable.map((text) =>
      canonicalAddress(text) === undefined ? `'${text}' is no IP address` : `no pod can reach the address ${text}`,
    ),
  };
}

/** Names of servers or of an alias. Of an alias only the first counts: a name has one (RFC 1034 section 3.6.2). */
function readNames(type: number, targets: readonly string[]): Read {
  const names = targets.map((text) => ({ text, name: text.startsWith("*") ? undefined : normalizeHostname(text) }));
  const counted = type === TYPE.CNAME ? names.slice(0, 1) : names;
  const unused = names.length - counted.length;
  return {
    data: counted.flatMap(({ name }) => (name === undefined ? [] : [{ type, data: nameData(name) }])),
    problems: [
      ...counted.filter(({ name }) => name === undefined).map(({ text }) => `'${text}' is no host name`),
      ...(unused > 0 ? [`an alias has one target, the other ${unused} are left out`] : []),
    ],
  };
}

/** One record of all targets, each cut where a character string ends. */
function readText(targets: readonly string[]): Read {
  const strings = targets.flatMap((text) => {
    const octets = Buffer.from(text);
    const count = Math.max(1, Math.ceil(octets.length / MAX_STRING_OCTETS));
    return Array.from({ length: count }, (_, index) =>
      octets.subarray(index * MAX_STRING_OCTETS, (index + 1) * MAX_STRING_OCTETS),
    );
  });
  if (strings.length === 0) return { data: [], problems: [] };
  const data = new Uint8Array(Buffer.concat(strings.flatMap((string) => [Buffer.from([string.length]), string])));
  return data.length > MAX_TEXT_OCTETS
    ? { data: [], problems: [`the text is longer than ${MAX_TEXT_OCTETS} octets`] }
    : { data: [{ type: TYPE.TXT, data }], problems: [] };
}

function readTargets(type: string, targets: readonly string[]): Read | undefined {
  if (type === "A" || type === "AAAA") return readAddresses(targets);
  if (type === "CNAME") return readNames(TYPE.CNAME, targets);
  if (type === "NS") return readNames(TYPE.NS, targets);
  return type === "TXT" ? readText(targets) : undefined;
}

/** The weight among records of one name. One that cannot be read is 0, as Kuadrant reads it. */
function weightOf({ providerSpecific = [] }: Endpoint): number | undefined {
  const given = providerSpecific.find(({ name }) => name === "weight")?.value;
  if (given === undefined) return undefined;
  return /^\d{1,15}$/.test(given) ? Math.min(Number(given), MAX_WEIGHT) : 0;
}

export type EndpointRecords = {
  readonly owner: NameKey;
  readonly records: readonly EndpointRecord[];
  /** Targets that are left out, a sentence each. */
  readonly problems: readonly string[];
};

/** The records of one endpoint. Fails for an endpoint of which nothing can be served. */
export function readEndpoint(endpoint: Endpoint): Result<EndpointRecords> {
  const { dnsName = "", recordType = "", recordTTL = DEFAULT_TTL_SECONDS, targets = [] } = endpoint;
  const name = normalizeHostname(dnsName);
  if (name === undefined) return fail(`'${dnsName}' is no domain name`);
  const read = readTargets(recordType, targets);
  if (read === undefined) return fail(`${dnsName} is of type '${recordType}': A, AAAA, CNAME, TXT and NS are served`);
  const ttlSeconds = Math.min(Math.max(recordTTL, 0), MAX_TTL_SECONDS);
  const owner = hostnameKey(name);
  const weight = weightOf(endpoint);
  return ok({
    owner,
    records: read.data.map(({ type, data }) => ({ owner, type, ttlSeconds, data, weight })),
    problems: read.problems.map((problem) => `${dnsName} ${recordType}: ${problem}`),
  });
}
