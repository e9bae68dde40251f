import { type EgressHostname, formatEgressState } from "../model/egress.ts";
import { formatName } from "../model/object-ref.ts";
import type { Log } from "../observe/log.ts";

const signature = (name: EgressHostname | undefined): string =>
  name === undefined
    ? ""
    : JSON.stringify([formatEgressState(name.state), formatName(name.gateway), name.losers.map(formatName)]);

/** More names than this in one change are counted, not listed: a log line is for reading. */
const MAX_LISTED = 20;

/**
 * Tells what changed between two pictures: names that are no longer steered (their queries are forwarded from now on),
 * names that are, and names whose gateway came, went or moved. Returns the function to call with each new list.
 */
export function egressChangeLog(log: Pick<Log, "info" | "warn">): (names: readonly EgressHostname[]) => void {
  let known = new Map<string, EgressHostname>();
  return (names) => {
    const next = new Map(names.map((name) => [name.hostname, name]));
    const changed = names.filter((name) => signature(known.get(name.hostname)) !== signature(name));
    const gone = [...known.keys()].filter((hostname) => !next.has(hostname));
    for (const name of changed.slice(0, MAX_LISTED)) {
      const { hostname, gateway, listener, losers } = name;
      const fields = { hostname, gateway: formatName(gateway), listener, answer: formatEgressState(name.state) };
      if (name.state.status === "closed") log.warn(fields, "egress hostname is closed: it answers SERVFAIL");
      else log.info(fields, "egress hostname is steered");
      if (losers.length > 0) {
        log.warn(
          { hostname, owner: formatName(gateway), losers: losers.map(formatName) },
          "several gateways claim one egress hostname",
        );
      }
    }
    if (changed.length > MAX_LISTED) log.info({ more: changed.length - MAX_LISTED }, "more egress hostnames changed");
    if (gone.length > 0) {
      log.warn(
        { hostnames: gone.slice(0, MAX_LISTED), count: gone.length },
        "egress hostnames are no longer claimed: they are forwarded",
      );
    }
    known = next;
  };
}
