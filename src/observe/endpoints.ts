import type { Log } from "./log.ts";
import { type MakePage, type PageAddress, plain } from "./page-server.ts";
import { monitorReadiness, type ReadyMonitor } from "./readiness.ts";
import { type OpenListener, replaceListeners, type WantedListener } from "./replace-listeners.ts";
import { type SelfCheckCounts, startSelfCheck } from "./self-check.ts";

/** Where each page is served. An address that is named several times, also for different pages, is listened on once. */
export type EndpointSettings = {
  readonly health: readonly PageAddress[];
  readonly ready: readonly (PageAddress & { readonly monitor?: ReadyMonitor })[];
  readonly metrics: readonly PageAddress[];
};

export type EndpointsInput = {
  readonly settings: EndpointSettings;
  /** Names of the parts of this process that cannot serve yet, in a stable order; empty when all can. */
  readonly notReady: () => readonly string[];
  readonly metrics: { readonly contentType: string; print(): Promise<string> };
  /** Told about /health as we see it ourselves, once a second. */
  readonly selfCheck?: SelfCheckCounts;
  readonly log: Log;
};

export type Endpoints = {
  /** The port on which an address of the settings is served; undefined for an address of others. */
  portOf(address: PageAddress): number | undefined;
  /**
   * Serves other settings: what is new is opened before what is old closes, and what is in both stays open. Only an old
   * listener that stands in the way of a new one closes first. Fails with SLUICE_LISTEN_FAILED; then everything is as
   * before. Not to be called again before it has settled.
   */
  update(settings: EndpointSettings): Promise<void>;
  /** From now on /ready says 503: first step of a shutdown, while everything still serves. */
  drain(): void;
  close(): Promise<void>;
};

const NOTHING: EndpointSettings = { health: [], ready: [], metrics: [] };

/** Between the first step of a shutdown and its end. CoreDNS closes the port instead; both say "not ready". */
const SHUTTING_DOWN = "Shutting down";

/**
 * Serves /health, /ready and /metrics over plain HTTP, for the parts of this process only. /health is 200 as long as the
 * event loop turns, also while draining; /ready is 200 `OK`, or 503 with a comma list of what is not ready. Fails with
 * SLUICE_LISTEN_FAILED; then nothing is left listening.
 */
export async function startEndpoints(input: EndpointsInput): Promise<Endpoints> {
  let settings = NOTHING;
  const open = new Map<string, OpenListener>();
  let draining = false;
  const context = { ...input, draining: () => draining };
  const portOf = (address: PageAddress) => open.get(keyOf(servedAt(address, settings)))?.server.port;
  const update = async (next: EndpointSettings): Promise<void> => {
    await replaceListeners(open, planPages(next, context), input.log);
    settings = next;
  };
  await update(input.settings);
  const selfCheck =
    input.selfCheck &&
    startSelfCheck(input.selfCheck, () => {
      const [first] = settings.health;
      const port = first && portOf(first);
      return first && port ? { host: first.host, port } : undefined;
    });
  return {
    portOf,
    update,
    drain() {
      draining = true;
    },
    async close() {
      selfCheck?.stop();
      await Promise.all([...open.values()].map(({ server }) => server.close()));
    },
  };
}

/** Hosts that mean all addresses, the one that takes the most first. */
const ANY_HOSTS: readonly string[] = ["", "::", "0.0.0.0"];

const keyOf = ({ host, port }: PageAddress): string => `${host} ${port}`;

/** What is listened on for `address`: one for all addresses takes its port everywhere. */
function servedAt({ host, port }: PageAddress, { health, ready, metrics }: EndpointSettings): PageAddress {
  const others = [...health, ...ready, ...metrics].filter((other) => other.port === port);
  const any = ANY_HOSTS.find((one) => others.some((other) => other.host === one));
  return port === 0 || any === undefined ? { host, port } : { host: any, port };
}

type PlanContext = Pick<EndpointsInput, "notReady" | "metrics"> & { readonly draining: () => boolean };

/** What is to be listened on, by `keyOf`. */
function planPages(settings: EndpointSettings, context: PlanContext): ReadonlyMap<string, WantedListener> {
  const { notReady, metrics, draining } = context;
  const wanted = new Map<string, WantedListener & { readonly pages: Map<string, MakePage> }>();
  const add = (named: PageAddress, path: string, page: MakePage): void => {
    const address = servedAt(named, settings);
    const one = wanted.get(keyOf(address)) ?? { address, pages: new Map() };
    wanted.set(keyOf(address), one);
    one.pages.set(path, page);
  };
  for (const address of settings.health) add(address, "/health", () => plain(200, "OK"));
  for (const address of settings.ready) {
    const waiting = monitorReadiness(notReady, address.monitor ?? "continuously");
    add(address, "/ready", () => {
      const parts = draining() ? [SHUTTING_DOWN] : waiting();
      return parts.length === 0 ? plain(200, "OK") : plain(503, parts.join(","));
    });
  }
  for (const address of settings.metrics) {
    add(address, "/metrics", async () => ({
      status: 200,
      contentType: metrics.contentType,
      body: await metrics.print(),
    }));
  }
  return wanted;
}
