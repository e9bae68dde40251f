import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { formatDiagnostic } from "../../../src/dns/corefile/diagnostic.ts";
import { loadCorefile } from "../../../src/dns/directives/load-corefile.ts";
import { startResolver } from "../../../src/dns/server/start-resolver.ts";
import { createLog } from "../../../src/observe/log.ts";
import { freePorts } from "../support/dns-process.ts";
import { testData } from "../support/resolver.ts";
import { memoryFiles } from "./memory-files.ts";

type Case = {
  readonly id: string;
  readonly title: string;
  readonly corefile: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly expected: { readonly start: boolean };
};

const { cases } = JSON.parse(readFileSync(new URL("./corefile-cases.json", import.meta.url), "utf8")) as {
  readonly cases: readonly Case[];
};

/** Starts what a case says, and ends it. Rejects when it does not start. */
async function start({ corefile, files = {}, env = {} }: Case): Promise<void> {
  const [port = 0, health = 0, ready = 0, metrics = 0] = await freePorts(4);
  const values: Readonly<Record<string, string>> = {
    "@PORT@": String(port),
    "@HEALTH@": String(health),
    "@READY@": String(ready),
    "@METRICS@": String(metrics),
    "@UPSTREAM@": "127.0.0.1:9",
  };
  const fill = (text: string): string => text.replaceAll(/@[A-Z]+@/g, (name) => values[name] ?? name);
  const fillAll = (texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, fill(text)]));
  const { servers, diagnostics } = loadCorefile({
    file: "Corefile",
    text: fill(corefile),
    environment: fillAll(env),
    files: memoryFiles(fillAll(files)),
    compatibility: "strict",
  });
  if (servers === undefined) throw new Error(diagnostics.map(formatDiagnostic).join("\n"));
  // The privileged port is not ours to take.
  const privileged = servers.some(({ keys }) => keys.some((key) => key.port < 1024));
  const resolver = await startResolver({
    servers,
    ...(privileged && { listen: { host: "127.0.0.1", port: 0 } }),
    workers: 1,
    workerUrl: new URL("../support/worker-entry.ts", import.meta.url),
    data: testData(),
    printLine: () => undefined,
    log: createLog("silent"),
  });
  await resolver.close();
}

describe("a Corefile that CoreDNS starts with, and ours shall, too", () => {
  test.each(cases.filter(({ expected }) => expected.start).map((one) => [one.id, one.title, one] as const))(
    "%s: %s",
    (_id, _title, one) => start(one),
  );
});

test("CF-116: forward: a host name that cannot be resolved is named, and nothing starts", async () => {
  const [one] = cases.filter(({ id }) => id === "CF-116");
  await expect(start(one as Case)).rejects.toMatchObject({
    code: "SLUICE_CONFIG_INVALID",
    message: expect.stringContaining("nohost.invalid"),
  });
});
