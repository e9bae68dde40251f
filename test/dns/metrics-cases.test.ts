import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCases } from "./support/conformance.ts";
import { askUdp } from "./support/dns-client.ts";
import { askDns, type DnsProcess, freePorts, getPage, startDnsProcess } from "./support/dns-process.ts";
import { startTestUpstream, type TestUpstream } from "./support/test-upstream.ts";

type MetricsCase = {
  readonly id: string;
  readonly title: string;
  readonly afterQueries: readonly string[];
  readonly expectedSeries: Readonly<Record<string, number | "*">>;
};

const cases = JSON.parse(
  readFileSync(new URL("../fixtures/dns-metrics-cases.json", import.meta.url), "utf8"),
) as readonly MetricsCase[];
const { zones, fixtures } = readCases();
const egress = fixtures["egress"];

let upstream: TestUpstream;
let sluice: DnsProcess;
let dnsPort: number;
let metricsPort: number;

/** Each case has names of its own, so that no case finds the answers of another one in the cache. */
const nameOf = (name: string, id: string): string =>
  name.replace(/example\.org\.$/, `${id.toLowerCase()}.example.org.`);

// One worker: each has a cache of its own.
beforeAll(async () => {
  upstream = await startTestUpstream({
    zone: [
      ...(zones[egress?.upstream.zone ?? ""] ?? []),
      ...cases.map(({ id }) => `${nameOf("example.org.", id)} 300 A 192.0.2.1`),
    ],
  });
  const [metrics = 0, health = 0] = await freePorts(2);
  metricsPort = metrics;
  sluice = await startDnsProcess({
    corefile: `.:53 {\nerrors\nprometheus 127.0.0.1:${metricsPort}\nsluice\ncache 30\nforward . 127.0.0.1:${upstream.port}\nreload\nhealth 127.0.0.1:${health}\n}\n`,
    objects: egress?.kubernetes ?? [],
    args: ["--listen", "[::]:0", "--workers", "1"],
  });
  dnsPort = Number(/"port":(\d+),"workers":1,"msg":"resolver is listening"/.exec(sluice.stderr())?.[1]);
}, 40_000);
afterAll(async () => {
  await sluice?.close();
  await upstream?.close();
});

async function scrape(): Promise<string> {
  const page = await getPage(metricsPort, "/metrics");
  expect(page?.status).toBe(200);
  return page?.body ?? "";
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** What a series has in a scrape; `*` in a label of the pattern is any value. Undefined for a series that is not there. */
function seriesValue(scraped: string, series: string): number | undefined {
  const pattern = escaped(series.replace("@UPSTREAM@", `127.0.0.1:${upstream.port}`)).replaceAll('"\\*"', '"[^"]*"');
  const value = new RegExp(`^${pattern} (\\S+)$`, "m").exec(scraped)?.[1];
  return value === undefined ? undefined : Number(value);
}

/** Asks what a case says: `udp4 A example.org. +do`, `tcp6 …`, `raw malformed`. */
async function ask(query: string, id: string): Promise<void> {
  if (query === "raw malformed") {
    const bytes = Buffer.from("123401000001000000000000ff", "hex");
    await askUdp(bytes, { port: dnsPort, timeoutMilliseconds: 2_000 });
    return;
  }
  const [transport = "", type = "", name = "", flag] = query.split(" ");
  const host = transport.endsWith("6") ? "::1" : "127.0.0.1";
  const edns = flag === "+do" ? { do: true } : null;
  await askDns(
    { name: nameOf(name, id), type, edns },
    { port: dnsPort, host },
    transport.startsWith("tcp") ? "tcp" : "udp",
  );
}

test("all 17 cases are looked at", () => {
  expect(new Set(cases.map(({ id }) => id)).size).toBe(17);
});

describe("series that are there before anything is asked", () => {
  test.each(
    cases.filter(({ afterQueries }) => afterQueries.length === 0).map((one) => [one.id, one.title, one] as const),
  )("%s: %s", async (_id, _title, { expectedSeries }) => {
    const scraped = await scrape();
    for (const [series, value] of Object.entries(expectedSeries)) {
      const found = seriesValue(scraped, series);
      expect(found, series).toBeDefined();
      if (value !== "*") expect(found, series).toBe(value);
    }
  });
});

describe("series that questions count in", () => {
  test.each(
    cases.filter(({ afterQueries }) => afterQueries.length > 0).map((one) => [one.id, one.title, one] as const),
  )("%s: %s", async (id, _title, { afterQueries, expectedSeries }) => {
    const before = await scrape();
    for (const query of afterQueries) await ask(query, id);
    const risen = async () => {
      const after = await scrape();
      return Object.keys(expectedSeries).map((series) => [
        series,
        (seriesValue(after, series) ?? Number.NaN) - (seriesValue(before, series) ?? 0),
      ]);
    };
    await expect.poll(risen).toEqual(Object.entries(expectedSeries));
  });

  test("MX-008: the buckets are 0.00025 times powers of two up to 8.192 s", async () => {
    await ask("udp4 A example.org.", "MX-008");
    const bounds = [
      ...(await scrape()).matchAll(/^coredns_dns_request_duration_seconds_bucket\{.*zone="\.",le="([^"]+)"\}/gm),
    ];
    expect(bounds.map(([, bound]) => bound)).toEqual([
      ...Array.from({ length: 16 }, (_, n) => String(0.00025 * 2 ** n)),
      "+Inf",
    ]);
  });
});

test("the whole page is exposition format: each family has its type once, and every series a number", async () => {
  const lines = (await scrape()).trimEnd().split("\n");
  const types = lines.filter((line) => line.startsWith("# TYPE ")).map((line) => line.split(" ")[2]);
  expect(types.filter((name, index) => types.indexOf(name) !== index)).toEqual([]);
  const series = lines.filter((line) => line !== "" && !line.startsWith("#"));
  expect(series.filter((line) => !/^[a-zA-Z_:][\w:]*(\{(\w+="([^"\\]|\\.)*",?)*\})? \S+$/.test(line))).toEqual([]);
  const names = series.map((line) => line.slice(0, line.lastIndexOf(" ")));
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});
