// The global of this name is a getter, which takes as long as telling the time.
import { performance } from "node:perf_hooks";
import type { DroppedCounts, QuestionCounts } from "../metrics/question-counts.ts";
import type { Answer } from "../pipeline/answer.ts";
import type { BlockFacts } from "../pipeline/block-facts.ts";
import type { Block } from "../pipeline/build-block.ts";
import { deliver, deliveredRcode } from "../pipeline/deliver.ts";
import type { Exchange } from "../pipeline/exchange.ts";
import { CLASS_IN, EDE, RCODE, TYPE } from "../wire/codes.ts";
import { firstOctets } from "../wire/first-octets.ts";
import { gate, type Query, type Refusal } from "../wire/gate.ts";
import { type NameKey, parentKey } from "../wire/name.ts";
import { edeOption, TCP_OCTETS, writeRefusal } from "../wire/reply.ts";
import type { Access } from "./access.ts";
import type { Client } from "./client.ts";
import type { Answerer, Respond } from "./respond.ts";

/** A zone as one listener serves it. */
export type Route = { readonly block: Block; readonly facts: BlockFacts; readonly counts: QuestionCounts };

/** What one listener serves; replaced whole by a reload. */
export type Routes = {
  /** By zone. */
  readonly zones: ReadonlyMap<NameKey, Route>;
  /** Messages that no server block gets. */
  readonly dropped: DroppedCounts;
};

export type AnswererInput = {
  /** Read anew for every message. */
  readonly routes: () => Routes;
  /** Who may ask a server block that has no `acl`. */
  readonly access: Access;
  /** Called for each fault of ours; the client gets SERVFAIL. */
  readonly onFault: (error: unknown) => void;
};

/** The server block with the longest zone. A DS record lies in the parent's zone (RFC 4035 section 3.1.4.1). */
export function findRoute<R>(zones: ReadonlyMap<NameKey, R>, key: NameKey, type: number): R | undefined {
  // Most Corefiles have one zone, the root: then no name has to be taken apart.
  const root = zones.size === 1 ? zones.get("") : undefined;
  if (root !== undefined) return root;
  let name = key;
  if (type === TYPE.DS && key !== "") {
    const parent = findRoute(zones, parentKey(key), TYPE.NS);
    if (parent !== undefined) return parent;
  }
  for (;;) {
    const route = zones.get(name);
    if (route !== undefined || name === "") return route;
    name = parentKey(name);
  }
}

const BLOCKED = edeOption(EDE.BLOCKED, "this client is outside the allowed networks");

/** Answers are written here and sent or copied before the next one is. */
const out = Buffer.allocUnsafeSlow(TCP_OCTETS);
let turn = 0;

/** The whole way of a message: gate, server block, directives, and the answer, at once or when it has been waited for. */
export function createAnswerer(input: AnswererInput): Answerer {
  return (message, client, respond) => {
    try {
      receive(input, message, client, respond);
    } catch (error) {
      input.onFault(error);
      respond(client, servfail(message));
    }
  };
}

function receive(input: AnswererInput, message: Buffer, client: Client, respond: Respond): void {
  const startedAt = performance.now();
  const { zones, dropped } = input.routes();
  const gated = gate(message);
  if (gated.verdict === "drop") {
    dropped.request(client, undefined);
    respond(client, undefined);
    return;
  }
  const query = gated.verdict === "question" ? gated.query : gated.refusal.query;
  const route = query === undefined ? undefined : findRoute(zones, query.key, query.type);
  if (query === undefined || route === undefined) {
    dropped.request(client, query);
    const refusal: Refusal = gated.verdict === "refuse" ? gated.refusal : { rcode: RCODE.REFUSED, query: gated.query };
    dropped.response(refusal.rcode);
    respond(client, refuse(message, refusal));
    return;
  }
  route.counts.request(client, query, message.length);
  const refusal = gated.verdict === "refuse" ? gated.refusal : notServed(route, query);
  if (refusal !== undefined) {
    sendRefusal(route, { message, client, startedAt }, refusal, respond);
  } else if (!route.block.hasAcl && !input.access(client.address)) {
    sendRefusal(route, { message, client, startedAt }, { rcode: RCODE.REFUSED, query }, respond, BLOCKED);
  } else {
    const asked = { key: query.key, type: query.type, class: query.class };
    serve(input, route, { client, message, query, asked, block: route.facts, startedAt }, respond);
  }
}

