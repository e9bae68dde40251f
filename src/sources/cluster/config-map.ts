import type { SourceLog } from "../source-log.ts";
import type { ApiResource } from "./api-resource.ts";
import { clusterLog } from "./cluster-log.ts";
import type { RawObject } from "./raw-object.ts";
import { createReflector } from "./reflector.ts";
import { REFLECTOR_TIMING, type ReflectorTiming } from "./reflector-timing.ts";
import type { Transport } from "./transport.ts";

export type ConfigMapOptions = {
  readonly transport: Transport;
  readonly namespace: string;
  readonly name: string;
  readonly log: SourceLog;
  /** Called with the texts by key when they are first known and whenever they change; undefined: there is none. */
  readonly onData: (data: Readonly<Record<string, string>> | undefined) => void;
  readonly timing?: ReflectorTiming;
};

/** Follows one ConfigMap by name, and needs to read no other. */
export type FollowedConfigMap = { close(): Promise<void> };

/** Its texts by key. Values of another type, which an API server does not send, are left out. */
function dataOf(object: RawObject): Readonly<Record<string, string>> {
  const { data } = object as { readonly data?: unknown };
  const entries = data !== null && typeof data === "object" ? Object.entries(data) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

/**
 * Starts to follow a ConfigMap. Returns at once. While the API server is away, or does not let us read it, what was
 * last known stays.
 */
export function followConfigMap(options: ConfigMapOptions): FollowedConfigMap {
  const { transport, namespace, name, log, onData, timing = REFLECTOR_TIMING } = options;
  const resource: ApiResource = {
    kind: "ConfigMap",
    group: "",
    versions: ["v1"],
    plural: "configmaps",
    only: { namespace, name },
  };
  const now = (): number => performance.now();
  const { report } = clusterLog({ log, now, server: transport.server });
  const isMeant = ({ metadata }: RawObject): boolean => metadata.name === name;
  const stop = new AbortController();
  const reflector = createReflector({
    transport,
    resource,
    metadataOnly: false,
    sink: {
      replace(objects) {
        const found = objects.find(isMeant);
        onData(found === undefined ? undefined : dataOf(found));
      },
      upsert: (object) => isMeant(object) && onData(dataOf(object)),
      remove: (object) => isMeant(object) && onData(undefined),
    },
    report: (event) => report(resource, event),
    now,
    random: Math.random,
    timing,
  });
  const run = reflector.run(stop.signal);
  return {
    async close() {
      stop.abort();
      await run;
    },
  };
}
