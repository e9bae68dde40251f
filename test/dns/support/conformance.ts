import { readFileSync } from "node:fs";
import { topologySettingsOf } from "../../../src/dns/directives/sluice/table-options.ts";
import { settingsOf } from "../../../src/dns/pipeline/plan.ts";
import { typeName } from "../../../src/dns/wire/codes.ts";
import { decodeObject } from "../../../src/model/decode.ts";
import { buildTopology, DEFAULT_TOPOLOGY_SETTINGS, type Topology } from "../../../src/model/topology.ts";
import type { TestQuery } from "./dns-client.ts";
import { extendedErrors, type ReplyText } from "./reply-text.ts";
import { serversOf } from "./resolver.ts";
import type { Behaviour, Seen } from "./test-upstream.ts";

type CaseQuery = TestQuery & {
  readonly transport?: "udp" | "tcp";
  readonly raw?: string;
  readonly rawTcp?: string;
  readonly repeat?: number;
  readonly src?: string;
  readonly split?: boolean;
  readonly timeout?: number;
  readonly during?: TestQuery;
};

export type Expected = {
  readonly response?: "none";
  readonly rcode?: string;
  readonly flagsSet?: readonly string[];
  readonly flagsClear?: readonly string[];
  readonly answer?: readonly string[];
  readonly authority?: readonly string[];
  readonly additional?: readonly string[];
  readonly answerContains?: readonly string[];
  readonly ownerCase?: "exact";
  readonly answerTypes?: readonly string[];
  readonly authorityTypes?: readonly string[];
  readonly soaOwner?: string;
  readonly answerCount?: number;
  readonly ttlMax?: number;
  readonly lenMax?: number;
  readonly elapsedMax?: number;
  readonly id?: number;
  readonly edns?: Readonly<Record<string, unknown>> | null;
  readonly ede?: readonly number[];
  readonly upstreamQueries?: number;
  readonly upstreamQueriesMin?: number;
  readonly upstreamDistinctPortsMin?: number;
  readonly upstreamDistinctIdsMin?: number;
  readonly distinctOrdersMin?: number;
  readonly upstreamSaw?: Readonly<Record<string, unknown>>;
};

export type Case = {
  readonly id: string;
  readonly group: string;
  readonly title: string;
  readonly fixture: string;
  readonly query: CaseQuery;
  readonly before?: readonly CaseQuery[];
  readonly expected: Expected;
};

type KubernetesObject = {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly "x-podIPs"?: readonly string[];
};

export type Fixture = {
  readonly kubernetes?: readonly KubernetesObject[];
  readonly corefile: string;
  readonly state?: "unsynced";
  readonly upstream: { readonly zone: string; readonly behaviours: Readonly<Record<string, Behaviour>> };
};

type CaseFile = {
  readonly zones: Readonly<Record<string, readonly string[]>>;
  readonly fixtures: Readonly<Record<string, Fixture>>;
  readonly cases: readonly Case[];
};

/** The conformance data. */
export const readCases = (): CaseFile =>
  JSON.parse(readFileSync(new URL("../../fixtures/dns-cases.json", import.meta.url), "utf8")) as CaseFile;

/** A gateway's pods as the EndpointSlice that a cluster would hold. */
function slicesOf(object: KubernetesObject): object[] {
  const addresses = object["x-podIPs"] ?? [];
  if (object.kind !== "Gateway" || addresses.length === 0) return [];
  const { name, namespace } = object.metadata;
  const labels = { "kubernetes.io/service-name": `${name}-istio`, "gateway.networking.k8s.io/gateway-name": name };
  return [
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      addressType: "IPv4",
      metadata: { name: `${name}-istio-x1`, namespace, labels },
      endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    },
  ];
}

/**
 * The fixture's objects as the model sees them, read as its Corefile says; what the model does not read is passed over,
 * as in a cluster.
 */
export function topologyOf(fixture: Fixture): Topology {
  const [sluice] = serversOf(fixture.corefile.replaceAll("@UPSTREAM@", "127.0.0.1")).flatMap((server) =>
    settingsOf(server, "sluice"),
  );
  const objects = (fixture.kubernetes ?? []).flatMap((object) => [object, ...slicesOf(object)]);
  return buildTopology(
    objects.flatMap((object) => {
      const outcome = decodeObject(object);
      return outcome.status === "decoded" ? [outcome.decoded] : [];
    }),
    { ...DEFAULT_TOPOLOGY_SETTINGS, ...(sluice && topologySettingsOf(sluice)) },
  );
}

/** What was observed of one case. */
export type Observed = {
  readonly reply: ReplyText | undefined;
  readonly elapsedSeconds: number;
  readonly questionEchoed: boolean;
  readonly distinctOrders: number;
  readonly seen: readonly Seen[];
};

/** Whether a record matches a pattern `owner ttl type data`, where ttl may be `*`. */
function matches(pattern: string, record: string, exactCase: boolean): boolean {
  const fields = pattern.trimEnd().split(" ");
  if (fields.length < 4) return record.toLowerCase().startsWith(pattern.toLowerCase());
  const [owner = "", ttl = "", type = "", ...data] = record.split(" ");
  const [wantedOwner = "", wantedTtl = "", wantedType = "", ...wantedData] = fields;
  const sameOwner = exactCase ? owner === wantedOwner : owner.toLowerCase() === wantedOwner.toLowerCase();
  const sameTtl = wantedTtl === "*" || wantedTtl === ttl;
  return (
    sameOwner && sameTtl && type === wantedType && data.join(" ").toLowerCase() === wantedData.join(" ").toLowerCase()
  );
}

