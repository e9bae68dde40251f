import { type Answer, failed, refusal } from "../pipeline/answer.ts";
import type { Exchange } from "../pipeline/exchange.ts";
import type { Serve } from "../pipeline/serve.ts";
import { EDE, RCODE } from "../wire/codes.ts";
import type { Access } from "./access.ts";
import { findRoute, type Routes } from "./answerer.ts";

/** As many as aliases of one zone are followed: records of several server blocks may lead in a circle. */
const MAX_REENTRIES = 8;

/** No directive serves the name, which is for whoever asked to judge. */
const NOT_SERVED = refusal("", RCODE.REFUSED);
const BLOCKED = refusal("acl", RCODE.REFUSED, EDE.BLOCKED, "this client is outside the allowed networks");
const ENDLESS = failed("server", EDE.OTHER, `aliases lead through the server blocks more than ${MAX_REENTRIES} times`);

/**
 * Asks the server blocks of a listener anew for the name of an exchange, as CoreDNS's look-ups for aliases do
 * (plugin/pkg/upstream). The client is the same, so that what one block keeps from it another does not give away.
 */
export const createReentry =
  (routes: () => Routes | undefined, access: Access): Serve =>
  (exchange: Exchange): Answer | Promise<Answer> => {
    const reentries = (exchange.reentries ?? 0) + 1;
    if (reentries > MAX_REENTRIES) return ENDLESS;
    const zones = routes()?.zones;
    const route = zones && findRoute(zones, exchange.asked.key, exchange.asked.type);
    if (route === undefined) return NOT_SERVED;
    const { block, facts } = route;
    if (!block.hasAcl && !access(exchange.client.address)) return BLOCKED;
    return block.serve({ ...exchange, block: facts, reentries });
  };
