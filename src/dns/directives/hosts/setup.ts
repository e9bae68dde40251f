import { canonicalAddress } from "../../../model/address.ts";
import type { CorefileLine } from "../../corefile/corefile.ts";
import { parseZone, shorten } from "../../corefile/zone.ts";
import type { Directive, SetupContext } from "../directive.ts";
import { hasShape, readDuration, readInteger, readZones } from "../read-arguments.ts";
import { readOptions } from "../read-options.ts";
import { resolvePath } from "../resolve-path.ts";

export type HostsEntry = {
  readonly address: string;
  /** Absolute, lower case; a first label of `*` stands for any one label. */
  readonly names: readonly string[];
};

export type HostsSettings = {
  readonly file: string;
  readonly zones: readonly string[];
  readonly entries: readonly HostsEntry[];
  /** Seconds. */
  readonly ttl: number;
  /** 0: the file is read once. */
  readonly reloadMs: number;
  /** Whether PTR questions are answered. */
  readonly reverse: boolean;
  /** Zones whose other names go on to the next directive; empty: none. */
  readonly fallthrough: readonly string[];
  /** Whether other types of listed names go on as well. */
  readonly fallthroughUnsupported: boolean;
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const DEFAULT_FILE = "/etc/hosts";
/** CoreDNS's defaults and bound (plugin/hosts). */
const DEFAULT_TTL = 3600;
const MAX_TTL = 65_535;
const DEFAULT_RELOAD_MS = 5000;

/** `hosts [FILE [ZONE…]] { ADDRESS NAME…; ttl; reload; no_reverse; fallthrough; fallthrough_unsupported }`. */
export const hostsDirective: Directive<HostsSettings> = {
  occurs: "once",
  setup: (line, context) => {
    const [file, ...zones] = line.args;
    const settings: Mutable<HostsSettings> = {
      file: file === undefined ? DEFAULT_FILE : resolvePath(file, context.root),
      zones: readZones(zones, context),
      entries: [],
      ttl: DEFAULT_TTL,
      reloadMs: DEFAULT_RELOAD_MS,
      reverse: true,
      fallthrough: [],
      fallthroughUnsupported: false,
    };
    readEntriesAndOptions(line, settings, context);
    const unsupported = line.block?.find(({ name }) => name.text === "fallthrough_unsupported");
    if (unsupported !== undefined && settings.fallthrough.length === 0) {
      context.error(unsupported.name, "fallthrough_unsupported requires fallthrough");
    }
    return settings;
  },
};

/** Entries stand before `fallthrough`, as in CoreDNS; behind it they are unknown properties. */
function readEntriesAndOptions(line: CorefileLine, settings: Mutable<HostsSettings>, context: SetupContext): void {
  const block = line.block ?? [];
  const isEntry = ({ name }: CorefileLine): boolean => canonicalAddress(name.text) !== undefined;
  const end = block.findIndex(({ name }) => name.text === "fallthrough");
  const above = end === -1 ? block : block.slice(0, end);
  settings.entries = above.filter(isEntry).flatMap((entry) => readEntry(entry, context) ?? []);
  for (const { name } of block.slice(above.length).filter(isEntry)) {
    context.error(name, `unknown property '${name.text}': entries must stand before fallthrough`);
  }
  const options = block.filter((option) => !isEntry(option));
  readOptions({ ...line, block: options }, readersFor(settings, context), context);
}

function readersFor(settings: Mutable<HostsSettings>, context: SetupContext) {
  return {
    fallthrough: ({ args }: CorefileLine) => {
      settings.fallthrough = args.length === 0 ? ["."] : readZones(args, context);
    },
    fallthrough_unsupported: (option: CorefileLine) => {
      settings.fallthroughUnsupported = hasShape(option, { form: "fallthrough_unsupported" }, context);
    },
    no_reverse: (option: CorefileLine) => {
      settings.reverse = !hasShape(option, { form: "no_reverse" }, context);
    },
    ttl: (option: CorefileLine) => {
      const [value] = option.args;
      if (!hasShape(option, { form: "ttl SECONDS", minimum: 1 }, context) || value === undefined) return;
      const bounds = { what: "ttl provided is invalid: it", minimum: 1, maximum: MAX_TTL };
      settings.ttl = readInteger(value, bounds, context) ?? DEFAULT_TTL;
    },
    reload: (option: CorefileLine) => {
      const [value] = option.args;
      if (!hasShape(option, { form: "reload DURATION", minimum: 1 }, context) || value === undefined) return;
      settings.reloadMs = readDuration(value, { what: "invalid duration for reload" }, context) ?? DEFAULT_RELOAD_MS;
    },
  };
}

function readEntry({ name, args, block }: CorefileLine, context: SetupContext): HostsEntry | undefined {
  const address = canonicalAddress(name.text);
  if (block !== undefined) context.error(name, "an entry takes no block");
  if (address === undefined) return undefined;
  if (args.length === 0) return context.error(name, `no host name behind '${name.text}'`);
  const names = args.flatMap((token) => {
    const wildcard = token.text.startsWith("*.");
    const zone = parseZone(wildcard ? token.text.slice(2) : token.text);
    if (!zone.ok) context.error(token, `'${shorten(token.text)}' is no host name`);
    return zone.ok ? [wildcard ? `*.${zone.value}` : zone.value] : [];
  });
  return { address, names };
}
