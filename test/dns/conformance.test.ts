import { afterAll, describe, expect, test } from "vitest";
import type { ResolverOptions } from "../../src/dns/server/resolver-options.ts";
import type { Resolver } from "../../src/dns/server/start-resolver.ts";
import { type Case, mismatches, type Observed, readCases, topologyOf } from "./support/conformance.ts";
import { askTcp, askUdp, encodeQuery, framed } from "./support/dns-client.ts";
import { replyText } from "./support/reply-text.ts";
import { startTestResolver } from "./support/resolver.ts";
import { startTestUpstream, type TestUpstream } from "./support/test-upstream.ts";

const { zones, fixtures, cases } = readCases();

/** Fixtures whose Corefile asks for what an option gives already. */
const OPTIONS: Readonly<Record<string, Partial<ResolverOptions>>> = {
  "guard-strict": { tableOptions: { guard: "strict" } },
  "guard-off": { tableOptions: { guard: "off" } },
  "search-off": { tableOptions: { search: "forward" } },
  "wild-except": { tableOptions: { except: ["storage.googleapis.com"] } },
  "fw-max": { maxConcurrent: 1 },
  "src-acl": { allowedNetworks: ["127.0.0.1/32"] },
};

/** Fixtures whose Corefile asks for what a setting of the Topology gives. */
const CONFLICT: Readonly<Record<string, "merge">> = { "two-merge": "merge" };

/** Cases that are not run here, by the Corefile directive whose behaviour they show. */
const NEEDS_DIRECTIVE: Readonly<Record<string, readonly string[]>> = {
  "sluice { search cname }": ["SR-008"],
  kuadrant: [
    ...["KR-001", "KR-002", "KR-003", "KR-005", "KR-006", "KR-007", "KR-009", "KR-010", "KR-012", "KR-013"],
    ...["KR-016", "KR-017"],
  ],
  chaos: ["PR-030"],
  "forward { except }": ["FW-030", "FW-031"],
  "forward FROM": ["FW-032"],
  "forward { failover }": ["FW-038"],
  cache: [
    "CA-001",
    "CA-002",
    "CA-005",
    "CA-006",
    "CA-007",
    "CA-008",
    "CA-011",
    "CA-012",
    "CA-013",
    "CA-015",
    "CA-017",
    "CA-018",
    "CA-020",
    "CA-021",
    "CA-022",
    "CA-024",
    "CA-025",
  ],
  hosts: ["PL-001", "PL-002", "PL-003", "PL-004", "PL-005", "PL-006"],
  rewrite: ["PL-010", "PL-011"],
  acl: ["PL-020", "PL-021", "PL-023", "PL-024"],
  template: ["PL-031", "PL-032"],
  any: ["PL-033"],
  whoami: ["PL-035"],
  loadbalance: ["PL-036"],
  local: ["PL-041", "PL-042"],
  "server blocks": ["PL-050", "PL-051", "PL-052", "PL-053"],
};

const listed = new Set(Object.values(NEEDS_DIRECTIVE).flat());
const run = cases.filter(({ id }) => !listed.has(id));

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

type World = { readonly upstream: TestUpstream; readonly resolver: Resolver };

async function startWorld(name: string): Promise<World> {
  const fixture = fixtures[name];
  if (fixture === undefined) throw new Error(`no fixture ${name}`);
  const upstream = await startTestUpstream({ ...fixture.upstream, zone: zones[fixture.upstream.zone] ?? [] });
  const resolver = await startTestResolver([upstream.port], {
    view: topologyOf(fixture, CONFLICT[name]),
    synced: fixture.state !== "unsynced",
    ...OPTIONS[name],
  });
  return { upstream, resolver };
}

const stopWorld = ({ upstream, resolver }: World): Promise<unknown> =>
  Promise.all([resolver.close(), upstream.close()]);

/** Fixtures whose upstream or resolver remembers what it was asked: each case gets its own. */
const FRESH: ReadonlySet<string> = new Set(["fwd", "fw-max"]);

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
    upstream.seen.length = 0;
    const during = await startDuring(one, resolver.port, upstream);
    const startedAt = performance.now();
    const { bytes, ...replied } = await repeat(one, resolver.port);
    const elapsedSeconds = elapsed(startedAt);
    await during.end;
    return { ...replied, elapsedSeconds, questionEchoed: echoes(one, bytes), seen: [...upstream.seen] };
  });

describe("conformance cases", () => {
  test("every case is run or listed with the directive it needs", () => {
    expect(cases).toHaveLength(222);
    expect(run.length + listed.size).toBe(222);
    expect([...listed].filter((id) => !cases.some((one) => one.id === id))).toEqual([]);
  });

  test.concurrent.each(run.map((one) => [one.id, one.title, one] as const))("%s: %s", async (_id, _title, one) => {
    expect(mismatches(one.expected, await observe(one))).toEqual([]);
  });
});