function compareSection(name: string, wanted: readonly string[], got: readonly string[], exactCase: boolean): string[] {
  const left = [...got];
  for (const pattern of wanted) {
    const at = left.findIndex((record) => matches(pattern, record, exactCase));
    if (at === -1) return [`${name} lacks '${pattern}', has ${JSON.stringify(got)}`];
    left.splice(at, 1);
  }
  return left.length === 0 ? [] : [`${name} has more than wanted: ${JSON.stringify(left)}`];
}

const typesOf = (records: readonly string[]): string[] => records.map((record) => record.split(" ")[2] ?? "");
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function compareReply(expected: Expected, reply: ReplyText): string[] {
  const problems: string[] = [];
  const check = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(problem);
  };
  if (expected.rcode !== undefined) check(reply.rcode === expected.rcode, `rcode ${reply.rcode}`);
  for (const flag of expected.flagsSet ?? []) check(reply.flags.includes(flag), `flag ${flag} is clear`);
  for (const flag of expected.flagsClear ?? []) check(!reply.flags.includes(flag), `flag ${flag} is set`);
  if (expected.id !== undefined) check(reply.id === expected.id, `id ${reply.id}`);
  for (const section of ["answer", "authority", "additional"] as const) {
    const wanted = expected[section];
    if (wanted !== undefined)
      problems.push(...compareSection(section, wanted, reply[section], expected.ownerCase === "exact"));
  }
  for (const pattern of expected.answerContains ?? []) {
    check(
      reply.answer.some((record) => matches(pattern, record, false)),
      `answer lacks '${pattern}'`,
    );
  }
  if (expected.answerTypes)
    check(same(typesOf(reply.answer), expected.answerTypes), `answer types ${typesOf(reply.answer)}`);
  if (expected.authorityTypes) {
    check(same(typesOf(reply.authority), expected.authorityTypes), `authority types ${typesOf(reply.authority)}`);
  }
  if (expected.soaOwner !== undefined && expected.soaOwner !== "@QNAME@") {
    check(
      reply.authority.some((record) => record.split(" ")[0] === expected.soaOwner),
      `SOA owner in ${reply.authority}`,
    );
  }
  if (expected.answerCount !== undefined)
    check(reply.answer.length === expected.answerCount, `${reply.answer.length} answers`);
  const ttls = reply.answer.map((record) => Number(record.split(" ")[1]));
  if (expected.ttlMax !== undefined)
    check(
      ttls.every((ttl) => ttl <= (expected.ttlMax ?? 0)),
      `ttls ${ttls}`,
    );
  if (expected.lenMax !== undefined) check(reply.length <= expected.lenMax, `${reply.length} octets`);
  if (expected.edns === null) check(reply.edns === null, "there is an OPT");
  for (const [field, value] of Object.entries(expected.edns ?? {})) {
    const got = (reply.edns as Record<string, unknown> | null)?.[field];
    check(same(got, value), `edns ${field} is ${JSON.stringify(got)}`);
  }
  const errors = extendedErrors(reply);
  if (expected.ede)
    check(
      errors.some((code) => expected.ede?.includes(code)),
      `extended errors ${errors}`,
    );
  return problems;
}

function compareUpstream(expected: Expected, seen: readonly Seen[]): string[] {
  const problems: string[] = [];
  const ports = new Set(seen.map((one) => one.sourcePort)).size;
  const ids = new Set(seen.map((one) => one.id)).size;
  const { upstreamQueries: exactly, upstreamQueriesMin: least } = expected;
  if (exactly !== undefined && seen.length !== exactly)
    problems.push(`${seen.length} upstream queries: ${seen.map((s) => `${s.name} ${typeName(s.type)}`)}`);
  if (least !== undefined && seen.length < least) problems.push(`${seen.length} upstream queries`);
  if (ports < (expected.upstreamDistinctPortsMin ?? 0)) problems.push(`${ports} source ports`);
  if (ids < (expected.upstreamDistinctIdsMin ?? 0)) problems.push(`${ids} ids`);
  const last = seen.at(-1) as Record<string, unknown> | undefined;
  for (const [field, value] of Object.entries(expected.upstreamSaw ?? {})) {
    if (last?.[field] !== value) problems.push(`the upstream saw ${field} ${JSON.stringify(last?.[field])}`);
  }
  return problems;
}

/** Everything in which an observation is not what is expected. */
export function mismatches(expected: Expected, observed: Observed): string[] {
  const { reply } = observed;
  if (expected.response === "none") return reply === undefined ? [] : [`there is a reply: ${JSON.stringify(reply)}`];
  if (reply === undefined) return ["there is no reply"];
  const { elapsedMax, distinctOrdersMin } = expected;
  return [
    ...compareReply(expected, reply),
    ...compareUpstream(expected, observed.seen),
    ...(observed.questionEchoed ? [] : ["the question is not echoed octet for octet"]),
    ...(elapsedMax !== undefined && observed.elapsedSeconds > elapsedMax ? [`${observed.elapsedSeconds} s`] : []),
    ...(observed.distinctOrders < (distinctOrdersMin ?? 0) ? [`${observed.distinctOrders} orders`] : []),
  ];
}
