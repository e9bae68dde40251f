import type { ServerBlock } from "../../dns/corefile/corefile.ts";
import type { Token } from "../../dns/corefile/token.ts";
import { COREDNS_PROVIDER } from "../../model/egress-gateway.ts";
import type { Kinds } from "../../model/kinds.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import type { Report } from "../rule.ts";
import {
  COREFILE_PATH,
  directives,
  holdsHost,
  type KuadrantCorefile,
  type KuadrantZone,
  kuadrantCorefile,
  serversOf,
  zoneName,
} from "./corefile-map.ts";
import { someOf } from "./covered-listeners.ts";
import { providerZones } from "./provider-zones.ts";

/** What is wrong with the Corefile of Kuadrant's CoreDNS, as far as egress hosts are concerned. */
export function corefileFaults(configMap: Kinds["ConfigMap"], topology: Topology): readonly Report[] {
  const corefile = kuadrantCorefile(configMap);
  if (corefile === undefined) return [];
  const hosts = topology.egressHostnames.map(({ hostname }) => hostname);
  const used = corefile.zones.filter(({ zone }) => hosts.some((host) => holdsHost(zone, host)));
  const [first] = used;
  return [
    ...used.flatMap((zone) => wide(zone, hosts)),
    ...unserved(corefile, topology),
    ...(first === undefined ? [] : forwards(corefile, first, topology)),
  ];
}

/** A block for more than its hosts. */
function wide({ zone, range }: KuadrantZone, hosts: readonly string[]): readonly Report[] {
  const name = zoneName(zone);
  const below = hosts.filter((host) => host !== name && holdsHost(zone, host) && !host.startsWith("*."));
  const [first] = below;
  if (name === undefined || first === undefined || hosts.includes(`*.${name}`)) return [];
  return [
    {
      path: COREFILE_PATH,
      range,
      message: `this block makes Kuadrant's CoreDNS authoritative for all of \`${name}\`: names beside ${someOf(below)} do not resolve in the pods that ask it`,
      hint: `Write a block with \`kuadrant\` for each host: \`${first}\`.`,
    },
  ];
}

/** Zones that a provider's Secret names and no Corefile in view serves; reported on the first of them. */
function unserved({ configMap, zones: [own] }: KuadrantCorefile, { objects }: Topology): readonly Report[] {
  const corefiles = objects.of("ConfigMap").flatMap((each) => kuadrantCorefile(each) ?? []);
  if (own === undefined || corefiles[0]?.configMap !== configMap) return [];
  const served = corefiles.flatMap(({ zones }) => zones);
  const secrets = objects.of("Secret").filter(({ type }) => type === COREDNS_PROVIDER);
  return secrets.flatMap((secret): readonly Report[] => {
    const named = providerZones(secret);
    const lost = (named?.zones ?? [])
      .flatMap(({ zone }) => zone ?? [])
      .filter((zone) => !served.some((each) => holdsHost(each.zone, zone)));
    const [first] = lost;
    if (named === undefined || first === undefined) return [];
    return [
      {
        path: COREFILE_PATH,
        range: own.range,
        scope: "absence",
        message: `no \`kuadrant\` block holds ${someOf(lost)}, so that the records made there are never served and pods get the real addresses`,
        hint: `Add a block for \`${first}\` with \`kuadrant\` in it.`,
        related: [{ object: refOf(secret), path: named.path, message: "the provider's zones" }],
      },
    ];
  });
}

/** The block for all other names on a port. */
const rootOn = (servers: readonly ServerBlock[], port: number): ServerBlock | undefined =>
  servers.find(({ keys }) => keys.some((key) => key.zone === "." && key.port === port));

/** Where a server block sends all other names to. */
const upstreams = (server: ServerBlock): readonly Token[] =>
  directives(server, "forward")
    .filter(({ args }) => args[0]?.text === ".")
    .flatMap(({ args }) => args.slice(1));

/** What becomes of all other names. */
function forwards(corefile: KuadrantCorefile, { port, range }: KuadrantZone, topology: Topology): readonly Report[] {
  const root = rootOn(corefile.servers, port);
  if (root === undefined || directives(root, "forward").length === 0) {
    return [
      {
        path: COREFILE_PATH,
        range,
        message: "no block forwards all other names: pods whose nameserver this is lose the rest of DNS",
        hint: "Add a block for `.` with `forward . ADDRESS`, the address of another resolver.",
      },
    ];
  }
  return upstreams(root).flatMap((token): readonly Report[] => {
    const loop = loopOf(token.text, corefile.configMap, topology);
    if (loop === undefined) return [];
    const hint = "Forward to the address of a resolver outside of this circle.";
    return [{ path: COREFILE_PATH, range: corefile.rangeOf(token.place), message: loop, hint }];
  });
}

/** Addresses by which a server reaches itself. */
const isOwn = (address: string): boolean =>
  address === "::1" || address === "0.0.0.0" || /^127(?:\.\d{1,3}){3}$/.test(address);

/** An upstream without scheme, brackets and port. */
const addressOf = (upstream: string): string => {
  const [, bracketed, plain] =
    /^(?:dns:\/\/)?(?:\[([^\]]{1,64})\](?::\d{1,5})?|([^:]{1,64})(?::\d{1,5})?)$/.exec(upstream) ?? [];
  return bracketed ?? plain ?? upstream;
};

/** Why questions that are forwarded there may come back; undefined when nothing in view says so. */
function loopOf(upstream: string, configMap: Kinds["ConfigMap"], { objects }: Topology): string | undefined {
  if (upstream === "/etc/resolv.conf") {
    return "`/etc/resolv.conf` of a pod names the cluster's DNS: where that sends questions here, they run in a circle, and where it does not, it depends on the pod's `dnsPolicy`";
  }
  const address = addressOf(upstream);
  if (isOwn(address)) return `\`${upstream}\` is this server itself: every question runs in a circle`;
  const back = objects.of("ConfigMap").find((other) => {
    if (other === configMap || !servesDnsIn(other.metadata.namespace, address, objects)) return false;
    const targets = (serversOf(other) ?? []).flatMap(upstreams).map(({ text }) => addressOf(text));
    return targets.some((target) => servesDnsIn(configMap.metadata.namespace, target, objects));
  });
  if (back === undefined) return undefined;
  const name = `${back.metadata.namespace}/${back.metadata.name}`;
  return `\`${upstream}\` is the server of ConfigMap \`${name}\`, which forwards to this one: every question runs in a circle`;
}

/** Whether an address is that of a Service for DNS of a namespace. */
const servesDnsIn = (namespace: string, address: string, objects: Topology["objects"]): boolean =>
  objects
    .of("Service")
    .some(
      ({ metadata, spec }) =>
        metadata.namespace === namespace &&
        [spec?.clusterIP, ...(spec?.clusterIPs ?? [])].includes(address) &&
        (spec?.ports ?? []).some(({ port }) => port === 53),
    );
