import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { currentCluster } from "./cluster.ts";
import { ask } from "./dns-client.ts";
import { GATEWAY_SERVICE_ADDRESS, programGateway, writeStatus } from "./gateway-controller.ts";
import { type Installation, install } from "./installation.ts";

const cluster = currentCluster();
const { kubectl } = cluster;
const GATEWAY = "kuadrant-egressgateway";
/** From the change of an object to the changed answer: watch event, debounce, compile. */
const VISIBLE_SECONDS = 2;
let sluice: Installation;

beforeAll(async () => {
  sluice = await install(cluster);
});
afterAll(() => sluice?.close());
beforeEach(async () => {
  await sluice.emptyGateways();
  await kubectl.must(["apply", "-f", sluice.manifest("000-egress-gateway/infrastructure.yaml")]);
});
afterEach(() => sluice?.emptyGateways());

describe("an egress hostname of a gateway in the cluster", () => {
  test("is answered with the ClusterIP of the Service that the gateway's status names", async () => {
    await programGateway(cluster, GATEWAY);
    await sluice.untilResolves("httpbin.org", [GATEWAY_SERVICE_ADDRESS]);
    const aaaa = await ask(sluice.ports.dns, "httpbin.org", "AAAA");
    expect(aaaa.rcode).toBe("NOERROR");
    expect(aaaa.addresses).toEqual([]);
    expect(aaaa.packet.authorities?.[0]?.type, "NODATA carries the SOA").toBe("SOA");
  });

  test("is refused an answer, not forwarded, before the gateway has an address", async () => {
    await sluice.untilAnswers("httpbin.org", ({ rcode }) => rcode === "SERVFAIL");
  });

  test("follows the gateway's status", async () => {
    await programGateway(cluster, GATEWAY);
    await sluice.untilResolves("httpbin.org", [GATEWAY_SERVICE_ADDRESS]);
    await writeStatus(cluster, GATEWAY, { addresses: [{ type: "IPAddress", value: "198.51.100.7" }] });
    await sluice.untilResolves("httpbin.org", ["198.51.100.7"], VISIBLE_SECONDS);
    await writeStatus(cluster, GATEWAY, { addresses: [{ type: "IPAddress", value: "198.51.100.8" }] });
    await sluice.untilResolves("httpbin.org", ["198.51.100.8"], VISIBLE_SECONDS);
  });

  test("follows the Service when that is made again with another address", async () => {
    await programGateway(cluster, GATEWAY);
    await sluice.untilResolves("httpbin.org", [GATEWAY_SERVICE_ADDRESS]);
    const service = ["service", `${GATEWAY}-istio`, "-n", "gateway-system"];
    await kubectl.must(["delete", ...service]);
    await sluice.untilAnswers("httpbin.org", ({ rcode }) => rcode === "SERVFAIL", VISIBLE_SECONDS);
    const [, name, ...inNamespace] = service as [string, string, ...string[]];
    await kubectl.must([
      "create",
      "service",
      "clusterip",
      name,
      "--tcp=80",
      "--clusterip=10.96.244.189",
      ...inNamespace,
    ]);
    await sluice.untilResolves("httpbin.org", ["10.96.244.189"], VISIBLE_SECONDS);
  });

  test("comes and goes with its route", async () => {
    await programGateway(cluster, GATEWAY);
    await sluice.untilResolves("httpbin.org", [GATEWAY_SERVICE_ADDRESS]);
    const hostnames = JSON.stringify({ spec: { hostnames: ["httpbin.org", "second.example"] } });
    const route = ["httproute", "httpbin-external", "-n", "gateway-system"];
    await kubectl.must(["patch", ...route, "--type=merge", "-p", hostnames]);
    await sluice.untilResolves("second.example", [GATEWAY_SERVICE_ADDRESS], VISIBLE_SECONDS);
    await kubectl.must(["delete", ...route]);
    await sluice.untilAnswers("httpbin.org", ({ addresses }) => !addresses.includes(GATEWAY_SERVICE_ADDRESS));
  });
});

test("a name that no gateway claims is asked of the upstream", async () => {
  const { rcode, addresses } = await ask(sluice.ports.dns, "outside.example");
  expect({ rcode, addresses }).toEqual({ rcode: "NOERROR", addresses: ["203.0.113.80"] });
});
