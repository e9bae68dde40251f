import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { startDnsRole } from "../../src/cli/serve-dns.ts";
import { readerOf } from "../../src/cli/serve-objects.ts";
import { loadConfig } from "../../src/config/load.ts";
import { type Decoded, decodeObject } from "../../src/model/decode.ts";
import { buildTopology } from "../../src/model/topology.ts";
import { createLog } from "../../src/observe/log.ts";
import { applyGatewayAddresses } from "../../src/sources/gateway-addresses.ts";
import { createLiveSnapshot } from "../../src/sources/live-snapshot.ts";
import { askUdp, encodeQuery } from "../dns/support/dns-client.ts";
import { replyText } from "../dns/support/reply-text.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** The example's gateway and routes, the gateway at 10.96.0.50. */
function exampleObjects(): readonly Decoded[] {
  const text = readFileSync("manifests/examples/openai/gateway.yaml", "utf8");
  const decoded = parseAllDocuments(text).flatMap((document) => {
    const outcome = decodeObject(document.toJS());
    return outcome.status === "decoded" ? [outcome.decoded] : [];
  });
  const address = { namespace: "gateway-system", name: "egress", address: "10.96.0.50" };
  return applyGatewayAddresses(decoded, [address]).objects;
}

test("objects that arrive while the resolver is being started are answered from", async () => {
  const log = createLog("silent");
  const live = createLiveSnapshot({ sources: ["files"], build: (objects) => buildTopology(objects), log });
  let looks = 0;
  const listen = { dnsListen: "127.0.0.1:0", dnsWorkers: "1" };
  const config = loadConfig({ manifests: [], upstream: ["127.0.0.1:9"], ...listen }, {});
  const { resolver } = await startDnsRole({
    config,
    readFor: readerOf(config, live),
    snapshot: {
      ...live,
      // The second look is the one that the resolver is started with.
      current() {
        const seen = live.current();
        if (++looks === 2) queueMicrotask(() => live.update("files", exampleObjects(), true));
        return seen;
      },
    },
    workerUrl: new URL("../dns/support/worker-entry.ts", import.meta.url),
    log,
  });
  cleanups.push(() => resolver.close());
  const port = resolver.addresses()[0]?.port ?? 0;
  await expect
    .poll(async () => {
      const bytes = await askUdp(encodeQuery({ name: "api.openai.com" }), { port });
      return bytes && replyText(bytes).answer;
    })
    .toEqual(["api.openai.com. 5 A 10.96.0.50"]);
  expect(resolver.notReady()).toEqual([]);
});
