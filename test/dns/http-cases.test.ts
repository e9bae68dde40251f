import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCases } from "./support/conformance.ts";
import { askDns, type DnsProcess, freePorts, getPage, type Page, startDnsProcess } from "./support/dns-process.ts";
import { startTestUpstream, type TestUpstream } from "./support/test-upstream.ts";

type HttpCase = {
  readonly id: string;
  readonly title: string;
  readonly before?: string;
  readonly request: { readonly port?: number; readonly path?: string; readonly method?: string; readonly dns?: string };
  readonly expected: {
    readonly status?: number;
    readonly statusIn?: readonly number[];
    readonly body?: string;
    readonly contentType?: string;
    readonly contentTypePrefix?: string;
    readonly rcode?: string;
    readonly metrics?: Readonly<Record<string, number>>;
    readonly metricsPresent?: readonly string[];
  };
};

const { fixture, cases } = JSON.parse(
  readFileSync(new URL("../fixtures/dns-http-cases.json", import.meta.url), "utf8"),
) as { readonly fixture: string; readonly cases: readonly HttpCase[] };
const { fixtures, zones } = readCases();
const egress = fixtures["egress"];

type World = {
  readonly process: DnsProcess;
  readonly upstream: TestUpstream;
  readonly corefile: string;
  /** By the port of the fixture. */
  readonly ports: Readonly<Record<number, number>>;
  readonly close: () => Promise<void>;
};

/** The fixture is one line; its ports are those of this world, and the file is looked at as often as may be. */
const corefileOf = (upstream: number, ports: Readonly<Record<number, number>>): string =>
  (fixture.split("Corefile: ")[1] ?? "")
    .replaceAll(/:(53|8080|8181|9153)\b/g, (_text, port) =>
      port === "53" ? `:${ports[53]}` : `127.0.0.1:${ports[Number(port)]}`,
    )
    .replace("reload;", "reload 2s 0s;")
    .replace("@UPSTREAM@", `127.0.0.1:${upstream}`)
    .replaceAll(/\s*;\s*/g, "\n")
    .replace("{ errors", "{\nerrors")
    .replace("{ lameduck 5s }", "{\nlameduck 5s\n}")
    .replace("loop }", "loop\n}\n");

/** An API server that is not there. */
const NOWHERE = {
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:1" } }],
  users: [{ name: "u", user: {} }],
  contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
  "current-context": "c",
};

async function startWorld(synced: boolean): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-http-"));
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, JSON.stringify(NOWHERE));
  const upstream = await startTestUpstream({ zone: zones[egress?.upstream.zone ?? ""] ?? [] });
  const [dns = 0, health = 0, ready = 0, metrics = 0] = await freePorts(4);
  const ports = { 53: dns, 8080: health, 8181: ready, 9153: metrics };
  const corefile = corefileOf(upstream.port, ports);
  const started = await startDnsProcess({
    corefile,
    ...(synced ? { objects: egress?.kubernetes ?? [] } : { args: ["--kubeconfig", kubeconfig] }),
  });
  const close = async (): Promise<void> => {
    await started.close();
    await upstream.close();
    await rm(folder, { recursive: true });
  };
  return { process: started, upstream, corefile, ports, close };
}

const refused = (world: World): Promise<void> => world.process.wrote(/corefile cannot be served/);

/** What is done before a case, by the words of the case. */
const BEFORE: Readonly<Record<string, (world: World) => Promise<void>>> = {
  "": async () => undefined,
  unsynced: async () => undefined,
  async "SIGTERM, 0.5 s"({ process }) {
    process.child.kill("SIGTERM");
    await process.wrote(/"stopping"/);
  },
  async "write Corefile with unknown directive, wait for reload interval"(world) {
    await world.process.writeCorefile(world.corefile.replace("errors", "errors\nnonsense"));
    await refused(world);
  },
  async "write Corefile with health on a port in use"(world) {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    await world.process.writeCorefile(world.corefile.replace(`:${world.ports[8080]}`, `:${port}`));
    await refused(world);
    other.close();
  },
  async "write valid changed Corefile"(world) {
    await world.process.writeCorefile(world.corefile.replace("errors", "errors\nlog"));
    await world.process.wrote(/plugin\/reload: Running configuration SHA512/);
  },
};
const wordsOf = ({ before = "" }: HttpCase): string =>
  before === "as HT-010" ? "write Corefile with unknown directive, wait for reload interval" : before;

function comparePage({ expected }: HttpCase, page: Page | undefined): void {
  expect(page).toBeDefined();
  const { status, body, contentType } = page as Page;
  expect([status, ...(expected.statusIn ?? [])]).toContain(expected.status ?? status);
  if (expected.statusIn !== undefined) expect(expected.statusIn).toContain(status);
  if (expected.status !== undefined) expect(status).toBe(expected.status);
  if (expected.body !== undefined) expect(body).toBe(expected.body);
  if (expected.contentType !== undefined) expect(contentType).toBe(expected.contentType);
  expect(contentType.startsWith(expected.contentTypePrefix ?? "")).toBe(true);
  const lines = body.split("\n");
  for (const [name, value] of Object.entries(expected.metrics ?? {})) expect(lines).toContain(`${name} ${value}`);
  for (const series of expected.metricsPresent ?? []) {
    const [start = "", end = ""] = series.split("...");
    expect(lines.filter((line) => line.startsWith(start) && line.endsWith(end))).toHaveLength(1);
  }
}

async function compare(one: HttpCase, { ports }: World): Promise<void> {
  const { dns, port = 0, path = "", method } = one.request;
  if (dns === undefined) return comparePage(one, await getPage(ports[port] ?? 0, path, method));
  const [name = "", type = ""] = dns.split(" ");
  expect((await askDns({ name, type }, { port: ports[53] ?? 0 })).rcode).toBe(one.expected.rcode);
}

test("all 14 cases are looked at", () => {
  expect(new Set(cases.map(({ id }) => id)).size).toBe(14);
  expect(cases.filter((one) => BEFORE[wordsOf(one)] === undefined)).toEqual([]);
});

describe.each([...Map.groupBy(cases, wordsOf)])("%s", (words, group) => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld(words !== "unsynced");
    await BEFORE[words]?.(world);
  }, 40_000);
  afterAll(() => world?.close());

  test.each(group.map((one) => [one.id, one.title, one] as const))("%s: %s", (_id, _title, one) => compare(one, world));

  if (!words.startsWith("write")) return;
  test("everything else is served as before", async () => {
    const { ports } = world;
    expect((await askDns({ name: "api.openai.com" }, { port: ports[53] ?? 0 })).answer).toHaveLength(1);
    expect((await getPage(ports[8080] ?? 0, "/health"))?.status).toBe(200);
    expect((await getPage(ports[8181] ?? 0, "/ready"))?.status).toBe(200);
    expect((await getPage(ports[9153] ?? 0, "/metrics"))?.status).toBe(200);
  });
});
