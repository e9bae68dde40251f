import { networkInterfaces } from "node:os";
import { SluiceError } from "../../model/errors.ts";
import type { LoadedDirective, LoadedServer } from "../directives/load-corefile.ts";
import type { DirectiveName, SettingsOf } from "../directives/registry.ts";

/** Where to listen instead of what the Corefile says; port 0 takes any that is free. */
export type ListenOverride = { readonly host: string; readonly port: number };

/** A directive of a server block, without its text: what a worker needs. */
export type PlannedDirective = {
  readonly [N in DirectiveName]: { readonly name: N; readonly settings: SettingsOf<N> };
}[DirectiveName];

/** One server block. */
export type PlannedServer = {
  /** Absolute, lower case. */
  readonly zones: readonly string[];
  /** The label of its first listener. */
  readonly label: string;
  /** In the order of execution. */
  readonly directives: readonly PlannedDirective[];
};

/** One address that is listened on, over UDP and TCP. */
export type PlannedListener = {
  /** What makes it the same listener after a reload: its sockets stay then. */
  readonly id: string;
  /** `dns://:53` or `dns://10.0.0.1:53`, as the Corefile names it, whatever the override: the `server` of metrics. */
  readonly label: string;
  readonly host: string;
  readonly port: number;
  /** Zones that are served here, each with the place of its server block in `servers`. */
  readonly zones: readonly (readonly [zone: string, server: number])[];
};

/** All that a worker is to do: structured-cloneable. */
export type Plan = { readonly servers: readonly PlannedServer[]; readonly listeners: readonly PlannedListener[] };

/** All addresses. Where the machine has IPv6 at all, one socket takes both families. */
const anyHost = (): string =>
  Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === "IPv6"))
    ? "::"
    : "0.0.0.0";

/** The settings of all lines of one directive in a server block, in the order of the file. */
export const settingsOf = <N extends DirectiveName>(
  server: { readonly directives: readonly (PlannedDirective | LoadedDirective)[] },
  name: N,
): readonly SettingsOf<N>[] =>
  // The name chooses the type of the settings, which the compiler cannot follow.
  server.directives.flatMap((one) => (one.name === name ? [one.settings as SettingsOf<N>] : []));

/** Addresses of an interface; an address itself, and so the name of an interface that this machine does not have. */
function addressesOf(text: string): readonly string[] {
  const found = networkInterfaces()[text];
  // A link-local address needs its interface, which a listener's label has no room for.
  return found === undefined ? [text] : found.map(({ address }) => address).filter((one) => !one.startsWith("fe80:"));
}

/** What a server block's `bind` lines name; undefined for all addresses. Throws a SluiceError when nothing is left. */
function boundHosts(server: LoadedServer): readonly string[] | undefined {
  const binds = settingsOf(server, "bind");
  if (binds.length === 0) return undefined;
  const except = new Set(binds.flatMap((bind) => bind.except).flatMap(addressesOf));
  const all = new Set(binds.flatMap((bind) => bind.addresses).flatMap(addressesOf));
  const hosts = [...all].filter((host) => !except.has(host));
  if (hosts.length > 0) return hosts;
  throw new SluiceError(
    "SLUICE_CONFIG_INVALID",
    `the server block of ${server.keys.map(({ zone }) => zone).join(" ")} listens nowhere: 'bind' leaves no address`,
    "name an address in 'bind', or leave fewer out with 'except'",
  );
}

const labelOf = (host: string | undefined, port: number): string =>
  `dns://${host === undefined ? "" : host.includes(":") ? `[${host}]` : host}:${port}`;

type OpenListener = PlannedListener & { readonly zones: [string, number][] };

/** Groups the zones of all server blocks by the addresses that they are served on. Throws a SluiceError when none is. */
export function makePlan(loaded: readonly LoadedServer[], override?: ListenOverride): Plan {
  const listeners = new Map<string, OpenListener>();
  for (const [index, server] of loaded.entries()) {
    const hosts = boundHosts(server);
    for (const { zone, port } of server.keys) {
      for (const host of hosts ?? [undefined]) {
        const label = labelOf(host, port);
        const at = listeners.get(label) ?? { id: label, label, host: host ?? anyHost(), port, zones: [] };
        at.zones.push([zone, index]);
        listeners.set(label, at);
      }
    }
  }
  const planned = override === undefined ? [...listeners.values()] : overridden([...listeners.values()], override);
  if (planned.length === 0) {
    throw new SluiceError("SLUICE_CONFIG_INVALID", "the Corefile listens nowhere", "name an address in 'bind'");
  }
  return {
    servers: loaded.map((server) => ({
      zones: server.keys.map(({ zone }) => zone),
      label: labelOf(boundHosts(server)?.[0], server.keys[0]?.port ?? 0),
      directives: server.directives.map(({ name, settings }) => ({ name, settings }) as PlannedDirective),
    })),
    listeners: planned,
  };
}

/** One listener for everything. Zones that are told apart by their port or address only cannot be. */
function overridden(listeners: readonly OpenListener[], { host, port }: ListenOverride): readonly PlannedListener[] {
  const zones = new Map<string, number>();
  for (const listener of listeners) {
    for (const [zone, server] of listener.zones) {
      const other = zones.get(zone);
      if (other !== undefined && other !== server) {
        throw new SluiceError(
          "SLUICE_CONFIG_INVALID",
          `the Corefile serves the zone ${zone} on several addresses, and a listen address was given`,
          "leave the listen address out, or keep one server block for each zone",
        );
      }
      zones.set(zone, server);
    }
  }
  const [first] = listeners;
  return first === undefined ? [] : [{ id: "override", label: first.label, host, port, zones: [...zones] }];
}
