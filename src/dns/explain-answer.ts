import { canonicalAddress } from "../model/address.ts";
import { formatRef, type ObjectRef } from "../model/object-ref.ts";
import { fail, ok, type Result } from "../model/result.ts";
import { type Decision, decide, findClaim, isExcepted, isOutside } from "./decide.ts";
import { type DescribedMessage, describeMessage } from "./describe-message.ts";
import { describeClaim, type EgressEntry, type EgressTable } from "./table.ts";
import { FLAG, typeName } from "./wire/codes.ts";
import { gate } from "./wire/gate.ts";
import { foldKey, type NameKey, nameText, parseName } from "./wire/name.ts";
import { encodeQuery, encodeQuestion } from "./wire/question.ts";
import { OWN_UDP_OCTETS, writeLocalAnswer } from "./wire/reply.ts";

export type ExplainInput = {
  readonly table: EgressTable;
  /** Presentation form, root dot optional. */
  readonly name: string;
  readonly type: number;
  /** Address of the pod that asks; gateway pods are answered otherwise. */
  readonly client?: string;
};

/** What the resolver would do with a question, and why. */
export type AnswerExplanation = {
  readonly name: string;
  readonly type: string;
  readonly action: Decision["action"];
  /** `steered`, `not-egress`, `closed` and so on; stable. */
  readonly reason: string;
  /** The message that a client with EDNS gets; absent when an upstream is asked first. */
  readonly message?: DescribedMessage;
  readonly gateway?: ObjectRef;
  readonly listener?: string;
  readonly route?: ObjectRef;
  /** Gateways that claim the name too, and are younger. */
  readonly losers: readonly ObjectRef[];
  /** Sentences, in the order in which the resolver looks. */
  readonly steps: readonly string[];
};

function claimSteps(entry: EgressEntry, name: string): string[] {
  const kind = entry.hostname.startsWith("*.") ? "the wildcard" : "the hostname";
  const found = `${name} is an egress hostname: ${kind} ${entry.hostname} is claimed by ${describeClaim(entry)}`;
  const lost = entry.losers.map((loser) => `${formatRef(loser)} claims it too and is younger, so it does not count`);
  const state =
    entry.status === "ready"
      ? `the gateway's address is ${entry.addresses.join(", ")}`
      : entry.status === "unresolved"
        ? `the gateway's address is the host name ${entry.targets.join(", ")}, which the resolver looks up itself`
        : `the gateway cannot be used: ${entry.reason}`;
  return [found, ...lost, state];
}

/** Why a name is forwarded although a gateway claims it. */
function unclaimedSteps(table: EgressTable, key: NameKey, name: string): string[] {
  const claim = findClaim(table, key);
  if (claim === undefined) return [];
  const claimed = `${name} is claimed by ${describeClaim(claim)}`;
  if (isExcepted(table, key)) return [`${claimed}, but 'except' leaves it alone: it is forwarded`];
  return isOutside(table, key)
    ? [`${claimed}, but lies outside ${table.zones.map(nameText).join(", ")}: it is forwarded`]
    : [];
}

/** What a pod's search list made of an egress hostname, in the words of the `search` option. */
const ALIASED = "a pod's search list made this name of an egress hostname; the answer is an alias of that hostname";

const ANSWERED: Readonly<Record<string, string>> = {
  steered: "the answer is the gateway's address; its real address is not asked for",
  "no-such-type": "a client could connect past the gateway with records of this type, so the answer is empty",
  "attribute-name": "records below it would carry the real address, so the answer is empty",
  soa: "the SOA is made here, so that no zone of the real name is learnt",
  any: "ANY is answered with a single record (RFC 8482)",
  "search-expansion": "a pod's search list made this name of an egress hostname; no such name exists in the cluster",
};

const FORWARDED: Readonly<Record<string, string>> = {
  "not-egress":
    "no gateway claims it: it is forwarded, and aliases in the answer that lead to an egress hostname are steered",
  "gateway-client": "the client is a gateway's own pod, which must get the real address: it is forwarded",
  "cluster-name-before-sync": "egress hostnames are not known yet; cluster names are forwarded all the same",
};

function lastStep(decision: Decision): string {
  if ("alias" in decision) return ALIASED;
  switch (decision.action) {
    case "answer":
      return ANSWERED[decision.reason] ?? decision.reason;
    case "forward":
      return FORWARDED[decision.reason] ?? decision.reason;
    case "fail":
      return decision.reason === "closed"
        ? "the answer is SERVFAIL, never the real address"
        : "egress hostnames are not known yet: the answer is SERVFAIL, because this could be one";
    case "resolve":
      return "the addresses of that host name are answered as this name's own";
    case "passthrough":
      return "records of this type pass through from the upstream, without aliases and additional addresses";
  }
}

type Named = { readonly table: EgressTable; readonly key: NameKey; readonly shown: string };

function stepsOf(decision: Decision, { table, key, shown }: Named): readonly string[] {
  if ("entry" in decision && decision.entry !== undefined) {
    return [...claimSteps(decision.entry, shown), lastStep(decision)];
  }
  const unclaimed =
    decision.action === "forward" && decision.reason === "not-egress" ? unclaimedSteps(table, key, shown) : [];
  return unclaimed.length > 0 ? unclaimed : [lastStep(decision)];
}

const reasonOf = (decision: Decision): string => ("reason" in decision ? decision.reason : decision.action);

/** The bytes that a client with EDNS would get, decoded again. */
function messageOf(decision: Decision, raw: string, type: number, ttlSeconds: number): DescribedMessage | undefined {
  if (decision.action !== "answer" && decision.action !== "fail") return undefined;
  if ("alias" in decision && decision.alias !== undefined) {
    const { alias, ...behind } = decision;
    const target = raw.slice(0, alias.length);
    const described = messageOf(behind, target, type, ttlSeconds);
    const record = `${nameText(raw)} ${ttlSeconds} CNAME ${nameText(target)}`;
    return described && { ...described, answer: [record, ...described.answer] };
  }
  const asked = encodeQuery(encodeQuestion(raw, type), { id: 0, flags: FLAG.RD, edns: { dnssecOk: false } });
  const gated = gate(asked);
  if (gated.verdict !== "question") return undefined;
  const out = Buffer.alloc(OWN_UDP_OCTETS);
  const length = writeLocalAnswer(out, asked, gated.query, decision.answer, OWN_UDP_OCTETS, 0);
  const described = describeMessage(out.subarray(0, length));
  return described.ok ? described.value : undefined;
}

/** Explains one question with the function that answers it. Pure; fails for what is no name. */
export function explainAnswer({ table, name, type, client }: ExplainInput): Result<AnswerExplanation> {
  const raw = parseName(name);
  if (raw === undefined) return fail(`'${name}' is no domain name: labels have 1 to 63 octets, the whole at most 255`);
  const key = foldKey(raw);
  const fromGateway = client !== undefined && table.gatewayClients.has(canonicalAddress(client) ?? client);
  const decision = decide(table, { key, type, fromGateway });
  const entry = "entry" in decision ? decision.entry : undefined;
  const message = messageOf(decision, raw, type, table.ttlSeconds);
  const shown = nameText(raw);
  return ok({
    name: shown,
    type: typeName(type),
    action: decision.action,
    reason: reasonOf(decision),
    ...(message && { message }),
    ...(entry && { gateway: entry.gateway, listener: entry.listener }),
    ...(entry?.route && { route: entry.route }),
    losers: entry?.losers ?? [],
    steps: stepsOf(decision, { table, key, shown }),
  });
}
