import type { LoadedServer } from "../dns/directives/load-corefile.ts";
import type { ReloadSettings } from "../dns/directives/reload/setup.ts";
import { settingsOf } from "../dns/pipeline/plan.ts";
import { SluiceError } from "../model/errors.ts";
import type { Log } from "../observe/log.ts";
import type { LoadedText, ServedCorefile } from "./served-corefile.ts";

export type FollowInput = {
  readonly corefile: ServedCorefile;
  readonly current: LoadedText;
  /** Serves other server blocks. Rejects, and nothing has changed, when it cannot. */
  readonly apply: (next: LoadedText) => Promise<void>;
  readonly onFailure: () => void;
  readonly log: Log;
};

/** Follows the Corefile while it says so itself (`reload`). */
export type FollowedCorefile = { readonly close: () => Promise<void> };

/** The shortest interval that some server block asks for; undefined when none follows the file. */
const reloadOf = (servers: readonly LoadedServer[]): ReloadSettings | undefined =>
  servers.flatMap((server) => settingsOf(server, "reload")).toSorted((a, b) => a.intervalMs - b.intervalMs)[0];

/** CoreDNS's line, at the start and behind each reload. */
const tellHash = (log: Log, { hash }: LoadedText): void =>
  log.info({ sha512: hash }, `plugin/reload: Running configuration SHA512 = ${hash}`);

export function followCorefile({ corefile, current, apply, onFailure, log }: FollowInput): FollowedCorefile {
  let serving = current;
  /** What was wrong at the last look. */
  let told = "";
  let timer: NodeJS.Timeout | undefined;
  let looking = Promise.resolve();
  const look = async (): Promise<void> => {
    try {
      const next = corefile.load();
      if (next.hash === serving.hash) {
        told = "";
        return;
      }
      await apply(next);
      serving = next;
      told = "";
      tellHash(log, next);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      // The same mistake is told once, not at every look.
      if (error.message === told) return;
      told = error.message;
      onFailure();
      log.error(
        { problems: error.message, hint: error.hint },
        "corefile cannot be served, the one before stays in force",
      );
    }
  };
  const schedule = (): void => {
    const reload = reloadOf(serving.servers);
    if (reload === undefined || corefile.file === undefined) return;
    const wait = reload.intervalMs + (Math.random() - 0.5) * reload.jitterMs;
    timer = setTimeout(() => {
      looking = look().finally(schedule);
    }, wait);
  };
  if (reloadOf(current.servers) !== undefined && corefile.file !== undefined) tellHash(log, current);
  schedule();
  return {
    async close() {
      clearTimeout(timer);
      await looking;
      clearTimeout(timer);
    },
  };
}
