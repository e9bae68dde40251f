import { afterAll, describe, expect, test } from "vitest";
import { type Case, mismatches, type Observed, readCases, topologyOf } from "./support/conformance.ts";
import { askTcp, askUdp, encodeQuery, framed } from "./support/dns-client.ts";
import { replyText } from "./support/reply-text.ts";
import { startTestResolver, type TestResolver } from "./support/resolver.ts";
import { startTestUpstream, type TestUpstream } from "./support/test-upstream.ts";

const { zones, fixtures, cases } = readCases();

const elapsed = (since: number): number => (performance.now() - since) / 1_000;

async function ask({ query }: Case, port: number): Promise<Buffer | undefined> {
  const seconds = query.timeout ?? (query.raw === undefined && query.rawTcp === undefined ? 6 : 0.5);
  const target = { port, timeoutMilliseconds: seconds * 1_000, ...(query.src && { source: query.src }) };
  if (query.rawTcp !== undefined) return (await askTcp([Buffer.from(query.rawTcp, "hex")], 1, target))[0];
  const message = query.raw === undefined ? encodeQuery(query) : Buffer.from(query.raw, "hex");
  if (query.transport !== "tcp") return askUdp(message, target);
  const bytes = framed(message);
  const chunks = query.split ? [bytes.subarray(0, 1), bytes.subarray(1, 5), bytes.subarray(5)] : [bytes];
  return (await askTcp(chunks, 1, target))[0];
}

/** Starts the question that the case keeps in flight, and waits until the upstream has it. */
async function startDuring({ query }: Case, port: number, upstream: TestUpstream): Promise<{ end: Promise<unknown> }> {
  if (query.during === undefined) return { end: Promise.resolve() };
  const answered = askUdp(encodeQuery(query.during), { port });
  await expect.poll(() => upstream.seen.length).toBe(1);
  upstream.seen.length = 0;
  return { end: answered };
}

async function repeat(
  one: Case,
  port: number,
): Promise<Pick<Observed, "reply" | "distinctOrders"> & { bytes?: Buffer }> {
  const orders = new Set<string>();
  let bytes: Buffer | undefined;
  for (let turn = 0; turn < (one.query.repeat ?? 1); turn++) {
    bytes = await ask(one, port);
    if (bytes !== undefined) orders.add(replyText(bytes).answer.join());
  }
  return { reply: bytes && replyText(bytes), distinctOrders: orders.size, ...(bytes && { bytes }) };
}

function echoes({ query }: Case, bytes: Buffer | undefined): boolean {
  if (query.name === undefined || query.opcode !== "QUERY") return true;
  const question = encodeQuery({ ...query, edns: null }).subarray(12);
  return bytes?.subarray(12, 12 + question.length).equals(question) === true;
}

type World = { readonly upstream: TestUpstream; readonly resolver: TestResolver };

async function startWorld(name: string): Promise<World> {
  const fixture = fixtures[name];
  if (fixture === undefined) throw new Error(`no fixture ${name}`);
  const upstream = await startTestUpstream({ ...fixture.upstream, zone: zones[fixture.upstream.zone] ?? [] });
  const corefile = fixture.corefile.replaceAll("@UPSTREAM@", `127.0.0.1:${upstream.port}`);
  const topology = topologyOf(fixture);
  const resolver = await startTestResolver([], {
    corefile,
    view: topology,
    synced: fixture.state !== "unsynced",
    data: { records: topology.objects.of("DNSRecord") },
  });
  return { upstream, resolver };
}

const stopWorld = ({ upstream, resolver }: World): Promise<unknown> =>
  Promise.all([resolver.close(), upstream.close()]);

/** Fixtures whose upstream or resolver remembers what it was asked: each case gets its own. */
const FRESH: ReadonlySet<string> = new Set(["fwd", "fw-max", "cache", "cache-cap", "cache-blk", "fw-failover"]);

/** The other fixtures start once; their cases run one after the other. */
const shared = new Map<string, { readonly world: Promise<World>; last: Promise<unknown> }>();

afterAll(async () => {
  for (const { world } of shared.values()) await stopWorld(await world);
});

async function inWorld<T>(name: string, work: (world: World) => Promise<T>): Promise<T> {
  if (FRESH.has(name)) {
    const world = await startWorld(name);
    return work(world).finally(() => stopWorld(world));
  }
  const before = shared.get(name) ?? { world: startWorld(name), last: Promise.resolve() };
  shared.set(name, before);
  const result = Promise.all([before.world, before.last.catch(() => undefined)]).then(([world]) => work(world));
  before.last = result;
  return result;
}

const observe = (one: Case): Promise<Observed> =>
  inWorld(one.fixture, async ({ upstream, resolver }) => {
    for (const before of one.before ?? []) await ask({ ...one, query: before }, resolver.port);
    upstream.seen.length = 0;
    const during = await startDuring(one, resolver.port, upstream);
    const startedAt = performance.now();
    const { bytes, ...replied } = await repeat(one, resolver.port);
    const elapsedSeconds = elapsed(startedAt);
    await during.end;
    return { ...replied, elapsedSeconds, questionEchoed: echoes(one, bytes), seen: [...upstream.seen] };
  });

describe("conformance cases", () => {
  test("there are 222", () => {
    expect(new Set(cases.map(({ id }) => id)).size).toBe(222);
  });

  test.concurrent.each(cases.map((one) => [one.id, one.title, one] as const))("%s: %s", async (_id, _title, one) => {
    expect(mismatches(one.expected, await observe(one))).toEqual([]);
  });
});
