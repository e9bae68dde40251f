import { canonicalAddress, usableAddress } from "../model/address.ts";
import type { EgressHostname, EgressView } from "../model/egress.ts";
import { formatName, formatRef, type ObjectRef } from "../model/object-ref.ts";
import { type NameReader, type NameTable, readNames } from "./egress-names.ts";
import { ipv4Octets, ipv6Octets } from "./wire/address-octets.ts";
import { TYPE } from "./wire/codes.ts";
import { foldKey, MAX_NAME_OCTETS, type NameKey, parseName } from "./wire/name.ts";
import { recordBlock } from "./wire/record-block.ts";
import type { RecordBlock } from "./wire/reply.ts";
import { createNameWriter, type NameWriter } from "./write-names.ts";

/** How a claimed name is answered. One object for one name of one table; what entries say alike they share. */
export type EgressEntry = {
  /** As declared: `api.openai.com` or `*.anthropic.com`. */
  readonly hostname: string;
  readonly gateway: ObjectRef;
  readonly listener: string;
  readonly route?: ObjectRef;
  readonly losers: readonly ObjectRef[];
  readonly status: "ready" | "unresolved" | "closed";
  /** Prepared addresses of a `ready` entry; absent for a family without any. */
  readonly a?: RecordBlock;
  readonly aaaa?: RecordBlock;
  /** The addresses as text, for people. */
  readonly addresses: readonly string[];
  /** Host names that an `unresolved` entry's gateway has as its address, as they were given. */
  readonly targets: readonly string[];
  /** Why a `closed` entry cannot be answered. */
  readonly reason?: string;
  /** What a client is told when no address can be given, with the gateway's name. */
  readonly trouble: string;
};

export type GuardMode = "exact" | "strict" | "off";

/**
 * What a name is answered with that a pod's search list made of an egress name: NXDOMAIN, an alias of the egress name
 * with its addresses behind it, or what cluster DNS says.
 */
export type SearchMode = "nxdomain" | "cname" | "forward";

/** What the resolver answers from: compiled once, immutable. Sent to a worker its names are shared, not copied. */
export type EgressTable = {
  /** Rises with every compilation in one process. */
  readonly version: number;
  /** False before the sources have delivered their objects once: a name's absence then proves nothing. */
  readonly synced: boolean;
  readonly ttlSeconds: number;
  /** Every claimed name: ask `namesOf`. */
  readonly names: NameTable;
  readonly counts: TableCounts;
  /** Names that are left alone with everything below them, whatever a wildcard says. */
  readonly except: ReadonlySet<NameKey>;
  /** Names outside these zones are no egress names, whatever is claimed; none at all: there is no such limit. */
  readonly zones: readonly NameKey[];
  readonly clusterDomain: NameKey;
  /** Reverse zones, which are forwarded even before the first sync. */
  readonly reverseZones: readonly NameKey[];
  readonly passthrough: ReadonlySet<number>;
  readonly guard: GuardMode;
  readonly search: SearchMode;
  /** Addresses of clients that get real addresses, in the canonical form of `canonicalAddress`: the gateways' pods. */
  readonly gatewayClients: ReadonlySet<string>;
  /** The SOA of every negative answer; its MNAME is the question name. */
  readonly soa: RecordBlock;
};

/** How many names a table has. */
export type TableCounts = {
  readonly names: number;
  /** Of those, wildcards; closed ones; and ones that several gateways claim. */
  readonly wildcards: number;
  readonly closed: number;
  readonly conflicts: number;
};

export type TableOptions = {
  readonly version?: number;
  readonly synced?: boolean;
  /** 0 to 300; default 5: an address change reaches clients within that time. */
  readonly ttlSeconds?: number;
  /** Default `cluster.local`. Names here and below: root dot optional. */
  readonly clusterDomain?: string;
  /** Type codes whose real records an egress name shows; default MX, TXT, CAA. */
  readonly passthrough?: readonly number[];
  readonly guard?: GuardMode;
  readonly search?: SearchMode;
  /** Names that are forwarded, with everything below them, although a gateway claims them. */
  readonly except?: readonly string[];
  /** The only zones with egress names; default `.`: all names. */
  readonly zones?: readonly string[];
  /** `direct`, the default: gateway pods get real addresses. `egress`: they are steered like everybody else. */
  readonly gatewayClients?: "direct" | "egress";
};

