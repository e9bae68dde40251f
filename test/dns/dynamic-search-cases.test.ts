import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { readCases, topologyOf } from "./support/conformance.ts";
import { askDns } from "./support/dns-process.ts";
import { titleOf } from "./support/dynamic-cases.ts";
import { startTestResolver, type TestResolver } from "./support/resolver.ts";
import { startTestUpstream, type TestUpstream } from "./support/test-upstream.ts";

const { zones, fixtures } = readCases();
const fixture = fixtures["search"];
if (fixture === undefined) throw new Error("no fixture search");

let upstream: TestUpstream;
let resolver: TestResolver;
beforeAll(async () => {
  upstream = await startTestUpstream({ zone: zones[fixture.upstream.zone] ?? [] });
  const corefile = fixture.corefile.replaceAll("@UPSTREAM@", `127.0.0.1:${upstream.port}`);
  resolver = await startTestResolver([], { corefile, view: topologyOf(fixture) });
});
afterAll(async () => {
  await resolver?.close();
  await upstream?.close();
});
beforeEach(() => void upstream.seen.splice(0));

/** The search list of a pod in the namespace `default`, as the webhook injects it. */
const SEARCH = ["default.svc.cluster.local.", "svc.cluster.local.", "cluster.local."];

/** The names that a stub resolver tries in turn; a name with at least `ndots` dots is first tried as it is. */
function candidates(name: string, ndots: number): string[] {
  const expanded = SEARCH.map((suffix) => `${name}.${suffix}`);
  return name.split(".").length > ndots ? [`${name}.`, ...expanded] : [...expanded, `${name}.`];
}

type Found = { readonly name: string; readonly a: readonly string[]; readonly aaaa: readonly string[] };

/** Asks for A and AAAA of a name together, as every stub resolver does. */
async function askBoth(name: string) {
  const [a, aaaa] = await Promise.all(["A", "AAAA"].map((type) => askDns({ name, type }, { port: resolver.port })));
  if (a === undefined || aaaa === undefined) throw new Error("no reply");
  return { a, aaaa };
}

/**
 * What a stub resolver finds, candidate for candidate: NXDOMAIN for both means the next one, a failure of either means
 * that the look-up fails, and an answer to one with an empty one to the other is success (glibc and musl alike).
 */
async function lookUp(names: readonly string[]): Promise<Found | undefined> {
  for (const name of names) {
    const { a, aaaa } = await askBoth(name);
    const rcodes = [a.rcode, aaaa.rcode];
    if (rcodes.every((rcode) => rcode === "NXDOMAIN")) continue;
    expect(rcodes, name).toEqual(["NOERROR", "NOERROR"]);
    if (a.answer.length + aaaa.answer.length > 0) return { name, a: a.answer, aaaa: aaaa.answer };
  }
  return undefined;
}

const STEERED = { name: "api.openai.com.", a: ["api.openai.com. 5 A 10.96.10.10"], aaaa: [] };

test(titleOf("DY-014"), async () => {
  const names = candidates("api.openai.com", 5);
  expect(names).toHaveLength(4);
  expect(await lookUp(names)).toEqual(STEERED);
  expect(upstream.seen).toEqual([]);
});

test(titleOf("DY-015"), async () => {
  for (const name of candidates("api.openai.com", 5).slice(0, 3)) {
    const { a, aaaa } = await askBoth(name);
    // musl takes a name for existing when one of both is not NXDOMAIN.
    expect([a.rcode, aaaa.rcode]).toEqual(["NXDOMAIN", "NXDOMAIN"]);
  }
  const { a, aaaa } = await askBoth("api.openai.com.");
  expect([a.answer, aaaa.rcode, aaaa.answer]).toEqual([STEERED.a, "NOERROR", []]);
  expect(aaaa.authority.map((record) => record.split(" ")[2])).toEqual(["SOA"]);
  expect(upstream.seen).toEqual([]);
});

test(titleOf("DY-016"), async () => {
  // musl never uses the search list for a name with at least `ndots` dots.
  const asked = candidates("web.default", 1).slice(0, 1);
  expect(asked).toEqual(["web.default."]);
  expect(await lookUp(asked)).toBeUndefined();
  expect(upstream.seen.map(({ name }) => name)).toEqual(["web.default.", "web.default."]);
  const injected = await lookUp(candidates("web.default", 5));
  expect(injected?.name).toBe("web.default.svc.cluster.local.");
  expect(injected?.a).toEqual(["web.default.svc.cluster.local. 30 A 10.96.55.5"]);
});
