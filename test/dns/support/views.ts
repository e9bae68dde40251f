import type { EgressHostname, EgressState, EgressView } from "../../../src/model/egress.ts";
import type { ObjectRef } from "../../../src/model/object-ref.ts";

export const gatewayRef = (name = "egress"): ObjectRef => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  namespace: "gateway-system",
  name,
});

export const ready = (...addresses: string[]): EgressState => ({ status: "ready", addresses });
export const closed = (reason = "it has no address yet"): EgressState => ({ status: "closed", reason });
export const unresolved = (...hostnames: string[]): EgressState => ({ status: "unresolved", hostnames });

/** One claimed name; by default ready at 10.96.10.10. */
export const claim = (hostname: string, state: EgressState = ready("10.96.10.10")): EgressHostname => ({
  hostname,
  gateway: gatewayRef(),
  listener: "listener",
  state,
  losers: [],
});

export const viewOf = (...egressHostnames: EgressHostname[]): EgressView => ({
  egressHostnames,
  gatewayPodAddresses: [],
});
