import { usableAddress } from "../model/address.ts";
import type { EgressHostname } from "../model/egress.ts";
import type { Kinds } from "../model/kinds.ts";
import { formatName, identityOf, type ObjectRef } from "../model/object-ref.ts";
import { refOf, type Topology } from "../model/topology.ts";
import type { ClusterEvent } from "../sources/cluster/event-writer.ts";

type Picture = Pick<Topology, "egressHostnames" | "egressGateways" | "objects">;

/** More names than this are counted, not listed: an event is for reading. */
const MAX_LISTED = 10;

const list = (names: readonly string[]): string =>
  names.length <= MAX_LISTED
    ? names.join(", ")
    : `${names.slice(0, MAX_LISTED).join(", ")} and ${names.length - MAX_LISTED} more`;

/** Events for what changed between two pictures and a Gateway's owner should know; see `egressChangeLog` for the log. */
export function egressEvents(): (picture: Picture) => readonly ClusterEvent[] {
  let told: ReadonlySet<string> = new Set();
  let known: readonly EgressHostname[] = [];
  return (picture) => {
    const conditions = [...unusableAddresses(picture), ...conflicts(picture)];
    const events = [...conditions.filter((event) => !told.has(textOf(event))), ...forwarded(known, picture)];
    told = new Set(conditions.map(textOf));
    known = picture.egressHostnames;
    return events;
  };
}

const textOf = ({ regarding, note }: ClusterEvent): string => `${identityOf(regarding)} ${note}`;

const regardingOf = (gateway: Kinds["Gateway"]): ClusterEvent["regarding"] => ({
  ...refOf(gateway),
  uid: gateway.metadata.uid,
});

/** A Gateway by its name, with its uid while it is there. */
function knownOf({ objects }: Picture, ref: ObjectRef): ClusterEvent["regarding"] {
  const gateway = objects.get("Gateway", ref.namespace, ref.name);
  return gateway === undefined ? ref : regardingOf(gateway);
}

/** Addresses in a Gateway's status that no pod could reach, such as 0.0.0.0. */
const unusableAddresses = ({ egressGateways }: Picture): readonly ClusterEvent[] =>
  egressGateways.flatMap((gateway) => {
    const values = (gateway.status?.addresses ?? [])
      .filter(({ type = "IPAddress", value = "" }) => type === "IPAddress" && usableAddress(value) === undefined)
      .map(({ value = "" }) => JSON.stringify(value));
    if (values.length === 0) return [];
    const note = `No pod can reach the address ${list(values)}: egress hostnames are not answered with it`;
    return [{ regarding: regardingOf(gateway), type: "Warning", reason: "UnusableAddress", action: "LeaveOut", note }];
  });

/** Told to the Gateways that lose: their owners wonder. */
function conflicts(picture: Picture): readonly ClusterEvent[] {
  const pairs = picture.egressHostnames.flatMap(({ hostname, gateway, losers }) =>
    losers.map((loser) => ({ hostname, gateway, loser })),
  );
  const byPair = Map.groupBy(pairs, ({ gateway, loser }) => `${identityOf(loser)} ${identityOf(gateway)}`);
  return [...byPair.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const names = list(same.map(({ hostname }) => hostname));
    const note = `Another Gateway, ${formatName(first.gateway)}, is older and answers for ${names}`;
    const regarding = knownOf(picture, first.loser);
    return [{ regarding, type: "Warning", reason: "HostnameConflict", action: "PreferOldest", note }];
  });
}

/** Names that nobody claims any more, told to the Gateway that did, which may be gone. */
function forwarded(known: readonly EgressHostname[], picture: Picture): readonly ClusterEvent[] {
  const claimed = new Set(picture.egressHostnames.map(({ hostname }) => hostname));
  const gone = known.filter(({ hostname }) => !claimed.has(hostname));
  return [...Map.groupBy(gone, ({ gateway }) => identityOf(gateway)).values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const names = list(same.map(({ hostname }) => hostname));
    const note = `No Gateway claims these hostnames any more, their real addresses are answered from now on: ${names}`;
    const regarding = knownOf(picture, first.gateway);
    return [{ regarding, type: "Warning", reason: "HostnamesForwarded", action: "Forward", note }];
  });
}
