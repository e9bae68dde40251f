import { isIP } from "node:net";
import type { Decoded } from "../model/decode.ts";
import type { Kinds } from "../model/kinds.ts";
import { formatName } from "../model/object-ref.ts";
import { fail, ok, type Result } from "../model/result.ts";

/** The address that a Gateway's controller would give it. `namespace` is undefined when the name alone must do. */
export type GatewayAddress = {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly address: string;
};

const FORM = "[NAMESPACE/]NAME=IP, for example gateway-system/egress=10.96.0.50";

/** SOURCE: RFC 1123 labels, as Kubernetes requires of namespaces; a Gateway's name may hold dots. */
const NAMESPACE = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const NAME = /^[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?$/;

/** Reads one value of `--gateway-address`. */
export function parseGatewayAddress(text: string): Result<GatewayAddress> {
  const equals = text.indexOf("=");
  const target = text.slice(0, Math.max(equals, 0));
  const address = text.slice(equals + 1);
  const slash = target.indexOf("/");
  const namespace = slash === -1 ? undefined : target.slice(0, slash);
  const name = target.slice(slash + 1);
  if (equals === -1 || !NAME.test(name) || (namespace !== undefined && !NAMESPACE.test(namespace))) {
    return fail(`--gateway-address ${JSON.stringify(text)} must have the form ${FORM}`);
  }
  // A zone (`fe80::1%eth0`) means something on one machine only.
  if (isIP(address) === 0 || address.includes("%")) {
    return fail(`--gateway-address ${target}: ${JSON.stringify(address)} is no IPv4 or IPv6 address`);
  }
  return ok({ namespace, name, address });
}

const isGateway = (object: Decoded): object is Decoded<"Gateway"> => object.object.kind === "Gateway";

const matches = (object: Decoded, wanted: GatewayAddress): boolean =>
  isGateway(object) &&
  object.ref.name === wanted.name &&
  (wanted.namespace === undefined || object.ref.namespace === wanted.namespace);

function problemOf(wanted: GatewayAddress, gateways: readonly Decoded[], found: readonly Decoded[]): string {
  const asked = wanted.namespace === undefined ? wanted.name : `${wanted.namespace}/${wanted.name}`;
  const list = (objects: readonly Decoded[]) =>
    objects
      .map((object) => formatName(object.ref))
      .sort()
      .join(", ");
  if (found.length > 1) {
    return `--gateway-address ${asked} fits several Gateways: ${list(found)}; write NAMESPACE/NAME`;
  }
  const existing = gateways.length === 0 ? "the manifests hold no Gateway" : `the manifests hold ${list(gateways)}`;
  return `--gateway-address ${asked} names no Gateway; ${existing}`;
}

type GatewayStatus = NonNullable<Kinds["Gateway"]["status"]>;

/** What a controller writes when a Gateway serves traffic. SOURCE: Gateway API v1, GatewayStatus. */
function statusWith(status: GatewayStatus | undefined, addresses: readonly string[]): GatewayStatus {
  const others = (status?.conditions ?? []).filter(({ type }) => type !== "Accepted" && type !== "Programmed");
  const message = "address given by --gateway-address";
  return {
    ...status,
    addresses: addresses.map((value) => ({ type: "IPAddress", value })),
    conditions: [
      ...others,
      { type: "Accepted", status: "True", reason: "Accepted", message },
      { type: "Programmed", status: "True", reason: "Programmed", message },
    ],
  };
}

function withAddresses<T extends Decoded>(decoded: T, addresses: readonly string[]): T {
  if (!isGateway(decoded)) return decoded;
  const status = statusWith(decoded.object.status, addresses);
  const raw = decoded.raw as Record<string, unknown>;
  return {
    ...decoded,
    object: { ...decoded.object, status },
    raw: { ...raw, status: { ...(raw["status"] ?? {}), ...status } },
  };
}

export type AddressedObjects<T extends Decoded> = {
  readonly objects: readonly T[];
  /** Addresses that fit no Gateway or several; those are not given to any. */
  readonly problems: readonly string[];
};

/**
 * Gives Gateways that come from files the addresses that their controller would: status.addresses, and the
 * conditions Accepted and Programmed. Several addresses for one Gateway add up, in order; an address in the file
 * is replaced. Objects are not changed in place.
 */
export function applyGatewayAddresses<T extends Decoded>(
  objects: readonly T[],
  addresses: readonly GatewayAddress[],
): AddressedObjects<T> {
  const gateways = objects.filter(isGateway);
  const given = new Map<Decoded, string[]>();
  const problems: string[] = [];
  for (const wanted of addresses) {
    const found = gateways.filter((object) => matches(object, wanted));
    const [gateway] = found;
    if (gateway === undefined || found.length > 1) problems.push(problemOf(wanted, gateways, found));
    else given.set(gateway, [...(given.get(gateway) ?? []), wanted.address]);
  }
  return {
    objects: objects.map((object) => {
      const own = given.get(object);
      return own === undefined ? object : withAddresses(object, own);
    }),
    problems,
  };
}