const DEFAULT_TTL_SECONDS = 5;
/**
 * MX, TXT, CAA: without MX, mail for an apex such as httpbin.org would go to port 25 of the gateway (RFC 5321
 * section 5.1, implicit MX).
 */
const DEFAULT_PASSTHROUGH = [TYPE.MX, TYPE.TXT, TYPE.CAA];
const DEFAULT_CLUSTER_DOMAIN = "cluster.local";
const REVERSE_ZONES = ["in-addr.arpa", "ip6.arpa"];
/** The responsible person of a zone that is served locally (RFC 6303 section 3), as on the wire. */
const NOBODY = Buffer.from("\x06nobody\x07invalid\x00", "latin1");
/** A pointer to the question's name. */
const QUESTION_NAME = 0xc00c;
const NO_TARGETS: readonly string[] = [];

/** A host name as a key: `api.openai.com` is `\x03api\x06openai\x03com`. The name must be valid and lower case. */
export const hostnameKey = (hostname: string): NameKey =>
  hostname
    .split(".")
    .map((label) => String.fromCharCode(label.length) + label)
    .join("");

/** A name of a setting as a key. Undefined for what is no name: nothing can be asked that it would mean. */
const settingKey = (name: string): NameKey | undefined => {
  const raw = parseName(name);
  return raw === undefined ? undefined : foldKey(raw);
};

const settingKeys = (names: readonly string[]): readonly NameKey[] =>
  names.map(settingKey).filter((key) => key !== undefined);

/** Nothing is limited by the root as one of the zones, and by a list without names: what is claimed stays egress. */
function zoneKeys(zones: readonly string[]): readonly NameKey[] {
  const keys = settingKeys(zones);
  return keys.includes("") ? [] : keys;
}

/** Encodes the addresses of one family; the others are left out. Undefined when none is left. Addresses canonical. */
export function prepareAddresses(
  family: 4 | 6,
  addresses: readonly string[],
  ttlSeconds: number,
): RecordBlock | undefined {
  const octetsOf = family === 4 ? ipv4Octets : ipv6Octets;
  const data = addresses.map(octetsOf).filter((octets) => octets !== undefined);
  return data.length === 0 ? undefined : recordBlock({ type: family === 4 ? TYPE.A : TYPE.AAAA, ttlSeconds, data });
}

/**
 * The SOA of a negative answer (RFC 2308). Its owner is the question name itself, not the registered domain, which a
 * stub's cache could reuse for other names; the other fields are those of a locally served zone (RFC 6303 section 3).
 */
function prepareSoa(version: number, ttlSeconds: number): RecordBlock {
  const data = Buffer.alloc(2 + NOBODY.length + 20);
  data.writeUInt16BE(QUESTION_NAME, 0);
  data.set(NOBODY, 2);
  const numbers = [version >>> 0, 3600, 1200, 604_800, ttlSeconds];
  for (const [index, number] of numbers.entries()) data.writeUInt32BE(number, 2 + NOBODY.length + 4 * index);
  return { ...recordBlock({ type: TYPE.SOA, ttlSeconds, data: [data] }), stride: 0 };
}

/** What an entry says besides its name. */
type Claim = Omit<EgressEntry, "hostname">;

function compileClaim(host: EgressHostname, prepare: Prepare): Claim {
  const { gateway, listener, losers, state } = host;
  const base = { gateway, listener, losers, ...(host.route && { route: host.route }) };
  const named = `egress gateway ${formatName(gateway)}`;
  if (state.status === "unresolved") {
    const trouble = `${named}: its address ${state.hostnames.join(", ")}`;
    return { ...base, status: "unresolved", addresses: [], targets: state.hostnames, trouble };
  }
  const { addresses, a, aaaa } = prepare(state.status === "ready" ? state.addresses : []);
  if (addresses.length === 0) {
    const reason = state.status === "closed" ? state.reason : "it has no usable address";
    return { ...base, status: "closed", addresses, targets: NO_TARGETS, reason, trouble: `${named}: ${reason}` };
  }
  return {
    ...base,
    status: "ready",
    ...(a && { a }),
    ...(aaaa && { aaaa }),
    addresses,
    targets: NO_TARGETS,
    trouble: named,
  };
}

