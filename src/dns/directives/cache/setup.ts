import type { CorefileLine } from "../../corefile/corefile.ts";
import type { Directive, SetupContext } from "../directive.ts";
import { hasShape, readDuration, readInteger, readWord, readZones, wrongCount } from "../read-arguments.ts";
import { readOptions } from "../read-options.ts";
import { type Prefetch, readPrefetch, readServeStale, type ServeStale } from "./freshness.ts";

/** One half of the cache. Times are in seconds. */
export type CachePart = { readonly capacity: number; readonly ttl: number; readonly minimumTtl: number };

export type CacheSettings = {
  readonly zones: readonly string[];
  readonly success: CachePart;
  readonly denial: CachePart;
  /** Zones whose answers of a kind are not kept. */
  readonly disabled: { readonly success: readonly string[]; readonly denial: readonly string[] };
  readonly prefetch: Prefetch | undefined;
  readonly serveStale: ServeStale | undefined;
  /** Whether a stale positive answer is preferred to a fresh negative one. */
  readonly preferPositive: boolean;
  readonly servfailMs: number;
  readonly keepTtl: boolean;
};

/** CoreDNS's defaults (plugin/cache); RFC 2308 section 7.1 bounds SERVFAIL at five minutes. */
const CAPACITY = 9984;
const SUCCESS: CachePart = { capacity: CAPACITY, ttl: 3600, minimumTtl: 5 };
const DENIAL: CachePart = { capacity: CAPACITY, ttl: 1800, minimumTtl: 5 };
const SERVFAIL_MS = 5000;
const MAX_SERVFAIL_MS = 300_000;

/** Entries of one half: at some 300 octets each, about 300 MB. */
const MAX_CAPACITY = 1_000_000;
/** RFC 2181 section 8. */
const MAX_TTL = 2 ** 31 - 1;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** `cache [TTL] [ZONE…] { … }`. */
export const cacheDirective: Directive<CacheSettings> = {
  occurs: "once",
  setup: (line, context) => {
    const [first, ...others] = line.args;
    const hasTtl = first !== undefined && /^[+-]?\d+$/.test(first.text);
    const ttl = hasTtl ? readTtl(first, "cache TTL", context) : undefined;
    const settings: Mutable<CacheSettings> = {
      zones: readZones(hasTtl ? others : line.args, context),
      success: { ...SUCCESS, ttl: ttl ?? SUCCESS.ttl },
      denial: { ...DENIAL, ttl: ttl ?? DENIAL.ttl },
      disabled: { success: [], denial: [] },
      prefetch: undefined,
      serveStale: undefined,
      preferPositive: false,
      servfailMs: SERVFAIL_MS,
      keepTtl: false,
    };
    readOptions(line, readersFor(settings, context), context);
    return settings;
  },
};

function readersFor(settings: Mutable<CacheSettings>, context: SetupContext) {
  const part = (key: "success" | "denial") => (option: CorefileLine) => {
    settings[key] = readPart(option, settings[key], context);
  };
  return {
    success: part("success"),
    denial: part("denial"),
    prefetch: (option: CorefileLine) => {
      settings.prefetch = readPrefetch(option, context);
    },
    serve_stale: (option: CorefileLine) => {
      settings.serveStale = readServeStale(option, context);
    },
    serve_stale_policy: (option: CorefileLine) => {
      const [value] = option.args;
      if (!hasShape(option, { form: "serve_stale_policy prefer_positive", minimum: 1 }, context)) return;
      const words = ["prefer_positive"] as const;
      settings.preferPositive =
        value !== undefined && readWord(value, { what: "serve_stale_policy", words }, context) !== undefined;
    },
    servfail: (option: CorefileLine) => {
      const [value] = option.args;
      if (!hasShape(option, { form: "servfail DURATION", minimum: 1 }, context) || value === undefined) return;
      settings.servfailMs =
        readDuration(value, { what: "servfail", maximumMs: MAX_SERVFAIL_MS }, context) ?? SERVFAIL_MS;
    },
    disable: (option: CorefileLine) => {
      settings.disabled = readDisabled(option, settings.disabled, context);
    },
    keepttl: (option: CorefileLine) => {
      settings.keepTtl = hasShape(option, { form: "keepttl" }, context);
    },
  };
}

function readTtl(token: CorefileLine["name"], what: string, context: SetupContext): number | undefined {
  const value = Number(token.text);
  if (Number.isInteger(value) && value <= 0)
    return context.error(token, `${what} can not be zero or negative: ${token.text}`);
  return readInteger(token, { what, minimum: 1, maximum: MAX_TTL }, context);
}

/** `success|denial CAPACITY [TTL] [MINTTL]`. */
function readPart(option: CorefileLine, part: CachePart, context: SetupContext): CachePart {
  const form = `${option.name.text} CAPACITY [TTL] [MINTTL]`;
  const [capacity, ttl, minimum] = option.args;
  if (!hasShape(option, { form, minimum: 1, maximum: 3 }, context) || capacity === undefined) return part;
  const bounds = { what: "cache capacity", minimum: 0, maximum: MAX_CAPACITY };
  const least = { what: "cache min TTL", minimum: 0, maximum: MAX_TTL };
  return {
    capacity: readInteger(capacity, bounds, context) ?? part.capacity,
    ttl: (ttl === undefined ? undefined : readTtl(ttl, "cache TTL", context)) ?? part.ttl,
    minimumTtl: (minimum === undefined ? undefined : readInteger(minimum, least, context)) ?? part.minimumTtl,
  };
}

function readDisabled(
  option: CorefileLine,
  disabled: CacheSettings["disabled"],
  context: SetupContext,
): CacheSettings["disabled"] {
  const [kind, ...zones] = option.args;
  if (kind === undefined) {
    wrongCount(option, "disable success|denial [ZONE...]", context);
    return disabled;
  }
  const word = readWord(kind, { what: "cache type", words: ["success", "denial"] as const }, context);
  if (word === undefined) return disabled;
  // The same zones again and again are kept once, so that a long list stays short.
  return { ...disabled, [word]: [...new Set([...disabled[word], ...readZones(zones, context)])] };
}
