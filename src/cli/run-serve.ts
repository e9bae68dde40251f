import type { Config } from "../config/schema.ts";
import { startEndpoints } from "../observe/endpoints.ts";
import { createLog, type Log } from "../observe/log.ts";
import { createMetrics } from "../observe/metrics.ts";
import type { SampleSource } from "../observe/sample.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT } from "./exit-codes.ts";
import { renderFailure } from "./failure.ts";
import { type CorefileService, configuredPages, NO_PAGES, startCorefileService } from "./serve-corefile.ts";
import { type DnsService, startDnsRole } from "./serve-dns.ts";
import { type ServedObjects, startObjects } from "./serve-objects.ts";
import { collectStartGarbage, preferSmallHeaps } from "./small-heap.ts";
import { printBanner } from "./start-banner.ts";

/** Everything that runs, in the order in which it was started; it is closed in the opposite order. */
type Running = {
  readonly closers: (() => Promise<void>)[];
  readonly drains: (() => void)[];
  /** How long each part wants to go on behind the signal to stop, in milliseconds. */
  readonly lameDuck: (() => number)[];
};

/** Runs until SIGTERM or SIGINT, then ends without losing a request. Gives the exit code. */
export const runServe = (config: Config, context: CommandContext): Promise<number> => run(config, context, start);

/** The resolver alone: no webhooks, certificates or pages. */
export const runDnsServe = (config: Config, context: CommandContext): Promise<number> => run(config, context, startDns);

type Start = (config: Config, context: StartContext) => Promise<unknown>;

async function run(config: Config, context: CommandContext, startAll: Start): Promise<number> {
  preferSmallHeaps();
  const log = createLog(config.logLevel, config.logFormat);
  const running: Running = { closers: [], drains: [], lameDuck: [] };
  const stopped = stopSignal();
  log.info({ settings: config }, "effective settings");
  try {
    await startAll(config, { ...context, log, running, onFatal: stopped.fail });
    collectStartGarbage();
    log.info({ roles: config.roles }, "serving");
    const reason = await stopped.reason;
    const parts = running.lameDuck.map((milliseconds) => milliseconds() / 1_000);
    const drainSeconds = parts.length === 0 ? config.drainSeconds : Math.max(...parts);
    log.info({ reason, drainSeconds }, "stopping");
    for (const drain of running.drains) drain();
    await pause(drainSeconds, stopped.again);
    return EXIT.clean;
  } catch (error) {
    return renderFailure(error, context.terminal.stderr);
  } finally {
    for (const close of running.closers.reverse()) await close();
    log.info({}, "stopped");
    await flushed(log);
  }
}

type StartContext = CommandContext & {
  readonly log: Log;
  readonly running: Running;
  readonly onFatal: (error: unknown) => void;
};

async function startDns(config: Config, context: StartContext): Promise<void> {
  const { log, running } = context;
  const objects = await startObjects(config, log);
  running.closers.push(objects.close);
  const sources: SampleSource[] = [() => sampleObjects(objects)];
  const metrics = createMetrics([() => sources.flatMap((source) => source())]);
  const dns = await startResolving(config, objects, context);
  const { notReady } = dns.resolver;
  const served = await startCorefileService({ dns, config, pages: NO_PAGES, notReady, metrics, log });
  sources.push(dns.resolver.samples);
  runCorefile(running, served, sources);
}

async function startResolving(config: Config, objects: ServedObjects, context: StartContext): Promise<DnsService> {
  const { workerUrl, log, running } = context;
  const dns = await startDnsRole({ config, ...objects, workerUrl, log });
  running.closers.push(() => dns.resolver.close());
  printBanner(dns, config, context);
  return dns;
}

function runCorefile(running: Running, served: CorefileService, sources: SampleSource[]): void {
  sources.push(served.samples);
  running.closers.push(served.close);
  running.drains.push(served.drain);
  running.lameDuck.push(served.lameDuckMilliseconds);
}

/** Everything that the roles ask for. Webhooks and the admin page are loaded here: most of the code is theirs. */
async function start(config: Config, context: StartContext): Promise<void> {
  const { log, running, onFatal } = context;
  const sources: SampleSource[] = [];
  const metrics = createMetrics([() => sources.flatMap((source) => source())]);
  const parts: (() => readonly string[])[] = [];
  const objects = await startObjects(config, log);
  running.closers.push(objects.close);
  sources.push(() => sampleObjects(objects));
  // The resolver says itself what it lacks: it is ready with a snapshot, too.
  if (config.roles.includes("admission")) parts.push(objects.notReady);
  const dns = config.roles.includes("dns") ? await startResolving(config, objects, context) : undefined;
  if (dns !== undefined) {
    sources.push(dns.resolver.samples);
    parts.push(dns.resolver.notReady);
  }
  if (config.roles.includes("admission")) {
    const { startAdmissionRole } = await import("./serve-admission.ts");
    const { startProfile } = await import("./serve-profile.ts");
    const profile = startProfile(objects, log);
    running.closers.push(profile.close);
    sources.push(profile.samples);
    const admission = await startAdmissionRole({
      config,
      snapshot: objects.snapshot,
      choices: profile.current,
      metrics: metrics.admission,
      log,
      onFatal,
    });
    running.closers.push(admission.close);
    running.drains.push(admission.drain);
    sources.push(admission.certificates.samples);
    parts.push(admission.notReady);
  }
  const pages = { notReady: () => parts.flatMap((part) => part()), metrics, log };
  if (dns !== undefined) {
    const served = await startCorefileService({ ...pages, dns, config, pages: configuredPages(config) });
    runCorefile(running, served, sources);
  } else {
    const endpoints = await startEndpoints({ ...pages, settings: configuredPages(config) });
    running.closers.push(endpoints.close);
    running.drains.push(endpoints.drain);
  }
  const { startAdminPage } = await import("./admin-page.ts");
  const admin = await startAdminPage(config, objects);
  running.closers.push(() => admin.close());
}

const sampleObjects = ({ snapshot, ageSeconds }: ServedObjects) => {
  const gauge = (name: string, help: string, value: number) =>
    ({ name, help, type: "gauge", labels: {}, value }) as const;
  return [
    gauge("sluice_objects", "Objects of known kinds in the current picture", snapshot.current().decoded.length),
    gauge("sluice_source_age_seconds", "Seconds since the source last proved the picture to be right", ageSeconds()),
    gauge("sluice_synced", "Whether every source has delivered its objects once", snapshot.synced() ? 1 : 0),
  ];
};

type StopSignal = {
  /** What ended the run. Rejects with what went wrong when it was a failure. */
  readonly reason: Promise<string>;
  /** Settles at a second signal: whoever sends it does not want to wait. */
  readonly again: Promise<void>;
  readonly fail: (error: unknown) => void;
};

function stopSignal(): StopSignal {
  const first = Promise.withResolvers<string>();
  const second = Promise.withResolvers<void>();
  let seen = false;
  // A failure while things are being started is reported by the start itself.
  first.promise.catch(() => undefined);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (seen) second.resolve();
      seen = true;
      first.resolve(signal);
    });
  }
  return { reason: first.promise, again: second.promise, fail: first.reject };
}

async function pause(seconds: number, interrupted: Promise<void>): Promise<void> {
  if (seconds === 0) return;
  const waited = Promise.withResolvers<void>();
  const timer = setTimeout(waited.resolve, seconds * 1000);
  await Promise.race([waited.promise, interrupted]);
  clearTimeout(timer);
}

const flushed = (log: Log): Promise<void> => new Promise((resolve) => log.flush(() => resolve()));
