import { createSocket } from "node:dgram";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { send } from "../admission/client.ts";
import { encodeQuery } from "./support/dns-client.ts";
import { askDns, freePorts, getPage, startDnsProcess } from "./support/dns-process.ts";
import { objectsOf, titleOf, zoneOf } from "./support/dynamic-cases.ts";
import { startMiddleBox } from "./support/middle-box.ts";
import { extendedErrors, replyText } from "./support/reply-text.ts";
import { startTestResolver } from "./support/resolver.ts";
import { startTestUpstream } from "./support/test-upstream.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function upstreamOn(port?: number) {
  const upstream = await startTestUpstream({ zone: zoneOf("egress"), ...(port !== undefined && { port }) });
  let open = true;
  const close = async (): Promise<void> => {
    if (open) await upstream.close();
    open = false;
  };
  cleanups.push(close);
  return { ...upstream, close };
}

test(titleOf("DY-010"), async () => {
  const [dns = 0, ready = 0, admission = 0] = await freePorts(3);
  // The Service: an address that the resolver cannot know for its own.
  const service = await startMiddleBox(() => dns);
  cleanups.push(() => service.close());
  const certificates = await mkdtemp(join(tmpdir(), "sluice-loop-"));
  cleanups.push(() => rm(certificates, { recursive: true }));
  const others = ["health", "metrics", "admin"].flatMap((name) => [`--${name}-listen`, "127.0.0.1:0"]);
  const sluice = await startDnsProcess({
    command: ["serve"],
    corefile: `.:53 {\nerrors\nsluice\nloop\nforward . 127.0.0.1:${service.port}\n}\n`,
    objects: objectsOf("egress"),
    args: [
      ...["--dns-listen", `127.0.0.1:${dns}`, "--ready-listen", `127.0.0.1:${ready}`, "--certs-dir", certificates],
      ...["--admission-listen", `127.0.0.1:${admission}`, "--dns-workers", "1", ...others],
    ],
  });
  cleanups.push(() => sluice.close());
  await expect.poll(() => getPage(ready, "/ready"), { timeout: 5_000 }).toMatchObject({ status: 503, body: "loop" });
  const ask = (name: string) => askDns({ name, edns: {} }, { port: dns });
  await expect.poll(async () => extendedErrors(await ask("example.org")), { timeout: 5_000 }).toEqual([0]);
  const looping = await ask("example.org");
  expect(looping.rcode).toBe("SERVFAIL");
  const texts = looping.edns?.options.map(([, data]) => Buffer.from(data, "hex").subarray(2).toString());
  expect(texts).toEqual([expect.stringContaining("loop")]);
  expect((await ask("api.openai.com")).answer).toEqual(["api.openai.com. 5 A 10.96.10.10"]);
  const recorded = await readFile("test/fixtures/admission-reviews/mutate-create-pods-bare.json", "utf8");
  const review = JSON.stringify(JSON.parse(recorded).review);
  const headers = { "content-type": "application/json" };
  const reviewed = await send({ port: admission, path: "/mutate", headers, rejectUnauthorized: false }, review);
  expect(reviewed).toMatchObject({ status: 200, json: { kind: "AdmissionReview", response: { allowed: true } } });
}, 40_000);

test(titleOf("DY-011"), async () => {
  const first = await upstreamOn();
  const { port: upstreamPort } = first;
  const resolver = await startTestResolver([], {
    corefile: `. {\nsluice\nforward . 127.0.0.1:${upstreamPort} {\nhealth_check 0.5s\n}\n}`,
  });
  cleanups.push(() => resolver.close());
  const ask = () => askDns({ name: "example.org" }, { port: resolver.port });
  expect((await ask()).rcode).toBe("NOERROR");
  await first.close();
  const stoppedAt = performance.now();
  expect((await ask()).rcode).toBe("SERVFAIL");
  expect(performance.now() - stoppedAt).toBeLessThan(5_000);
  const second = await upstreamOn(upstreamPort);
  await expect
    .poll(() => second.seen.some(({ name, type }) => name === "." && type === 2), { timeout: 5_000 })
    .toBe(true);
  await expect.poll(async () => (await ask()).answer, { timeout: 1_500 }).toEqual(["example.org. 300 A 192.0.2.1"]);
});

test(titleOf("DY-012"), async () => {
  const upstream = await upstreamOn();
  const service = await startMiddleBox(() => upstream.port);
  cleanups.push(() => service.close());
  const resolver = await startTestResolver([service.port]);
  cleanups.push(() => resolver.close());
  const ask = (turn: number) => askDns({ name: `n${turn}.example.org` }, { port: resolver.port });
  const askMany = (count: number) => Promise.all(Array.from({ length: count }, (_, turn) => ask(turn)));
  for (let round = 0; round < 10; round++) await askMany(50);
  service.dropKnown();
  const startedAt = performance.now();
  const replies = await askMany(50);
  // The second attempt comes after 0.8 s; the third, after 2 s, would be too late.
  expect(performance.now() - startedAt).toBeLessThan(1_900);
  expect(replies.map(({ rcode }) => rcode)).toEqual(Array.from({ length: 50 }, () => "NXDOMAIN"));
  expect(service.drops()).toBeGreaterThan(0);
});

test(titleOf("DY-013"), async () => {
  const upstream = await upstreamOn();
  const [metrics = 0] = await freePorts(1);
  const sluice = await startDnsProcess({
    corefile: `.:53 {\nprometheus 127.0.0.1:${metrics}\nsluice\ncache 30\nforward . 127.0.0.1:${upstream.port}\n}\n`,
    objects: objectsOf("egress"),
    args: ["--listen", "127.0.0.1:0", "--workers", "1"],
  });
  cleanups.push(() => sluice.close());
  const port = Number(/"port":(\d+),"workers":1,"msg":"resolver is listening"/.exec(sluice.stderr())?.[1]);
  const residentOctets = async (): Promise<number> => {
    const body = (await getPage(metrics, "/metrics"))?.body ?? "";
    return Number(/^process_resident_memory_bytes (\S+)$/m.exec(body)?.[1]);
  };
  const before = await residentOctets();
  const socket = createSocket("udp4");
  cleanups.push(() => socket.close());
  const rcodes = new Map<string, number>();
  socket.on("message", (bytes) => {
    const { rcode } = replyText(bytes);
    rcodes.set(rcode, (rcodes.get(rcode) ?? 0) + 1);
  });
  const times: number[] = [];
  for (let sent = 0; sent < 10_000; ) {
    for (const end = sent + 100; sent < end; sent++) {
      socket.send(encodeQuery({ name: `flood-${sent}.example.org`, id: sent }), port, "127.0.0.1");
    }
    const startedAt = performance.now();
    const { answer } = await askDns({ name: "api.openai.com" }, { port });
    times.push(performance.now() - startedAt);
    expect(answer).toEqual(["api.openai.com. 5 A 10.96.10.10"]);
  }
  expect(times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]).toBeLessThan(1_000);
  // A burst of 1000 and 500 a second are forwarded; of the rest the first are refused and the others dropped.
  await expect.poll(() => rcodes.get("REFUSED") ?? 0).toBeGreaterThan(0);
  expect(upstream.seen.length).toBeLessThan(6_000);
  expect((await residentOctets()) - before).toBeLessThan(100 * 2 ** 20);
}, 40_000);
