import type { FieldEdit } from "../../model/edit.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type { BackendRef } from "../../model/kinds/route.ts";
import type { Topology } from "../../model/topology.ts";

const ISTIO_GROUP = "networking.istio.io";

/** The only port that ServiceEntries in view declare for a host; undefined when there are several, or none. */
export function onlyPort(host: string, { objects }: Topology): number | undefined {
  const entries = objects.of("ServiceEntry").filter(({ spec }) => spec?.hosts?.includes(host));
  const ports = new Set(entries.flatMap(({ spec }) => spec?.ports ?? []).flatMap(({ number }) => number ?? []));
  return ports.size === 1 ? [...ports][0] : undefined;
}

/** Whether a ServiceEntry in view defines the host and, when one is given, the port. */
export const isDefined = (host: string, port: number | undefined, { objects }: Topology): boolean =>
  objects
    .of("ServiceEntry")
    .some(
      ({ spec }) =>
        spec?.hosts?.includes(host) === true &&
        (port === undefined || spec.ports?.some(({ number }) => number === port) === true),
    );

/** What makes a reference one to a host: undefined when it has no port and it is open which one is meant. */
export function asHostname(
  backend: BackendRef,
  at: FieldPath,
  host: string,
  topology: Topology,
): readonly FieldEdit[] | undefined {
  const port = backend.port ?? onlyPort(host, topology);
  if (port === undefined) return undefined;
  const wanted = { group: ISTIO_GROUP, kind: "Hostname", name: host, port } as const;
  const sets = (["group", "kind", "name", "port"] as const)
    .filter((field) => backend[field] !== wanted[field])
    .map((field): FieldEdit => ({ op: "set", path: [...at, field], value: wanted[field] }));
  return backend.namespace === undefined ? sets : [...sets, { op: "remove", path: [...at, "namespace"] }];
}
