import type { Decision } from "../decide.ts";
import type { GuardEvent } from "../guard.ts";
import type { EgressEntry } from "../table.ts";
import type { RetryReason } from "../upstream/exchange.ts";
import { TYPE } from "../wire/codes.ts";
import type { Query } from "../wire/gate.ts";
import type { Client } from "./client.ts";
import {
  type ClaimSlots,
  type CountedPlugin,
  type CountedResult,
  type CountedSingle,
  claimName,
  preventedKind,
  slotOf,
} from "./counters.ts";

/** Counts what one worker does, in its own array; nothing here allocates or waits. */
export type Tally = {
  request(client: Client, query: Query): void;
  /** A message that nothing can be said about: malformed, or no question at all. */
  dropped(client: Client): void;
  response(plugin: CountedPlugin, rcode: number): void;
  decision(decision: Decision, type: number): void;
  guarded(events: readonly GuardEvent[]): void;
  retry(reason: RetryReason): void;
  single(name: CountedSingle): void;
};

const resultOf = (decision: Decision): CountedResult | undefined => {
  if (decision.action === "passthrough") return "passthrough";
  if (decision.action === "resolve") return "steered";
  if (decision.action === "fail") return decision.entry === undefined ? undefined : "closed";
  if (decision.action === "forward") return undefined;
  return decision.reason === "steered" ? "steered" : "nodata";
};

/** `slots` is read anew for each count: it is replaced with the table. */
export function createTally(counters: Float64Array, slots: () => ClaimSlots): Tally {
  const slotOfEntry = new WeakMap<EgressEntry, number>();
  const add = (slot: number): void => {
    counters[slot] = (counters[slot] ?? 0) + 1;
  };
  const claimOf = (entry: EgressEntry): number => {
    const known = slotOfEntry.get(entry);
    if (known !== undefined) return known;
    const slot = slots().get(claimName(entry)) ?? 0;
    slotOfEntry.set(entry, slot);
    return slot;
  };
  return {
    request(client, query) {
      add(slotOf.request(client.family, client.protocol, query.type));
      if (query.edns?.dnssecOk) add(slotOf.single("do"));
    },
    dropped(client) {
      add(slotOf.droppedRequest(client.family, client.protocol));
      add(slotOf.single("dropped"));
    },
    response: (plugin, rcode) => add(slotOf.response(plugin, rcode)),
    decision(decision, type) {
      const result = resultOf(decision);
      if (result === undefined || !("entry" in decision) || decision.entry === undefined) return;
      add(slotOf.egress(claimOf(decision.entry), result));
      if (result !== "nodata" || (decision.action === "answer" && decision.reason === "search-expansion")) return;
      if (type === TYPE.AAAA) add(slotOf.prevented("aaaa"));
      if (type === TYPE.HTTPS || type === TYPE.SVCB) add(slotOf.prevented("https"));
    },
    guarded(events) {
      for (const event of events) {
        const kind = preventedKind(event);
        add(kind === undefined ? slotOf.single("wildcard_cname") : slotOf.prevented(kind));
      }
    },
    retry: (reason) => add(slotOf.retry(reason)),
    single: (name) => add(slotOf.single(name)),
  };
}
