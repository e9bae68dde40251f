import { hostname } from "node:os";
import { type CreateJointHandler, HANDLERS, JOINT_HANDLERS } from "../directives/handlers.ts";
import { CLASS_IN, EDE, RCODE, TYPE } from "../wire/codes.ts";
import { foldKey, type NameKey, parseName } from "../wire/name.ts";
import { nsidOption } from "../wire/nsid.ts";
import { OWN_UDP_OCTETS } from "../wire/reply.ts";
import { failed, refusal } from "./answer.ts";
import type { BlockFacts } from "./block-facts.ts";
import { internalExchange } from "./internal-exchange.ts";
import { type PlannedServer, settingsOf } from "./plan.ts";
import type { CreateHandler, Handler, HandlerContext, Serve } from "./serve.ts";
import type { Trace } from "./trace.ts";

/** A server block at work in one worker. */
export type Block = {
  /** Everything behind the gate. */
  readonly serve: Serve;
  /** One for each zone of the block. */
  readonly facts: ReadonlyMap<NameKey, BlockFacts>;
  /** Classes that some directive answers. */
  readonly classes: ReadonlySet<number>;
  /** Whether the block has networks of its own (`acl`); the default ones are for blocks that have none. */
  readonly hasAcl: boolean;
  /** Sends the loop probe on, as a question would be; undefined without `loop`. Never rejects. */
  readonly probeLoop: (() => Promise<void>) | undefined;
  close(): void;
};

/** CoreDNS answers SERVFAIL too, with "no next plugin found" in its log. */
const END_OF_CHAIN = failed(
  "",
  EDE.OTHER,
  "no directive of the server block answers this question",
  "plugin: no next plugin found",
);

/** A server block without directives serves nothing, as in CoreDNS. */
const NOTHING_SERVED = refusal("", RCODE.REFUSED);

/** Zone as text to key. */
export function zoneKey(zone: string): NameKey {
  const raw = parseName(zone);
  if (raw === undefined) throw new Error(`no zone: ${zone}`);
  return foldKey(raw);
}

function factsOf(server: PlannedServer, index: number): ReadonlyMap<NameKey, BlockFacts> {
  const [bufsize] = settingsOf(server, "bufsize");
  const [nsid] = settingsOf(server, "nsid");
  const shared = {
    index,
    server: server.label,
    maxUdpOctets: bufsize?.octets ?? OWN_UDP_OCTETS,
    nsid: nsid === undefined ? undefined : nsidOption(nsid.id ?? hostname()),
  };
  return new Map(server.zones.map((zoneText) => [zoneKey(zoneText), { ...shared, zone: zoneKey(zoneText), zoneText }]));
}

type Made = { readonly name: string; readonly handler: Handler };

/** Handlers in the order of execution. The name chooses a handler's settings, which the compiler cannot follow. */
async function makeHandlers(server: PlannedServer, context: HandlerContext): Promise<readonly Made[]> {
  const made: Made[] = [];
  for (const { name, settings } of server.directives) {
    const joint = JOINT_HANDLERS[name] as CreateJointHandler<unknown> | undefined;
    if (joint !== undefined) {
      if (!made.some((one) => one.name === name))
        made.push({ name, handler: joint(settingsOf(server, name), context) });
      continue;
    }
    const create = HANDLERS[name] as CreateHandler<unknown> | undefined;
    if (create !== undefined) made.push({ name, handler: await create(settings, context) });
  }
  return [...made.filter(tells), ...made.filter((one) => !tells(one))];
}

/**
 * `errors` and `log` tell of a question that `cancel` gives up as of any other, so that they stand before it here
 * (CoreDNS: its context ends, and what forwards it says so).
 */
const tells = ({ name }: Made): boolean => name === "errors" || name === "log";

/** For `sluice dns query`: what looks on, and what stands behind the last directive. */
export type BlockProbe = { readonly trace?: Trace; readonly end?: Serve };

/** Puts a server block's directives together. Rejects when one of them cannot be started. */
export async function buildBlock(
  server: PlannedServer,
  context: HandlerContext,
  { trace, end }: BlockProbe = {},
): Promise<Block> {
  const made = await makeHandlers(server, context);
  let serve: Serve = end ?? (() => (server.directives.length === 0 ? NOTHING_SERVED : END_OF_CHAIN));
  let behindLoop: Serve | undefined;
  for (const [behind, { name, handler }] of made.toReversed().entries()) {
    if (name === "loop") behindLoop = serve;
    const wrapped = handler.wrap(serve);
    const place = made.length - 1 - behind;
    serve = trace === undefined ? wrapped : (exchange) => trace({ name, place }, exchange, wrapped);
  }
  const facts = factsOf(server, context.index);
  const [first] = facts.values();
  const probe = behindLoop;
  return {
    serve,
    facts,
    classes: new Set([CLASS_IN, ...made.flatMap(({ handler }) => handler.classes ?? [])]),
    hasAcl: settingsOf(server, "acl").length > 0,
    probeLoop:
      probe === undefined || first === undefined
        ? undefined
        : async () => void (await probe(internalExchange(first, context.loopProbe, TYPE.HINFO))),
    close() {
      for (const { handler } of made) handler.close?.();
    },
  };
}
