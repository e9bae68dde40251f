import { canonicalAddress } from "../model/address.ts";
import type { CelFunctions } from "./evaluate-context.ts";
import { type CelIp, type CelValue, failed, isTagged, noOverload } from "./evaluate-values.ts";

/** The groups of a canonical IPv6 address as one number. */
function bitsOf6(text: string): bigint {
  const [head = "", tail] = text.split("::");
  const groups = (part: string): readonly string[] => (part === "" ? [] : part.split(":"));
  const [front, back] = [groups(head), groups(tail ?? "")];
  const zeros = Array<string>(Math.max(0, 8 - front.length - back.length)).fill("0");
  return [...front, ...zeros, ...back].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

/** An address without zone; IPv4 inside IPv6 is refused, as Kubernetes does it. */
export function parseIp(text: string): CelIp | undefined {
  const canonical = text.length > 45 ? undefined : canonicalAddress(text);
  if (canonical === undefined) return undefined;
  if (!text.includes(":")) {
    return { family: 4, bits: canonical.split(".").reduce((bits, part) => (bits << 8n) | BigInt(part), 0n) };
  }
  return canonical.includes(":") ? { family: 6, bits: bitsOf6(canonical) } : undefined;
}

/** The address in its one spelling. */
export function formatIp({ family, bits }: CelIp): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 255n)).join(".");
  const groups = Array.from({ length: 8 }, (_, at) => ((bits >> BigInt(16 * (7 - at))) & 0xffffn).toString(16));
  return canonicalAddress(groups.join(":")) ?? groups.join(":");
}

type Cidr = { readonly ip: CelIp; readonly prefix: number };

const widthOf = ({ family }: CelIp): number => (family === 4 ? 32 : 128);

/** A network; bits behind its prefix may be set, as in `10.0.0.1/8`. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  const ip = parseIp(text.slice(0, Math.max(0, slash)));
  const bits = text.slice(slash + 1);
  if (slash < 0 || ip === undefined || !/^(?:0|[1-9]\d{0,2})$/.test(bits)) return undefined;
  const prefix = Number(bits);
  return prefix > widthOf(ip) ? undefined : { ip, prefix };
}

const networkOf = ({ ip, prefix }: Cidr): bigint => ip.bits >> BigInt(widthOf(ip) - prefix);

const holds = (outer: Cidr, ip: CelIp): boolean =>
  outer.ip.family === ip.family && networkOf({ ip, prefix: outer.prefix }) === networkOf(outer);

const inNetwork =
  (...networks: readonly string[]) =>
  (ip: CelIp): boolean =>
    networks.some((text) => {
      const network = parseCidr(text);
      return network !== undefined && holds(network, ip);
    });

const isUnspecified = ({ bits }: CelIp): boolean => bits === 0n;
const isLoopback = inNetwork("127.0.0.0/8", "::1/128");
const isMulticast = inNetwork("224.0.0.0/4", "ff00::/8");
const isLinkLocal = inNetwork("169.254.0.0/16", "fe80::/10");

const TESTS: Readonly<Record<string, (ip: CelIp) => boolean>> = {
  isUnspecified,
  isLoopback,
  isLinkLocalMulticast: inNetwork("224.0.0.0/24", "ff02::/16"),
  isLinkLocalUnicast: isLinkLocal,
  isGlobalUnicast: (ip) =>
    !isUnspecified(ip) &&
    !isLoopback(ip) &&
    !isMulticast(ip) &&
    !isLinkLocal(ip) &&
    !(ip.family === 4 && ip.bits === 0xffff_ffffn),
};

const ipOf = (value: CelValue): CelIp | undefined =>
  isTagged(value, "ip") ? value.ip : typeof value === "string" ? parseIp(value) : undefined;

const cidrOf = (value: CelValue): Cidr | undefined =>
  isTagged(value, "cidr") ? value : typeof value === "string" ? parseCidr(value) : undefined;

const tests: CelFunctions = Object.fromEntries(
  Object.entries(TESTS).map(([name, test]) => [
    name,
    ([value = null]): CelValue => (isTagged(value, "ip") ? test(value.ip) : noOverload(name, value)),
  ]),
);

const notAnAddress = (text: CelValue): CelValue =>
  typeof text === "string"
    ? failed(`IP Address "${text.slice(0, 100)}" parse error during conversion from string`)
    : noOverload("ip", text);

/** Kubernetes' functions of addresses and networks. SOURCE: apiserver, pkg/cel/library/ip.go and cidr.go. */
export const NETWORK_FUNCTIONS: CelFunctions = {
  ...tests,
  ip: ([value = null]) => {
    if (isTagged(value, "cidr")) return { type: "ip", ip: value.ip };
    const ip = ipOf(value);
    return ip === undefined ? notAnAddress(value) : { type: "ip", ip };
  },
  isIP: ([value = null]) => (typeof value === "string" ? parseIp(value) !== undefined : noOverload("isIP", value)),
  "ip.isCanonical": ([value = null]) => {
    const ip = ipOf(value);
    return ip === undefined ? notAnAddress(value) : formatIp(ip) === value;
  },
  family: ([value = null]) => (isTagged(value, "ip") ? BigInt(value.ip.family) : noOverload("family", value)),
  cidr: ([value = null]) => {
    const cidr = cidrOf(value);
    return cidr === undefined
      ? failed("network address parse error during conversion from string")
      : { type: "cidr", ip: cidr.ip, prefix: cidr.prefix };
  },
  isCIDR: ([value = null]) =>
    typeof value === "string" ? parseCidr(value) !== undefined : noOverload("isCIDR", value),
  containsIP: ([network = null, value = null]) => {
    const ip = ipOf(value);
    if (!isTagged(network, "cidr")) return noOverload("containsIP", network, value);
    return ip === undefined ? notAnAddress(value) : holds(network, ip);
  },
  containsCIDR: ([network = null, value = null]) => {
    const inner = cidrOf(value);
    if (!isTagged(network, "cidr")) return noOverload("containsCIDR", network, value);
    if (inner === undefined) return failed("network address parse error during conversion from string");
    return inner.prefix >= network.prefix && holds(network, inner.ip);
  },
  prefixLength: ([value = null]) =>
    isTagged(value, "cidr") ? BigInt(value.prefix) : noOverload("prefixLength", value),
  masked: ([value = null]) => {
    if (!isTagged(value, "cidr")) return noOverload("masked", value);
    const shift = BigInt(widthOf(value.ip) - value.prefix);
    return { ...value, ip: { ...value.ip, bits: (value.ip.bits >> shift) << shift } };
  },
};
