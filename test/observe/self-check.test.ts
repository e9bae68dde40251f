import { createServer } from "node:net";
import { expect, test } from "vitest";
import { startSelfCheck } from "../../src/observe/self-check.ts";

test("a check that gets no answer is a failure, and the next one is made all the same", async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const twice = Promise.withResolvers<void>();
  let failures = 0;
  const counts = {
    observe: () => twice.reject(new Error("nobody has answered")),
    failed: () => {
      failures++;
      if (failures === 2) twice.resolve();
    },
  };
  const check = startSelfCheck(counts, () => ({ host: "127.0.0.1", port }));
  try {
    await twice.promise;
  } finally {
    check.stop();
  }
  expect([failures, connections]).toEqual([2, 2]);
  await new Promise((resolve) => server.close(resolve));
});

test("nothing is asked while no address serves /health", () => {
  const never = () => {
    throw new Error("nothing was asked");
  };
  startSelfCheck({ observe: never, failed: never }, () => undefined).stop();
});
