import type { ObjectRef } from "./object-ref.ts";

/**
 * Whether an egress hostname can be answered.
 * - `ready`: answer with these addresses (IPv4 dotted quads and IPv6 literals, sanitised, in the gateway's order).
 * - `unresolved`: the gateway's address is a host name outside the cluster; the resolver looks it up itself.
 * - `closed`: claimed, but without a usable address. Answered SERVFAIL, never forwarded.
 */
export type EgressState =
  | { readonly status: "ready"; readonly addresses: readonly string[] }
  | { readonly status: "unresolved"; readonly hostnames: readonly string[] }
  | { readonly status: "closed"; readonly reason: string };

/** The state in words, for logs and pages: the addresses, or why there are none. */
export function formatEgressState(state: EgressState): string {
  switch (state.status) {
    case "ready":
      return state.addresses.join(", ");
    case "unresolved":
      return `looked up: ${state.hostnames.join(", ")}`;
    case "closed":
      return `closed: ${state.reason}`;
    default:
      return state satisfies never;
  }
}

/** An external name that must be reached through a gateway. */
export type EgressHostname = {
  /** `api.openai.com` or `*.anthropic.com`: lower case, A-labels, no root dot. A wildcard covers one or more labels. */
  readonly hostname: string;
  readonly gateway: ObjectRef;
  /** The listener (its section name) that claims the name. */
  readonly listener: string;
  /** The route that brings the name, when the listener itself has no hostname. */
  readonly route?: ObjectRef;
  readonly state: EgressState;
  /** Gateways that claim the same name and are not answered with, because they are younger. */
  readonly losers: readonly ObjectRef[];
};

/** What the resolver is compiled from; a Topology has it. */
export type EgressView = {
  readonly egressHostnames: readonly EgressHostname[];
  /** Addresses of the gateways' own pods: they must get the real addresses, or they would call themselves. */
  readonly gatewayPodAddresses: readonly string[];
};
