import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, inject, test } from "vitest";
import { type ControlPlane, startControlPlane } from "./control-plane/start.ts";
import { ask } from "./dns-client.ts";
import { GATEWAY_SERVICE_ADDRESS, programGateway } from "./gateway-controller.ts";
import { type Installation, install } from "./installation.ts";
import { runInShell } from "./shell.ts";
import { until } from "./wait.ts";

const ROUTE = ["httproute", "httpbin-external", "-n", "gateway-system"];
let plane: ControlPlane;
let sluice: Installation;

beforeAll(async () => {
  plane = await startControlPlane(inject("binaries"));
  await plane.installCrds(["gateway-api", "istio", "kuadrant"]);
  sluice = await install(plane);
  const applied = await runInShell("kubectl apply -f 000-egress-gateway/infrastructure.yaml", plane);
  expect(applied.exitCode, applied.output).toBe(0);
  await programGateway(plane, "kuadrant-egressgateway");
  await sluice.untilResolves("httpbin.org", [GATEWAY_SERVICE_ADDRESS]);
});
afterAll(async () => {
  await sluice?.close();
  await plane?.close();
});

/** Asks for both names without pause until it is stopped; every answer must be there and be right. */
function questioner(port: number) {
  const wrong: string[] = [];
  let asked = 0;
  let stopped = false;
  const expected: [string, string][] = [
    ["httpbin.org", GATEWAY_SERVICE_ADDRESS],
    ["outside.example", "203.0.113.80"],
  ];
  const done = (async () => {
    while (!stopped) {
      for (const [name, address] of expected) {
        const { rcode, addresses } = await ask(port, name).catch((error: Error) => ({
          rcode: error.message,
          addresses: [],
        }));
        asked += 1;
        if (addresses.join() !== address) wrong.push(`${name}: ${rcode} ${addresses.join()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  const stop = async () => {
    stopped = true;
    await done;
    return { asked, wrong };
  };
  return { asked: () => asked, stop };
}

let questions: ReturnType<typeof questioner> | undefined;
afterEach(async () => void (await questions?.stop()));

/** A hostname that the route did not have before is answered: the watches of the whole chain are alive again. */
async function newHostnameAppears(hostname: string, timeoutSeconds: number): Promise<void> {
  const patch = JSON.stringify({ spec: { hostnames: ["httpbin.org", hostname] } });
  await until("the API server takes a change", async () => {
    const { exitCode } = await plane.kubectl(["patch", ...ROUTE, "--type=merge", "-p", patch]);
    return exitCode === 0;
  });
  await sluice.untilResolves(hostname, [GATEWAY_SERVICE_ADDRESS], timeoutSeconds);
}

async function answersThroughout(outage: () => Promise<void>): Promise<void> {
  questions = questioner(sluice.ports.dns);
  const before = questions.asked();
  await until("questions are asked", () => (questions?.asked() ?? 0) > before + 20);
  await outage();
  const { asked, wrong } = await questions.stop();
  expect(wrong.slice(0, 5), `${wrong.length} of ${asked} answers were wrong or missing`).toEqual([]);
}

const moreQuestions = async (count: number) => {
  const before = questions?.asked() ?? 0;
  await until(`${count} more questions are asked`, () => (questions?.asked() ?? 0) >= before + count);
};

test("while the API server is killed and started again, the resolver answers; then changes are seen", () =>
  answersThroughout(async () => {
    await plane.apiServer.kill();
    await moreQuestions(100);
    await plane.apiServer.restart();
    await newHostnameAppears("after-kill.example", 40);
  }));

test("while the API server hangs, the resolver answers; then changes are seen", () =>
  answersThroughout(async () => {
    plane.apiServer.pause();
    await moreQuestions(200);
    plane.apiServer.resume();
    await newHostnameAppears("after-pause.example", 40);
  }));

test("when etcd has forgotten the revisions that the watches know, everything is listed anew", () =>
  answersThroughout(async () => {
    await plane.apiServer.kill();
    await plane.etcd.compact();
    await plane.apiServer.restart();
    await newHostnameAppears("after-compaction.example", 40);
  }));

test("what was deleted while no watch could see it is gone afterwards", async () => {
  await newHostnameAppears("soon-gone.example", 40);
  sluice.process.signal("SIGSTOP");
  const patch = JSON.stringify({ spec: { hostnames: ["httpbin.org"] } });
  await plane.kubectl.must(["patch", ...ROUTE, "--type=merge", "-p", patch]);
  await plane.apiServer.kill();
  await plane.etcd.compact();
  sluice.process.signal("SIGCONT");
  await plane.apiServer.restart();
  await sluice.untilAnswers("soon-gone.example", ({ addresses }) => addresses.length === 0, 40);
});

test("started without the API server, the resolver leaks no name, knows the last ones, and follows the cluster later", async () => {
  const snapshot = join(sluice.certificates, "..", "egress.json");
  const first = await sluice.startSecond({ snapshot, roles: ["dns"] });
  await first.untilReady();
  await until("the names are kept", () => existsSync(snapshot));
  await first.process.stop("SIGTERM");
  await plane.apiServer.kill();
  const remembering = await sluice.startSecond({ snapshot, roles: ["dns"] });
  const forgetful = await sluice.startSecond({ roles: ["dns"] });
  const known = await until("the one with a snapshot answers", () => ask(remembering.ports.dns, "httpbin.org"));
  expect(known.addresses).toEqual([GATEWAY_SERVICE_ADDRESS]);
  const unknown = await until("the one without answers", () => ask(forgetful.ports.dns, "httpbin.org"));
  expect(unknown).toMatchObject({ rcode: "SERVFAIL", addresses: [] });
  await plane.apiServer.restart();
  await forgetful.untilReady();
  expect((await ask(forgetful.ports.dns, "httpbin.org")).addresses).toEqual([GATEWAY_SERVICE_ADDRESS]);
  await remembering.untilReady();
});