/** Classes besides IN are for the directives that know them. */
const notServed = ({ block }: Route, query: Query): Refusal | undefined =>
  query.class === CLASS_IN || block.classes.has(query.class) ? undefined : { rcode: RCODE.REFUSED, query };

type Received = { readonly message: Buffer; readonly client: Client; readonly startedAt: number };

const refuse = (message: Buffer, refusal: Refusal, option?: Uint8Array): Buffer =>
  firstOctets(out, writeRefusal(out, message, refusal, option));

function sendRefusal(
  { counts }: Route,
  { message, client, startedAt }: Received,
  refusal: Refusal,
  respond: Respond,
  option?: Uint8Array,
): void {
  const bytes = refuse(message, refusal, option);
  const seconds = (performance.now() - startedAt) / 1_000;
  counts.response(option === undefined ? "gate" : "acl", refusal.rcode, client, bytes.length, seconds);
  respond(client, bytes);
}

function serve(input: AnswererInput, route: Route, exchange: Exchange, respond: Respond): void {
  let answer: Answer | Promise<Answer>;
  try {
    answer = route.block.serve(exchange);
    if (!(answer instanceof Promise)) {
      send(route, exchange, answer, respond);
      return;
    }
  } catch (error) {
    sendFault(input, route, exchange, error, respond);
    return;
  }
  answer.then(
    (late) => sendLate(input, route, exchange, late, respond),
    (error: unknown) => sendFault(input, route, exchange, error, respond),
  );
}

/** Nobody is behind a promise to take what is thrown. */
function sendLate(input: AnswererInput, route: Route, exchange: Exchange, answer: Answer, respond: Respond): void {
  try {
    send(route, exchange, answer, respond);
  } catch (error) {
    sendFault(input, route, exchange, error, respond);
  }
}

/** A fault of ours costs one answer, which is counted as nobody's. */
function sendFault(input: AnswererInput, route: Route, exchange: Exchange, error: unknown, respond: Respond): void {
  input.onFault(error);
  const { client, message, query, startedAt } = exchange;
  const bytes = refuse(message, { rcode: RCODE.SERVFAIL, query });
  const seconds = (performance.now() - startedAt) / 1_000;
  route.counts.response("", RCODE.SERVFAIL, client, bytes.length, seconds);
  respond(client, bytes);
}

function send({ counts }: Route, exchange: Exchange, answer: Answer, respond: Respond): void {
  const { client, message, query, startedAt } = exchange;
  if (answer.form === "dropped") {
    answer.onSent?.(undefined, (performance.now() - startedAt) / 1_000);
    respond(client, undefined);
    return;
  }
  const bytes = deliver(exchange, answer, out, turn++) ?? refuse(message, { rcode: RCODE.SERVFAIL, query }, BROKEN);
  const seconds = (performance.now() - startedAt) / 1_000;
  counts.response(answer.by, deliveredRcode(exchange, answer), client, bytes.length, seconds);
  answer.onSent?.(bytes, seconds);
  respond(client, bytes);
}

const BROKEN = edeOption(EDE.NETWORK_ERROR, "the upstream's answer is malformed");

/** SERVFAIL for a message that a fault of ours kept from being answered; nothing for what must not be answered. */
function servfail(message: Buffer): Buffer | undefined {
  const gated = gate(message);
  if (gated.verdict === "drop") return undefined;
  const query = gated.verdict === "question" ? gated.query : gated.refusal.query;
  return refuse(message, query === undefined ? { rcode: RCODE.SERVFAIL } : { rcode: RCODE.SERVFAIL, query });
}
