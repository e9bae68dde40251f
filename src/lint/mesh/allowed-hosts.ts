import type { FieldPath } from "../../model/field-path.ts";
import { isWildcard, normalizeHostname } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";
import { formatName } from "../../model/object-ref.ts";
import type { Topology } from "../../model/topology.ts";
import { covers } from "../../model/transport.ts";
import { boundEntries } from "./bound-entries.ts";
import { actionOf, targetsOf } from "./policy-conditions.ts";

type Policy = Kinds["AuthorizationPolicy"];
type Gateway = Kinds["Gateway"];

/** The hosts of one operation of a policy. */
export type HostList = { readonly hosts: readonly string[]; readonly path: FieldPath };

/** The Gateways for outbound traffic that a policy targets: waypoints and egress gateways. */
export const gatewaysGuarded = (policy: Policy, { objects, waypoints, egressGateways }: Topology): readonly Gateway[] =>
  targetsOf(policy)
    .filter(({ kind }) => kind === "Gateway")
    .map(({ name }) => objects.get("Gateway", policy.metadata.namespace, name))
    .filter((gateway) => gateway !== undefined)
    .filter((gateway) => waypoints.includes(gateway) || egressGateways.includes(gateway));

export const hostLists = ({ spec }: Policy, field: "hosts" | "notHosts"): readonly HostList[] =>
  (spec?.rules ?? []).flatMap(({ to = [] }, rule) =>
    to.flatMap(({ operation }, index): readonly HostList[] => {
      const hosts = operation?.[field] ?? [];
      return hosts.length === 0 ? [] : [{ hosts, path: ["spec", "rules", rule, "to", index, "operation", field] }];
    }),
  );

/** A value of `hosts` without its port, `*` included. */
export const withoutPort = (host: string): string => host.replace(/:(?:\d{1,5}|\*)$/, "");

type Guards = {
  /** ALLOW policies by the Gateway that they target. */
  readonly byGateway: ReadonlyMap<Gateway, readonly Policy[]>;
  /** ALLOW policies without target or selector, by namespace: gateways take them as well, waypoints do not. */
  readonly untargeted: ReadonlyMap<string, readonly Policy[]>;
  /** `namespace/name` of the ServiceEntries that have an ALLOW policy of their own. */
  readonly entries: ReadonlySet<string>;
  readonly refused: Map<Gateway, readonly string[]>;
};

/** A Topology is immutable, and every policy of a gateway asks the same. */
const known = new WeakMap<Topology, Guards>();

function guardsOf(topology: Topology): Guards {
  const cached = known.get(topology);
  if (cached !== undefined) return cached;
  const allowing = topology.objects.of("AuthorizationPolicy").filter((policy) => actionOf(policy) === "ALLOW");
  const pairs = allowing.flatMap((policy) => gatewaysGuarded(policy, topology).map((gateway) => ({ gateway, policy })));
  const guards: Guards = {
    byGateway: new Map(
      [...Map.groupBy(pairs, ({ gateway }) => gateway)].map(([gateway, own]) => [
        gateway,
        own.map(({ policy }) => policy),
      ]),
    ),
    untargeted: Map.groupBy(
      allowing.filter((policy) => targetsOf(policy).length === 0 && policy.spec?.selector === undefined),
      ({ metadata }) => metadata.namespace,
    ),
    entries: new Set(
      allowing.flatMap((policy) =>
        targetsOf(policy)
          .filter(({ kind }) => kind === "ServiceEntry")
          .map(({ name }) => formatName({ namespace: policy.metadata.namespace, name })),
      ),
    ),
    refused: new Map(),
  };
  known.set(topology, guards);
  return guards;
}

/** Hosts behind a gateway for which none of its ALLOW policies lets anything through. */
export function hostsRefused(gateway: Gateway, topology: Topology): readonly string[] {
  const guards = guardsOf(topology);
  const cached = guards.refused.get(gateway);
  if (cached !== undefined) return cached;
  const isWaypoint = topology.waypoints.includes(gateway);
  const untargeted = isWaypoint ? [] : (guards.untargeted.get(gateway.metadata.namespace) ?? []);
  const policies = [...(guards.byGateway.get(gateway) ?? []), ...untargeted];
  const open = policies.some((policy) => isForAllHosts(policy) || hostLists(policy, "notHosts").length > 0);
  const allowed = allowanceOf(policies.flatMap((policy) => hostLists(policy, "hosts").flatMap(({ hosts }) => hosts)));
  const hosts = open ? [] : isWaypoint ? boundHosts(gateway, guards, topology) : ownedHosts(gateway, topology);
  const refused = [...new Set(hosts.filter((host) => !allowed(host)))];
  guards.refused.set(gateway, refused);
  return refused;
}

/** Whether a rule holds for every host: it names none, nor any that it leaves out. */
const isForAllHosts = ({ spec }: Policy): boolean =>
  (spec?.rules ?? []).some(({ to = [] }) => {
    const open = to.some(({ operation: { hosts = [], notHosts = [] } = {} }) => hosts.length + notHosts.length === 0);
    return to.length === 0 || open;
  });

/** Which hosts values of `hosts` mean; a `*` counts first or last, and says nothing about dots. */
function allowanceOf(values: readonly string[]): (host: string) => boolean {
  const plain = values.map((value) => withoutPort(value).toLowerCase());
  const exact = new Set(plain);
  const [prefixes, suffixes] = [plain.filter((one) => one.endsWith("*")), plain.filter((one) => one.startsWith("*"))];
  return (host) =>
    exact.has(host) ||
    suffixes.some((pattern) => host.endsWith(pattern.slice(1))) ||
    prefixes.some((pattern) => host.startsWith(pattern.slice(0, -1))) ||
    (isWildcard(host) && plain.some((one) => covers(host, one)));
}

const ownedHosts = ({ metadata }: Gateway, { egressHostnames }: Topology): readonly string[] =>
  egressHostnames
    .filter(({ gateway }) => gateway.namespace === metadata.namespace && gateway.name === metadata.name)
    .map(({ hostname }) => hostname);

const boundHosts = (gateway: Gateway, { entries }: Guards, topology: Topology): readonly string[] =>
  boundEntries(gateway, topology)
    .filter(({ metadata }) => !entries.has(formatName(metadata)))
    .flatMap(({ spec }) => spec?.hosts ?? [])
    .map((host) => normalizeHostname(host) ?? host);
