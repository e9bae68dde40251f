import type { CorefileLine } from "../../corefile/corefile.ts";
import type { Directive, SetupContext } from "../directive.ts";
import { readZones, wrongCount } from "../read-arguments.ts";
import { readOptions } from "../read-options.ts";
import { flagReaders, listReaders } from "./list-options.ts";
import { type ForwardTarget, readTargets } from "./targets.ts";
import { timeReaders } from "./time-options.ts";

/** Times are in milliseconds. */
export type ForwardSettings = {
  /** Names that are forwarded; absolute. */
  readonly from: readonly string[];
  readonly to: readonly ForwardTarget[];
  /** Names at or below these are not. */
  readonly except: readonly string[];
  readonly forceTcp: boolean;
  readonly preferUdp: boolean;
  /** A connection that nobody used for so long is closed. */
  readonly expireMs: number;
  /** A connection this old is closed after its question; 0: never. */
  readonly maxAgeMs: number;
  /** 0: no limit. */
  readonly maxIdleConnections: number;
  readonly readTimeoutMs: number;
  /** Failures in a row that make an upstream count as down; 0: never. */
  readonly maxFails: number;
  readonly maxConnectAttempts: number;
  readonly policy: "random" | "round_robin" | "sequential";
  readonly healthCheck: { readonly intervalMs: number; readonly recursion: boolean; readonly domain: string };
  /** 0: no limit. */
  readonly maxConcurrent: number;
  /** Response codes that hand the question to the next `forward`. */
  readonly next: readonly number[];
  readonly nextOnNodata: boolean;
  readonly failfastAllUnhealthy: boolean;
  /** Response codes that make the question go to another upstream of this line. */
  readonly failover: readonly number[];
  readonly sourceAddress: string | undefined;
  /** Servers that look up upstreams given by name; empty: the host's own. */
  readonly resolvers: readonly string[];
  readonly tls: { readonly serverName: string | undefined; readonly files: readonly string[] };
};

export type ForwardBuilding = { -readonly [K in keyof ForwardSettings]: ForwardSettings[K] };

/** CoreDNS's limit (plugin/forward, maxUpstreams). */
export const MAX_UPSTREAMS = 15;

/** CoreDNS's defaults, except for `max_age`: a socket that lives longer keeps talking to a pod that is gone. */
const EXPIRE_MS = 10_000;
const MAX_AGE_MS = 5000;

const DEFAULTS: Omit<ForwardSettings, "from" | "to" | "maxConnectAttempts"> = {
  except: [],
  forceTcp: false,
  preferUdp: false,
  expireMs: EXPIRE_MS,
  maxAgeMs: MAX_AGE_MS,
  maxIdleConnections: 0,
  readTimeoutMs: 2000,
  maxFails: 2,
  policy: "random",
  healthCheck: { intervalMs: 500, recursion: true, domain: "." },
  maxConcurrent: 0,
  next: [],
  nextOnNodata: false,
  failfastAllUnhealthy: false,
  failover: [],
  sourceAddress: undefined,
  resolvers: [],
  tls: { serverName: undefined, files: [] },
};

/** `forward FROM TO… { … }`. Several stand in the order of the file. */
export const forwardDirective: Directive<ForwardSettings> = {
  occurs: "any",
  setup: (line, context) => {
    const [from, ...targets] = line.args;
    if (from === undefined || targets.length === 0) wrongCount(line, "forward FROM TO...", context);
    const to = targets.flatMap((token) => readTargets(token, context));
    if (to.length > MAX_UPSTREAMS) {
      context.error(targets[MAX_UPSTREAMS] ?? line.name, `more than ${MAX_UPSTREAMS} TOs configured: ${to.length}`);
    }
    const settings: ForwardBuilding = {
      ...DEFAULTS,
      from: from === undefined ? context.zones : readZones([from], context),
      to,
      maxConnectAttempts: 2 * to.length,
    };
    readOptions(
      line,
      { ...timeReaders(settings, context), ...listReaders(settings, context), ...flagReaders(settings, context) },
      context,
    );
    checkAges(line, settings, context);
    return settings;
  },
};

/**
 * Refuses a `max_age` below `expire` when the file gives both, as CoreDNS does. When it gives one of them, the default of
 * the other must not be what is wrong: it follows.
 */
function checkAges(line: CorefileLine, settings: ForwardBuilding, context: SetupContext): void {
  const given = (name: string) => line.block?.find((option) => option.name.text === name);
  const [maxAge, expire] = [given("max_age"), given("expire")];
  if (settings.maxAgeMs === 0 || settings.maxAgeMs >= settings.expireMs) return;
  if (maxAge !== undefined && expire !== undefined) {
    const [age, idle] = [maxAge.args[0]?.text, expire.args[0]?.text];
    context.error(maxAge.name, `max_age (${age}) must not be less than expire (${idle})`);
  } else settings.expireMs = settings.maxAgeMs;
}
