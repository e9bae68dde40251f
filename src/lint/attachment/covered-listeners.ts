import type { Listener } from "../../model/kinds/gateway.ts";
import type { Kinds } from "../../model/kinds.ts";
import type { Topology } from "../../model/topology.ts";

export type CoveredListener = { readonly listener: Listener; readonly index: number };

/** The egress gateway that a policy targets, and its listeners that the policy covers. */
export type Coverage = { readonly gateway: Kinds["Gateway"]; readonly listeners: readonly CoveredListener[] };

/** What a DNSPolicy or TLSPolicy covers; undefined when its target is no egress gateway in view. */
export function egressCoverage(policy: Kinds["DNSPolicy" | "TLSPolicy"], topology: Topology): Coverage | undefined {
  const { kind, name = "", sectionName } = policy.spec?.targetRef ?? {};
  if (kind !== "Gateway") return undefined;
  const gateway = topology.objects.get("Gateway", policy.metadata.namespace, name);
  if (gateway === undefined || !topology.egressGateways.includes(gateway)) return undefined;
  const listeners = (gateway.spec?.listeners ?? [])
    .map((listener, index) => ({ listener, index }))
    .filter(({ listener }) => sectionName === undefined || listener.name === sectionName);
  return { gateway, listeners };
}

/** The field by which a policy chooses its listeners. */
export const targetPath = ({ spec }: Kinds["DNSPolicy" | "TLSPolicy"]): readonly string[] => [
  "spec",
  "targetRef",
  spec?.targetRef?.sectionName === undefined ? "name" : "sectionName",
];

const MOST_NAMES = 3;

/** Names for a message: the first few, and how many more there are. */
export const someOf = (names: readonly string[]): string =>
  names.length > MOST_NAMES
    ? `${names.slice(0, MOST_NAMES).join(", ")} and ${names.length - MOST_NAMES} more`
    : names.join(", ");
