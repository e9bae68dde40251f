import { afterEach, describe, expect, test } from "vitest";
import { askDns, freePorts } from "../support/dns-process.ts";
import { serversOf, startTestResolver, type TestResolver } from "../support/resolver.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const block = (key: string, address: string, bind = ""): string =>
  `${key} {\n${bind}\nhosts {\n${address} x.a.test\nfallthrough\n}\nwhoami\n}\n`;

async function serving(corefile: string, workers: number): Promise<TestResolver> {
  const resolver = await startTestResolver([], { corefile, listen: "corefile", workers });
  cleanups.push(() => resolver.close());
  return resolver;
}

const answerAt = async (host: string, port: number): Promise<readonly string[]> =>
  (await askDns({ name: "x.a.test" }, { host, port })).answer;

describe.each([1, 2])("with %i worker", (workers) => {
  test("a block for all addresses and one for a single address share a port", async () => {
    const [port = 0] = await freePorts(1);
    const corefile = block(`.:${port}`, "10.0.0.1") + block(`a.test:${port}`, "10.0.0.2", "bind 127.0.0.2");
    await serving(corefile, workers);
    expect(await answerAt("127.0.0.1", port)).toEqual(["x.a.test. 3600 A 10.0.0.1"]);
    expect(await answerAt("127.0.0.2", port)).toEqual(["x.a.test. 3600 A 10.0.0.2"]);
  });

  test("a reload goes from all addresses to a single one, and back", async () => {
    const [port = 0] = await freePorts(1);
    const resolver = await serving(block(`.:${port}`, "10.0.0.1"), workers);
    expect(await answerAt("127.0.0.1", port)).toEqual(["x.a.test. 3600 A 10.0.0.1"]);
    await resolver.reload(serversOf(block(`.:${port}`, "10.0.0.2", "bind 127.0.0.1")));
    expect(await answerAt("127.0.0.1", port)).toEqual(["x.a.test. 3600 A 10.0.0.2"]);
    await resolver.reload(serversOf(block(`.:${port}`, "10.0.0.3")));
    await expect.poll(() => answerAt("127.0.0.2", port)).toEqual(["x.a.test. 3600 A 10.0.0.3"]);
    await expect.poll(() => answerAt("127.0.0.1", port)).toEqual(["x.a.test. 3600 A 10.0.0.3"]);
  });
});

test("a second resolver cannot have the port of a lone worker, although that could be shared", async () => {
  const [port = 0] = await freePorts(1);
  await serving(block(`.:${port}`, "10.0.0.1"), 1);
  await expect(serving(block(`.:${port}`, "10.0.0.2", "bind 127.0.0.1"), 1)).rejects.toThrow(
    "another program listens there",
  );
});
