import type { Counter } from "../../metrics/meter.ts";
import { type Answer, refusal } from "../../pipeline/answer.ts";
import type { Asked } from "../../pipeline/exchange.ts";
import type { Handler, HandlerContext } from "../../pipeline/serve.ts";
import { EDE, FLAG, RCODE } from "../../wire/codes.ts";
import { type ClientLine, createClientLines } from "./client-lines.ts";
import type { AclRule, AclSettings } from "./setup.ts";

type Denial = Exclude<AclRule["action"], "allow">;

/** As in CoreDNS plugin/acl: an empty answer of the filter is not authoritative. */
const ANSWERS: Readonly<Record<Denial, Answer>> = {
  block: refusal("acl", RCODE.REFUSED, EDE.BLOCKED, "the resolver's acl blocks this question"),
  filter: {
    ...refusal("acl", RCODE.NOERROR, EDE.FILTERED, "the resolver's acl filters this question"),
    header: { set: 0, clear: FLAG.AA },
  },
  drop: { form: "dropped", by: "acl", rcode: RCODE.NOERROR },
};

const METRICS: Readonly<Record<Denial, string>> = {
  block: "coredns_acl_blocked_requests_total",
  filter: "coredns_acl_filtered_requests_total",
  drop: "coredns_acl_dropped_requests_total",
};

/**
 * All `acl` lines of a server block, in the order of the file: a rule that allows ends the search in all of them
 * (CoreDNS plugin/acl).
 */
export function createAclHandlers(settings: readonly AclSettings[], context: HandlerContext): Handler {
  const linesFor = createClientLines(settings);
  const labels = { server: context.server, view: "" };
  const allowed = context.meter.counter("coredns_acl_allowed_requests_total", labels);
  const denied = settings.map(({ zones }) => countersOf(zones, context));
  return {
    wrap: (next) => (exchange) => {
      const denial = verdict(linesFor(exchange.client.address), exchange.asked);
      if (denial === undefined) {
        allowed.add();
        return next(exchange);
      }
      denied[denial.line]?.get(denial.zone)?.[denial.action].add();
      return ANSWERS[denial.action];
    },
  };
}

type Counters = Readonly<Record<Denial, Counter>>;

const countersOf = (zones: readonly string[], { meter, server }: HandlerContext): ReadonlyMap<string, Counters> =>
  new Map(
    zones.map((zone) => {
      const counter = (action: Denial): Counter => meter.counter(METRICS[action], { server, view: "", zone });
      return [zone, { block: counter("block"), filter: counter("filter"), drop: counter("drop") }];
    }),
  );

type Found = { readonly action: Denial; readonly line: number; readonly zone: string };

/** The first rule that matches counts; undefined when the question is allowed. */
function verdict(lines: readonly ClientLine[], { key, type }: Asked): Found | undefined {
  for (const { index, zoneOf, rules } of lines) {
    const zone = zoneOf(key);
    if (zone === undefined) continue;
    const rule = rules.find(({ types }) => types === undefined || types.has(type));
    if (rule === undefined) continue;
    return rule.action === "allow" ? undefined : { action: rule.action, line: index, zone };
  }
  return undefined;
}
