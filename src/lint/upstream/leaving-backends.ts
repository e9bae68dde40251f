import { isListed, PRIVATE_NETWORKS } from "../../model/address.ts";
import type { Route } from "../../model/attachment.ts";
import { isExternalBackend } from "../../model/egress-gateway.ts";
import type { FieldPath } from "../../model/field-path.ts";
import { entriesCoveringName } from "../../model/host-lookup.ts";
import { normalizeHostname } from "../../model/hostname.ts";
import type { BackendRef } from "../../model/kinds/route.ts";
import type { Kinds } from "../../model/kinds.ts";
import type { RoutePath } from "../../model/policy-target.ts";
import type { Topology } from "../../model/topology.ts";

/** A backend to which requests leave the cluster. */
export type LeavingBackend = {
  readonly host: string;
  readonly path: FieldPath;
  /** Lower-case names of the headers that the route takes off, or gives another value, on the way to this backend. */
  readonly replacedHeaders: ReadonlySet<string>;
};

/** The backends of one rule of a route that certainly lie outside of the cluster and receive requests. */
export function leavingBackends({ attachment, ruleIndex }: RoutePath, topology: Topology): readonly LeavingBackend[] {
  const { route } = attachment;
  const rule = route.spec?.rules?.[ruleIndex];
  return (rule?.backendRefs ?? []).flatMap((backend, position) => {
    if (backend.weight === 0 || !isExternalBackend(backend, route, topology.objects)) return [];
    const host = hostOf(backend, route, topology);
    if (isClusterName(host, topology.settings.clusterDomain) || isMeshInternal(host, topology)) return [];
    return [
      {
        host,
        path: ["spec", "rules", ruleIndex, "backendRefs", position],
        replacedHeaders: replacedBy([...(rule?.filters ?? []), ...(backend.filters ?? [])]),
      },
    ];
  });
}

/** Route filters run in the router, after authentication and injection. */
function replacedBy(filters: NonNullable<BackendRef["filters"]>): ReadonlySet<string> {
  return new Set(
    filters.flatMap(({ requestHeaderModifier: change }) => [
      ...(change?.remove ?? []).map((name) => name.toLowerCase()),
      ...(change?.set ?? []).map(({ name = "" }) => name.toLowerCase()),
    ]),
  );
}

/** The name that is called: of a Service of type ExternalName it is the name behind it. */
function hostOf(backend: BackendRef, route: Route, { objects }: Topology): string {
  const name = backend.name ?? "";
  if ((backend.kind ?? "Service") !== "Service") return name;
  return objects.get("Service", backend.namespace ?? route.metadata.namespace, name)?.spec?.externalName ?? name;
}

/** An Istio Hostname backend and an ExternalName can also mean a Service of the cluster. */
const isClusterName = (host: string, clusterDomain: string): boolean =>
  [".svc", `.svc.${clusterDomain}`].some((suffix) => host.toLowerCase().replace(/\.$/, "").endsWith(suffix));

/** Whether every ServiceEntry for the host says that it belongs to the mesh, and none lists a public address. */
function isMeshInternal(host: string, { objects }: Topology): boolean {
  const name = normalizeHostname(host) ?? host;
  const entries = entriesCoveringName(name, objects);
  return entries.length > 0 && entries.every(staysInside);
}

const staysInside = ({ spec }: Kinds["ServiceEntry"]): boolean =>
  spec?.location === "MESH_INTERNAL" && (spec.endpoints ?? []).every(({ address = "" }) => !isPublicAddress(address));

const isPublicAddress = (address: string): boolean =>
  /^[\d.]+$|:/.test(address) && !address.startsWith("unix:") && !isListed(address, PRIVATE_NETWORKS);