type Prepared = { readonly addresses: readonly string[]; readonly a?: RecordBlock; readonly aaaa?: RecordBlock };
type Prepare = (given: readonly string[]) => Prepared;

/** Checks and encodes each distinct list of addresses once: a gateway's hosts nearly always share theirs. */
function createPrepare(ttlSeconds: number): Prepare {
  const known = new Map<string, Prepared>();
  return (given) => {
    const key = given.join(" ");
    const before = known.get(key);
    if (before !== undefined) return before;
    const addresses = given.map(usableAddress).filter((address) => address !== undefined);
    const a = prepareAddresses(4, addresses, ttlSeconds);
    const aaaa = prepareAddresses(6, addresses, ttlSeconds);
    const made = { addresses, ...(a && { a }), ...(aaaa && { aaaa }) };
    known.set(key, made);
    return made;
  };
}

const canonicalAddresses = (addresses: readonly string[]): readonly string[] =>
  addresses.map(canonicalAddress).filter((address) => address !== undefined);

function tell(writer: NameWriter, { a, aaaa, ...claim }: Claim): number {
  return writer.claim({
    ...claim,
    ...(a && { a: writer.block(a) }),
    ...(aaaa && { aaaa: writer.block(aaaa) }),
  });
}

function compileNames(hosts: readonly EgressHostname[], prepare: Prepare): Pick<EgressTable, "names" | "counts"> {
  const writer = createNameWriter();
  const counts = { names: 0, wildcards: 0, closed: 0, conflicts: 0 };
  for (const host of hosts) {
    const wildcard = host.hostname.startsWith("*.");
    const key = hostnameKey(wildcard ? host.hostname.slice(2) : host.hostname);
    // Nothing longer can be asked.
    if (key.length >= MAX_NAME_OCTETS) continue;
    const claim = compileClaim(host, prepare);
    if (!writer.add(key, wildcard, tell(writer, claim))) continue;
    counts.names++;
    if (wildcard) counts.wildcards++;
    if (claim.status === "closed") counts.closed++;
    if (claim.losers.length > 0) counts.conflicts++;
  }
  return { names: writer.finish(), counts };
}

const readers = new WeakMap<NameTable, NameReader<Claim>>();

/** The names of a table, as this thread reads them. */
export function namesOf({ names }: EgressTable): NameReader<Claim> {
  const known = readers.get(names);
  if (known !== undefined) return known;
  const reader = readNames<Claim>(names);
  readers.set(names, reader);
  return reader;
}

/** Compiles the table. Pure: the same view and options give the same table. The first claim of a name counts. */
export function compileTable(view: EgressView, options: TableOptions = {}): EgressTable {
  const {
    version = 1,
    synced = true,
    ttlSeconds = DEFAULT_TTL_SECONDS,
    guard = "exact",
    search = "nxdomain",
  } = options;
  const compiled = compileNames(view.egressHostnames, createPrepare(ttlSeconds));
  return {
    version,
    synced,
    ttlSeconds,
    ...compiled,
    except: new Set(settingKeys(options.except ?? [])),
    zones: zoneKeys(options.zones ?? ["."]),
    // The root cannot be meant: all names would be taken for the cluster's.
    clusterDomain: settingKey(options.clusterDomain ?? DEFAULT_CLUSTER_DOMAIN) || hostnameKey(DEFAULT_CLUSTER_DOMAIN),
    reverseZones: REVERSE_ZONES.map(hostnameKey),
    passthrough: new Set(options.passthrough ?? DEFAULT_PASSTHROUGH),
    guard,
    search,
    gatewayClients: new Set(options.gatewayClients === "egress" ? [] : canonicalAddresses(view.gatewayPodAddresses)),
    soa: prepareSoa(version, ttlSeconds),
  };
}

/** `Gateway gateway-system/egress, listener openai`: where a name is claimed. */
export const describeClaim = (entry: EgressEntry): string =>
  `${formatRef(entry.gateway)}, listener ${entry.listener}${entry.route ? `, through ${formatRef(entry.route)}` : ""}`;
