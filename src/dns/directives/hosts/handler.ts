import { setImmediate } from "node:timers/promises";
import { type Answer, failed, messageAnswer, refusal } from "../../pipeline/answer.ts";
import { composeMessage, type NewRecord } from "../../pipeline/compose.ts";
import { askedName, type Exchange } from "../../pipeline/exchange.ts";
import type { Handler, HandlerContext, Serve } from "../../pipeline/serve.ts";
import { CLASS_IN, EDE, FLAG, RCODE, TYPE } from "../../wire/codes.ts";
import type { NameKey } from "../../wire/name.ts";
import { createZoneLookup } from "../zone-lookup.ts";
import {
  addEntry,
  addressAnswer,
  emptyIndex,
  findHost,
  type HostIndex,
  type IndexOptions,
  NODATA,
} from "./host-index.ts";
import { type FileStamp, type HostsFile, readHostsFile } from "./hosts-file.ts";
import type { HostsEntry, HostsSettings } from "./setup.ts";

/** There is no SOA for an NXDOMAIN, so CoreDNS says SERVFAIL. */
const NOT_LISTED = refusal(
  "hosts",
  RCODE.SERVFAIL,
  EDE.OTHER,
  "the name is not in the hosts list, and nothing falls through",
);

/** Entries that are indexed in one go, so that questions do not wait. */
const ENTRIES_AT_ONCE = 100;

/**
 * Answers A, AAAA and PTR questions from a hosts file, which is watched, and from the lines of the Corefile
 * (CoreDNS plugin/hosts). Resolves once the file was read for the first time.
 */
export async function createHostsHandler(settings: HostsSettings, context: HandlerContext): Promise<Handler> {
  const source = createSource(settings, context);
  await source.refresh();
  const timer = settings.reloadMs === 0 ? undefined : setInterval(() => void source.refresh(), settings.reloadMs);
  timer?.unref();
  const zoneOf = createZoneLookup(settings.zones);
  const throughZone = createZoneLookup(settings.fallthrough);
  const passes = (key: NameKey): boolean => zoneOf(key) === undefined || throughZone(key) !== undefined;
  return {
    wrap: (next) => (exchange) => {
      const { key, type, class: klass } = exchange.asked;
      if (klass !== CLASS_IN) return next(exchange);
      if (type === TYPE.PTR) return answerPointer(exchange, { index: source.index(), ttlSeconds: settings.ttl, next });
      const listed = findHost(source.index(), key);
      if (listed === undefined) return passes(key) ? next(exchange) : NOT_LISTED;
      if (type === TYPE.A || type === TYPE.AAAA) return addressAnswer(listed, type, settings.ttl);
      return settings.fallthroughUnsupported && throughZone(key) !== undefined ? next(exchange) : NODATA;
    },
    close() {
      clearInterval(timer);
      source.close();
    },
  };
}

type Pointers = { readonly index: HostIndex; readonly ttlSeconds: number; readonly next: Serve };

/** Addresses that are not listed go on, whatever falls through (CoreDNS plugin/hosts). */
function answerPointer(exchange: Exchange, { index, ttlSeconds, next }: Pointers): Answer | Promise<Answer> {
  const names = index.pointers.get(exchange.asked.key);
  if (names === undefined) return next(exchange);
  const owner = askedName(exchange);
  const pieces = names.map((name): NewRecord => {
    return { section: "answer", owner, type: TYPE.PTR, ttlSeconds, data: Buffer.from(`${name}\0`, "latin1") };
  });
  const message = composeMessage(exchange, { rcode: RCODE.NOERROR, flags: FLAG.AA, pieces });
  if (message === undefined) return failed("hosts", EDE.OTHER, "the address has too many names for one answer");
  return messageAnswer("hosts", message, FLAG.AA);
}

type Source = {
  /** What is answered from now. */
  index(): HostIndex;
  /** Looks at the file again; never rejects. What was read before stays when it cannot be read. */
  refresh(): Promise<void>;
  close(): void;
};

function createSource(settings: HostsSettings, { meter, log }: HandlerContext): Source {
  const entryGauge = meter.gauge("coredns_hosts_entries");
  const timestampGauge = meter.gauge("coredns_hosts_reload_timestamp_seconds");
  const options = { zoneOf: createZoneLookup(settings.zones), reverse: settings.reverse };
  let index = emptyIndex();
  for (const entry of settings.entries) addEntry(index, entry, options);
  entryGauge.set(index.size);
  let stamp: FileStamp | undefined;
  let problem = "";
  let isBusy = false;
  let isClosed = false;
  const take = async (file: HostsFile): Promise<void> => {
    // The file's addresses come first, as in CoreDNS.
    const read = await indexOf([...file.entries, ...settings.entries], options);
    if (isClosed) return;
    index = read;
    stamp = file.stamp;
    entryGauge.set(index.size);
    timestampGauge.set(stamp.modifiedMs / 1000);
  };
  const report = (found: string): void => {
    if (found !== problem && found !== "" && !isClosed) {
      log({
        level: "warning",
        text: `plugin/hosts: cannot read ${settings.file}: ${found}`,
        fields: { file: settings.file },
      });
    }
    problem = found;
  };
  return {
    index: () => index,
    async refresh() {
      if (isBusy || isClosed) return;
      isBusy = true;
      const read = await readHostsFile(settings.file, stamp);
      if (read.ok && read.value !== undefined) await take(read.value);
      report(read.ok ? "" : read.problems.join("; "));
      isBusy = false;
    },
    close() {
      isClosed = true;
    },
  };
}

async function indexOf(entries: readonly HostsEntry[], options: IndexOptions): Promise<HostIndex> {
  const index = emptyIndex();
  for (const [place, entry] of entries.entries()) {
    addEntry(index, entry, options);
    if (place % ENTRIES_AT_ONCE === ENTRIES_AT_ONCE - 1) await setImmediate();
  }
  return index;
}
