import { expect, test } from "vitest";
import { readPodNetworks } from "../../../src/sources/cluster/pod-networks.ts";

const answering = (status: number, body: unknown) => ({
  request: () => Promise.resolve({ status, body, retryAfterSeconds: undefined }),
});

test("each network of the nodes is given once", async () => {
  const body = {
    items: [
      { spec: { podCIDRs: ["10.244.0.0/24", "fd00::/64"] } },
      { spec: { podCIDRs: ["10.244.0.0/24", 7] } },
      { spec: {} },
      {},
    ],
  };
  expect(await readPodNetworks(answering(200, body))).toEqual(["10.244.0.0/24", "fd00::/64"]);
});

test.each([
  ["an account that may not list nodes", answering(403, {})],
  ["a server that does not answer", { request: () => Promise.reject(new Error("unreachable")) }],
])("%s gives nothing, and no error", async (_title, transport) => {
  expect(await readPodNetworks(transport)).toBeUndefined();
});

test.each([null, [], "text", { items: [] }])("a body of %j has no networks", async (body) => {
  expect(await readPodNetworks(answering(200, body))).toEqual([]);
});
