import type { ResolverOptions } from "../../../src/dns/server/resolver-options.ts";
import { type Resolver, startResolver } from "../../../src/dns/server/start-resolver.ts";
import type { EgressView } from "../../../src/model/egress.ts";
import { createLog } from "../../../src/observe/log.ts";

export const EMPTY_VIEW: EgressView = { egressHostnames: [], gatewayPodAddresses: [] };

/** What tests start resolvers with: one worker on loopback, any port, no probe that an upstream would count. */
export const startTestResolver = (
  upstreamPorts: readonly number[],
  options: Partial<ResolverOptions> = {},
): Promise<Resolver> =>
  startResolver({
    listen: { host: "127.0.0.1", port: 0 },
    workers: 1,
    workerUrl: new URL("./worker-entry.ts", import.meta.url),
    upstreams: upstreamPorts.map((port) => ({ host: "127.0.0.1", port, family: 4 })),
    view: EMPTY_VIEW,
    synced: true,
    log: createLog("silent"),
    loopProbe: false,
    ...options,
  });
