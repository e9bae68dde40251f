import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VERSION } from "../../src/model/version.ts";
import { readCases } from "./support/conformance.ts";
import { askDns, type DnsProcess, freePorts, startDnsProcess } from "./support/dns-process.ts";
import { startTestUpstream, type TestUpstream } from "./support/test-upstream.ts";

type LogCase = { readonly id: string; readonly title: string; readonly query: string; readonly expectedLine: string };

const cases = JSON.parse(
  readFileSync(new URL("../fixtures/dns-log-cases.json", import.meta.url), "utf8"),
) as readonly LogCase[];
const { zones, fixtures } = readCases();

/** What stands behind `log` in the cases, by the port of this test that serves it. */
const LOGS = ["log", "log . {combined}", "log { class denial }"] as const;
let ports: readonly number[];
let upstream: TestUpstream;
let sluice: DnsProcess;

const blockOf = (log: string, port: number | undefined): string =>
  `.:${port} {\nerrors\n${log.replace("{ class", "{\nclass").replace("denial }", "denial\n}")}\nforward . 127.0.0.1:${upstream.port}\n}\n`;

beforeAll(async () => {
  ports = await freePorts(LOGS.length);
  upstream = await startTestUpstream({
    zone: zones[fixtures["egress"]?.upstream.zone ?? ""] ?? [],
    behaviours: { "drop.example.org.": { drop: true } },
  });
  sluice = await startDnsProcess({
    corefile: LOGS.map((log, index) => blockOf(log, ports[index])).join(""),
    args: ["--log-format", "coredns", "--workers", "1"],
  });
}, 40_000);
afterAll(async () => {
  await sluice?.close();
  await upstream?.close();
});

const lines = (): string[] => sluice.stderr().split("\n").slice(0, -1);

type Asked = {
  readonly type: string;
  readonly name: string;
  readonly words: readonly string[];
  readonly port: number;
};

/** Reads the words of a case: `A example.org. udp +do bufsize 4096`, `… from ::1`, `…, log . {combined}`. */
function read(query: string): readonly Asked[] {
  const [questions = "", log = "log"] = query.split(", ");
  const port = ports[(LOGS as readonly string[]).indexOf(log)] ?? 0;
  return questions.split(" / ").map((text) => {
    const [type = "", name = "", ...words] = text.split(" ");
    return { type, name, words, port };
  });
}

async function ask({ type, name, words, port }: Asked): Promise<void> {
  const size = words.includes("bufsize") ? Number(words[words.indexOf("bufsize") + 1]) : 1232;
  const edns = words.includes("+do") ? { do: true, size } : null;
  const host = words.includes("from") ? (words[words.indexOf("from") + 1] ?? "") : "127.0.0.1";
  await askDns({ type, name, edns }, { port, host }, words.includes("tcp") ? "tcp" : "udp");
}

test("all 10 cases are looked at", () => {
  expect(cases.map(({ id }) => id)).toEqual(
    Array.from({ length: 10 }, (_, at) => `LG-${String(at + 1).padStart(3, "0")}`),
  );
});

const inWords = new Set(["LG-009", "LG-010"]);

describe("what is logged", () => {
  test.each(cases.filter(({ id }) => !inWords.has(id)).map((one) => [one.id, one.title, one] as const))(
    "%s: %s",
    async (_id, _title, { query, expectedLine }) => {
      const before = lines().length;
      for (const asked of read(query)) await ask(asked);
      await expect.poll(() => lines().slice(before).join("\n")).toMatch(new RegExp(expectedLine, "m"));
    },
  );

  test("LG-009: class denial logs only NXDOMAIN and NODATA", async () => {
    const before = lines().length;
    const { query = "" } = cases.find(({ id }) => id === "LG-009") ?? {};
    const last = { type: "TXT", name: "example.org.", words: [] };
    for (const asked of [...read(query), { ...last, port: read(query)[0]?.port ?? 0 }]) await ask(asked);
    const logged = () =>
      lines()
        .slice(before)
        .map((line) => /"(\S+ IN \S+) /.exec(line)?.[1] ?? line);
    await expect.poll(logged).toContain("TXT IN example.org.");
    expect(logged()).toEqual(["A IN nope.example.org.", "TXT IN example.org."]);
  });

  test("LG-010: the start says what is served where, and our name", () => {
    expect(sluice.stdout().split("\n")).toEqual([...ports.map((port) => `.:${port}`), `Sluice-${VERSION}`, ""]);
  });
});

test("as JSON the banner is lines of the log, and an address that is bound is named", async () => {
  const [port = 0] = await freePorts(1);
  const started = await startDnsProcess({ corefile: `b.test:${port} a.test:${port} {\nbind 127.0.0.1\nwhoami\n}\n` });
  const messages = started
    .stderr()
    .split("\n")
    .flatMap((line) => (line === "" ? [] : [JSON.parse(line).msg]));
  expect(messages).toEqual(
    expect.arrayContaining([`a.test.:${port} on 127.0.0.1`, `b.test.:${port} on 127.0.0.1`, `Sluice-${VERSION}`]),
  );
  expect(started.stdout()).toBe("");
  await started.close();
});
