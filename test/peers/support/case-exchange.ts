import { TYPE } from "../../../src/dns/wire/codes.ts";
import { until } from "../../cluster/wait.ts";
import { type Case, mismatches, type Observed } from "../../dns/support/conformance.ts";
import { askTcp, askUdp, encodeQuery, framed, type TestQuery } from "../../dns/support/dns-client.ts";
import { replyText } from "../../dns/support/reply-text.ts";
import type { Seen, TestUpstream } from "../../dns/support/test-upstream.ts";
import type { CorednsExpected } from "./coredns.ts";

type Query = Case["query"];

/** Raw messages may rightly stay unanswered; nobody should wait long for that. */
const PATIENCE_SECONDS = { built: 6, raw: 0.5 };

async function ask(query: Query, port: number): Promise<Buffer | undefined> {
  const built = query.raw === undefined && query.rawTcp === undefined;
  const seconds = query.timeout ?? (built ? PATIENCE_SECONDS.built : PATIENCE_SECONDS.raw);
  const target = { port, timeoutMilliseconds: seconds * 1_000, ...(query.src && { source: query.src }) };
  if (query.rawTcp !== undefined) return (await askTcp([Buffer.from(query.rawTcp, "hex")], 1, target))[0];
  const message = query.raw === undefined ? encodeQuery(query) : Buffer.from(query.raw, "hex");
  if (query.transport !== "tcp") return askUdp(message, target);
  const bytes = framed(message);
  const chunks = query.split ? [bytes.subarray(0, 1), bytes.subarray(1, 5), bytes.subarray(5)] : [bytes];
  return (await askTcp(chunks, 1, target))[0];
}

/** Health probes of CoreDNS are no questions of a client, unless the client asks the same. */
const isProbe = (query: Query, { name, type }: Seen): boolean => name === "." && type === TYPE.NS && query.name !== ".";

/** Starts the question that the case keeps in flight, and waits until the upstream has it. */
async function startDuring(
  query: TestQuery | undefined,
  port: number,
  upstream: TestUpstream,
): Promise<Promise<unknown>[]> {
  if (query === undefined) return [];
  const answered = askUdp(encodeQuery(query), { port });
  await until("the upstream has the first question", () => upstream.seen.length > 0);
  upstream.seen.length = 0;
  return [answered];
}

function echoes(query: Query, bytes: Buffer | undefined): boolean {
  if (query.name === undefined || query.opcode !== "QUERY") return true;
  const question = encodeQuery({ ...query, edns: null }).subarray(12);
  return bytes?.subarray(12, 12 + question.length).equals(question) === true;
}

/** Asks what a case asks, in its order. */
export async function observeCase(
  { query, before = [] }: Case,
  port: number,
  upstream: TestUpstream,
): Promise<Observed> {
  for (const earlier of before) for (let turn = 0; turn < (earlier.repeat ?? 1); turn += 1) await ask(earlier, port);
  upstream.seen.length = 0;
  const inFlight = await startDuring(query.during, port, upstream);
  const orders = new Set<string>();
  let bytes: Buffer | undefined;
  const startedAt = performance.now();
  for (let turn = 0; turn < (query.repeat ?? 1); turn += 1) {
    bytes = await ask(query, port);
    if (bytes !== undefined) orders.add(replyText(bytes).answer.join());
  }
  const elapsedSeconds = (performance.now() - startedAt) / 1_000;
  await Promise.all(inFlight);
  return {
    reply: bytes && replyText(bytes),
    elapsedSeconds,
    questionEchoed: echoes(query, bytes),
    distinctOrders: orders.size,
    seen: upstream.seen.filter((one) => !isProbe(query, one)),
  };
}

/** Whether a record is `owner ttl type data`, where a field may be `*`; a pattern `~text` is found anywhere. */
function fits(pattern: string, record: string): boolean {
  if (pattern.startsWith("~")) return record.includes(pattern.slice(1));
  const fields = record.split(" ");
  return pattern.split(" ").every((wanted, at) => wanted === "*" || wanted === fields[at]);
}

const holdsAll = (patterns: readonly string[] = [], records: readonly string[] = []): boolean =>
  patterns.every((pattern) => records.some((record) => fits(pattern, record)));

/** `mismatches`, and the keys that only recorded behaviour of CoreDNS has. */
export function corednsMismatches(expected: CorednsExpected, observed: Observed): string[] {
  const { reply, elapsedSeconds, distinctOrders, seen } = observed;
  const { answerContains, ...others } = expected;
  const ports = new Set(seen.map(({ sourcePort }) => sourcePort)).size;
  const holds: Readonly<Record<string, boolean>> = {
    answerContains: holdsAll(answerContains, reply?.answer),
    additionalContains: holdsAll(expected.additionalContains, reply?.additional),
    distinctOrdersMax: distinctOrders <= (expected.distinctOrdersMax ?? Number.POSITIVE_INFINITY),
    elapsedMin: elapsedSeconds >= (expected.elapsedMin ?? 0),
    lenMin: (reply?.length ?? 0) >= (expected.lenMin ?? 0),
    upstreamDistinctPortsMax: ports <= (expected.upstreamDistinctPortsMax ?? Number.POSITIVE_INFINITY),
  };
  const broken = Object.keys(holds).filter((key) => holds[key] === false);
  return [...mismatches(others, observed), ...broken.map((key) => `${key} does not hold`)];
}
