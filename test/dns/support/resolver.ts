import { formatDiagnostic } from "../../../src/dns/corefile/diagnostic.ts";
import { type LoadedServer, loadCorefile } from "../../../src/dns/directives/load-corefile.ts";
import type { LogLine } from "../../../src/dns/pipeline/serve.ts";
import type { ResolverData } from "../../../src/dns/server/block-data.ts";
import type { ResolverOptions } from "../../../src/dns/server/resolver-options.ts";
import { type Resolver, startResolver } from "../../../src/dns/server/start-resolver.ts";
import type { EgressView } from "../../../src/model/egress.ts";
import { createLog } from "../../../src/observe/log.ts";
import { memoryFiles } from "../corefile/memory-files.ts";

export const EMPTY_VIEW: EgressView = { egressHostnames: [], gatewayPodAddresses: [] };

/** What a test resolver answers from besides its Corefile. */
export const testData = (view: EgressView = EMPTY_VIEW, synced = true): ResolverData => ({
  view,
  synced,
  source: "watch",
  records: [],
  recordNamespaces: [],
  clusterDomain: "cluster.local",
});

/** The server blocks of a Corefile that is right. */
export function serversOf(corefile: string, files: Readonly<Record<string, string>> = {}): readonly LoadedServer[] {
  const { servers, diagnostics } = loadCorefile({
    file: "Corefile",
    text: corefile,
    environment: {},
    files: memoryFiles(files),
    compatibility: "strict",
  });
  if (servers === undefined) throw new Error(diagnostics.map(formatDiagnostic).join("\n"));
  return servers;
}

export type TestResolverOptions = Omit<Partial<ResolverOptions>, "data" | "listen"> & {
  /** Default any port of loopback; `corefile`: where the Corefile says. */
  readonly listen?: ResolverOptions["listen"] | "corefile";
  /** A whole Corefile; else one block with `sluice`, `lines`, and a `forward` to the upstreams. */
  readonly corefile?: string;
  readonly lines?: string;
  readonly view?: EgressView;
  readonly synced?: boolean;
  readonly data?: Partial<ResolverData>;
};

export type TestResolver = Omit<Resolver, "update"> & {
  readonly port: number;
  readonly lines: LogLine[];
  update(view: EgressView, data?: Partial<ResolverData>): Promise<void>;
};

const ANY_PORT = { host: "127.0.0.1", port: 0 };

/** What tests start resolvers with: one worker on loopback, any port. */
export async function startTestResolver(
  upstreamPorts: readonly number[],
  { corefile, lines = "", listen = ANY_PORT, view, synced, data, ...options }: TestResolverOptions = {},
): Promise<TestResolver> {
  const upstreams = upstreamPorts.map((port) => `127.0.0.1:${port}`).join(" ");
  const text = corefile ?? `.:53 {\nerrors\nsluice\n${lines}\nforward . ${upstreams}\n}`;
  const logged: LogLine[] = [];
  const resolver = await startResolver({
    servers: serversOf(text),
    ...(listen !== "corefile" && { listen }),
    workers: 1,
    workerUrl: new URL("./worker-entry.ts", import.meta.url),
    data: { ...testData(view, synced), ...data },
    printLine: (line) => logged.push(line),
    log: createLog("silent"),
    ...options,
  });
  return {
    ...resolver,
    port: resolver.addresses()[0]?.port ?? 0,
    lines: logged,
    update: (next, more) => resolver.update({ ...testData(next), ...more }),
  };
}
