import { compareAge } from "./age.ts";
import type { Attachment } from "./attachment.ts";
import type { EgressHostname, EgressState } from "./egress.ts";
import { compareSpecificity, normalizeHostname } from "./hostname.ts";
import type { Listener } from "./kinds/gateway.ts";
import type { Kinds } from "./kinds.ts";
import type { ObjectRef } from "./object-ref.ts";

/** What happens when several gateways claim one name: the oldest owns it, or their addresses are answered together. */
export type ConflictMode = "oldest" | "merge";

export type GatewayView = {
  readonly gateway: Kinds["Gateway"];
  readonly ref: ObjectRef;
  readonly state: EgressState;
  readonly attachments: readonly Attachment[];
};

type AttachedView = GatewayView & { readonly byListener: ReadonlyMap<Listener, readonly Attachment[]> };

type Claim = {
  readonly hostname: string;
  readonly view: AttachedView;
  readonly listener: Listener;
  readonly route?: Attachment["route"];
};

/**
 * The names that egress gateways claim: hostnames of listeners, and of attached routes (narrower than the listener's,
 * or in place of a missing one). The owner is chosen by age before its addresses are looked at: a young gateway must
 * not take a name over because the owner is down. Sorted by specificity.
 */
export function buildEgressHostnames(
  gateways: readonly GatewayView[],
  mode: ConflictMode,
  refOf: (object: Kinds[keyof Kinds]) => ObjectRef,
): readonly EgressHostname[] {
  const views = gateways.map(
    (gateway): AttachedView => ({
      ...gateway,
      byListener: Map.groupBy(gateway.attachments, ({ listener }) => listener),
    }),
  );
  const claims = Map.groupBy(views.flatMap(claimsOf), ({ hostname }) => hostname);
  return [...claims]
    .map(([hostname, rivals]) => settle(hostname, rivals, mode, refOf))
    .sort((a, b) => compareSpecificity(a.hostname, b.hostname));
}

function claimsOf(view: AttachedView): readonly Claim[] {
  return (view.gateway.spec?.listeners ?? []).flatMap((listener): readonly Claim[] => {
    const own = listener.hostname === undefined ? undefined : normalizeHostname(listener.hostname);
    const fromRoutes = (view.byListener.get(listener) ?? []).flatMap(({ hostnames, route }) =>
      hostnames.filter((name) => name !== "" && name !== own).map((hostname) => ({ hostname, view, listener, route })),
    );
    return own === undefined ? fromRoutes : [{ hostname: own, view, listener }, ...fromRoutes];
  });
}

function settle(
  hostname: string,
  rivals: readonly Claim[],
  mode: ConflictMode,
  refOf: (object: Kinds[keyof Kinds]) => ObjectRef,
): EgressHostname {
  const byAge = rivals.toSorted((a, b) => compareAge(a.view.gateway, b.view.gateway));
  const oldest = byAge[0] as Claim;
  const claims = byAge.filter(({ view }) => view === oldest.view);
  // Of several listeners of one gateway with the same name, one that has a route can answer.
  const owner = claims.find((claim) => stateOf(claim).status !== "closed") ?? (claims[0] as Claim);
  const state = mode === "merge" ? merge(byAge.map(stateOf)) : stateOf(owner);
  const joined = (view: AttachedView): boolean =>
    mode === "merge" && rivals.some((claim) => claim.view === view && stateOf(claim).status === state.status);
  const others = [...new Set(byAge.map(({ view }) => view))].filter((view) => view !== owner.view && !joined(view));
  return {
    hostname,
    gateway: owner.view.ref,
    listener: owner.listener.name ?? "",
    ...(owner.route === undefined ? {} : { route: refOf(owner.route) }),
    state,
    losers: others.map(({ ref }) => ref),
  };
}

/** The gateway's state, unless no route is attached to the listener: then nothing would answer behind the address. */
function stateOf({ view, listener }: Claim): EgressState {
  if (view.state.status === "closed") return view.state;
  return view.byListener.has(listener)
    ? view.state
    : { status: "closed", reason: `no route is attached to listener '${listener.name}'` };
}

function merge(states: readonly EgressState[]): EgressState {
  const ready = states.filter((state) => state.status === "ready").flatMap(({ addresses }) => addresses);
  if (ready.length > 0) return { status: "ready", addresses: [...new Set(ready)] };
  const hostnames = states.filter((state) => state.status === "unresolved").flatMap((state) => state.hostnames);
  if (hostnames.length > 0) return { status: "unresolved", hostnames: [...new Set(hostnames)] };
  return states[0] ?? { status: "closed", reason: "no gateway" };
}
