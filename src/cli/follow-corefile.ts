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

export function followCorefile({ corefile, current, apply, onFailure, log }: FollowInput): FollowedCorefile {
  let serving = current;
  let refused = "";
  let timer: NodeJS.Timeout | undefined;
  let looking = Promise.resolve();
  const look = async (): Promise<void> => {
    try {
      const next = corefile.load();
      if (next.hash === serving.hash || next.hash === refused) return;
      refused = next.hash;
      await apply(next);
      serving = next;
      log.info({ sha512: next.hash }, `plugin/reload: Running configuration SHA512 = ${next.hash}`);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      // The same mistake is told once, not at every look.
      if (error.message === refused) return;
      refused = error.message;
      onFailure();
      log.error({ problems: error.message }, "corefile cannot be served, the one before stays in force");
    }
  };
  const schedule = (): void => {
    const reload = reloadOf(serving.servers);
    if (reload === undefined || corefile.file === undefined) return;
    const wait = reload.intervalMs + Math.random() * reload.jitterMs;
    timer = setTimeout(() => {
      looking = look().finally(schedule);
    }, wait);
  };
  schedule();
  return {
    async close() {
      clearTimeout(timer);
      await looking;
      clearTimeout(timer);
    },
  };
}
