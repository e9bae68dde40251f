import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The egress names' zone; the peers' configurations name it, too. */
const EGRESS_ZONE = "egress.example";
/** A zone in which every name exists, served by the upstream. */
export const FORWARDED_ZONE = "forwarded.example";
const GATEWAY_ADDRESS = "10.96.0.10";
/** Gateway API allows this many hostnames on an HTTPRoute. */
const HOSTNAMES_PER_ROUTE = 16;
/** Enough names that every hit is looked for, few enough that all stay in the cache. */
export const CACHED_NAMES = 1_000;

export const egressName = (index: number): string => `h${String(index).padStart(5, "0")}.${EGRESS_ZONE}`;
export const egressNames = (count: number): string[] => Array.from({ length: count }, (_, index) => egressName(index));
const forwardedNames = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `n${index}.${FORWARDED_ZONE}`);

/** A condition as a controller writes it. */
const isTrue = (type: string): object => ({
  ...{ type, status: "True", reason: type, message: "" },
  lastTransitionTime: "2026-01-01T00:00:00Z",
});

const gatewayObject = (address: string): object => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: {
    name: "egress",
    namespace: "gateway-system",
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels: { "sluice.dev/egress-gateway": "true" },
  },
  spec: {
    gatewayClassName: "istio",
    listeners: [{ name: "http", port: 80, protocol: "HTTP", allowedRoutes: { namespaces: { from: "All" } } }],
  },
  status: {
    addresses: [{ type: "IPAddress", value: address }],
    conditions: [isTrue("Accepted"), isTrue("Programmed")],
  },
});

function routeObject(hostnames: readonly string[], index: number): object {
  const parentRef = { name: "egress", namespace: "gateway-system" };
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: `egress-${index}`, namespace: "gateway-system" },
    spec: { parentRefs: [parentRef], hostnames },
    status: {
      parents: [{ parentRef, controllerName: "istio.io/gateway", conditions: [isTrue("Accepted")] }],
    },
  };
}

/** A Gateway and as many HTTPRoutes as the names need. */
export function egressObjects(names: readonly string[], address: string = GATEWAY_ADDRESS): object[] {
  const routes: object[] = [];
  for (let at = 0; at < names.length; at += HOSTNAMES_PER_ROUTE)
    routes.push(routeObject(names.slice(at, at + HOSTNAMES_PER_ROUTE), routes.length));
  return [gatewayObject(address), ...routes];
}

const zoneFile = (records: readonly string[]): string =>
  ["$TTL 3600", "@ SOA ns hostmaster 1 7200 1800 86400 5", "@ NS ns", "ns A 192.0.2.53", ...records, ""].join("\n");

const lines = (texts: readonly string[]): string => `${texts.join("\n")}\n`;

/** Names of the files of question for dnsperf. */
export const QUERIES = {
  /** Every egress name, A and AAAA in turn. */
  egress: "egress.queries",
  /** Names that the upstream knows. */
  cached: "cached.queries",
} as const;

/** Writes what the servers read and what dnsperf asks; every server gets the same names. */
export async function writeData(folder: string, count: number): Promise<string> {
  await mkdir(folder, { recursive: true });
  const names = egressNames(count);
  const files: Record<string, string> = {
    "objects.yaml": egressObjects(names)
      .map((object) => JSON.stringify(object))
      .join("\n---\n"),
    hosts: lines(names.map((name) => `${GATEWAY_ADDRESS} ${name}`)),
    "egress.zone": zoneFile(names.map((name) => `${name}. 5 A ${GATEWAY_ADDRESS}`)),
    "forwarded.zone": zoneFile(["* A 192.0.2.10"]),
    "unbound-local-data.conf": lines(names.map((name) => `local-data: "${name}. 5 IN A ${GATEWAY_ADDRESS}"`)),
    [QUERIES.egress]: lines(names.flatMap((name) => [`${name} A`, `${name} AAAA`])),
    [QUERIES.cached]: lines(forwardedNames(CACHED_NAMES).map((name) => `${name} A`)),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}
