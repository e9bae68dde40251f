import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { askServer } from "../../../src/dns/upstream/ask-server.ts";
import { createLog } from "../../../src/observe/log.ts";
import { askTcp, askUdp, encodeQuery, framed, type TestQuery } from "../support/dns-client.ts";
import { extendedErrors, type ReplyText, replyText } from "../support/reply-text.ts";
import { startTestResolver, type TestResolver, type TestResolverOptions } from "../support/resolver.ts";
import { type Behaviour, startTestUpstream, type TestUpstream } from "../support/test-upstream.ts";
import { claim, closed, ready, viewOf } from "../support/views.ts";

const ZONE = ["x.example. 60 A 192.0.2.1", "slow.example. 60 A 192.0.2.2", "new.example. 60 A 6.6.6.6"];
const VIEW = viewOf(claim("api.openai.com"));

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function upstreamWith(behaviours: Readonly<Record<string, Behaviour>> = {}): Promise<TestUpstream> {
  const upstream = await startTestUpstream({ zone: ZONE, behaviours });
  cleanups.push(() => upstream.close());
  return upstream;
}

async function resolverFor(upstream: TestUpstream, options: TestResolverOptions = {}): Promise<TestResolver> {
  const resolver = await startTestResolver([upstream.port], { view: VIEW, ...options });
  cleanups.push(() => resolver.close());
  return resolver;
}

async function ask(port: number, query: TestQuery): Promise<ReplyText> {
  const bytes = await askUdp(encodeQuery(query), { port });
  if (bytes === undefined) throw new Error(`no reply for ${query.name}`);
  return replyText(bytes);
}

const sampleSum = (
  resolver: Pick<TestResolver, "samples">,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number =>
  resolver
    .samples()
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((sum, sample) => sum + sample.value, 0);

describe("the table", () => {
  test("a new address, a closed gateway and a deleted one show as soon as the update has settled", async () => {
    const resolver = await resolverFor(await upstreamWith(), { workers: 2 });
    await resolver.update(viewOf(claim("x.example", ready("10.96.10.99"))));
    expect((await ask(resolver.port, { name: "x.example" })).answer).toEqual(["x.example. 5 A 10.96.10.99"]);
    await resolver.update(viewOf(claim("x.example", closed())));
    expect((await ask(resolver.port, { name: "x.example" })).rcode).toBe("SERVFAIL");
    await resolver.update(viewOf());
    expect((await ask(resolver.port, { name: "x.example" })).answer).toEqual(["x.example. 60 A 192.0.2.1"]);
  });

  test("a name that becomes egress while it is being forwarded does not show its real address", async () => {
    const upstream = await upstreamWith({ "new.example.": { delay: 0.2 } });
    const resolver = await resolverFor(upstream);
    const asked = ask(resolver.port, { name: "new.example" });
    await expect.poll(() => upstream.seen.length).toBe(1);
    await resolver.update(viewOf(claim("new.example")));
    expect((await asked).answer).toEqual(["new.example. 5 A 10.96.10.10"]);
  });

  test("before the first sync the resolver is not ready and says why", async () => {
    const resolver = await resolverFor(await upstreamWith(), { synced: false });
    expect(resolver.notReady()).toEqual(["sluice"]);
    const reply = await ask(resolver.port, { name: "x.example", edns: {} });
    expect([reply.rcode, extendedErrors(reply)]).toEqual(["SERVFAIL", [14]]);
    await resolver.update(VIEW);
    expect(resolver.notReady()).toEqual([]);
  });
});

describe("workers", () => {
  test("several share one port and answer all of many clients", async () => {
    const resolver = await resolverFor(await upstreamWith(), { workers: 2 });
    const replies = await Promise.all(Array.from({ length: 60 }, () => ask(resolver.port, { name: "api.openai.com" })));
    expect(replies.every((reply) => reply.answer.length === 1)).toBe(true);
    expect(sampleSum(resolver, "sluice_dns_egress_total", { result: "steered" })).toBe(60);
  });

  test("one that dies is started again on the same port with the newest table, its counters kept", async () => {
    const workerUrl = new URL("../support/crashing-worker-entry.ts", import.meta.url);
    const resolver = await resolverFor(await upstreamWith(), { workerUrl });
    await resolver.update(viewOf(claim("api.openai.com", ready("10.96.10.99"))));
    await ask(resolver.port, { name: "api.openai.com" });
    const crash = new BroadcastChannel("crash-resolver-worker");
    crash.postMessage("now");
    cleanups.push(() => crash.close());
    await expect
      .poll(
        async () => {
          const bytes = await askUdp(encodeQuery({ name: "api.openai.com" }), {
            port: resolver.port,
            timeoutMilliseconds: 200,
          });
          return bytes === undefined ? [] : replyText(bytes).answer;
        },
        { timeout: 10_000 },
      )
      .toEqual(["api.openai.com. 5 A 10.96.10.99"]);
    await expect.poll(() => sampleSum(resolver, "sluice_dns_egress_total", { result: "steered" })).toBeGreaterThan(1);
  });
});

describe("shutting down", () => {
  test("questions under way are answered before the port is given up", async () => {
    const upstream = await upstreamWith({ "slow.example.": { delay: 0.3 } });
    const resolver = await startTestResolver([upstream.port], { view: VIEW });
    const udp = ask(resolver.port, { name: "slow.example" });
    const tcp = askTcp([framed(encodeQuery({ name: "slow.example", type: "AAAA" }))], 1, { port: resolver.port });
    await expect.poll(() => upstream.seen.length).toBe(2);
    await resolver.close();
    expect((await udp).answer).toHaveLength(1);
    expect(await tcp).toHaveLength(1);
    expect(
      await askUdp(encodeQuery({ name: "api.openai.com" }), { port: resolver.port, timeoutMilliseconds: 100 }),
    ).toBeUndefined();
  });

  test("a lame duck answers on, and says that it is not ready", async () => {
    const resolver = await startTestResolver([(await upstreamWith()).port], { view: VIEW });
    const closing = resolver.close({ lameDuckMilliseconds: 300 });
    expect(resolver.notReady()).toEqual(["shutting down"]);
    expect((await ask(resolver.port, { name: "api.openai.com" })).answer).toHaveLength(1);
    await closing;
  });
});

describe("refusing to start", () => {
  const start = (options: TestResolverOptions) => startTestResolver([1], options);

  test("a busy UDP port is named with what to do", async () => {
    const socket = createSocket({ type: "udp4", reusePort: true });
    cleanups.push(() => socket.close());
    await new Promise<void>((bound) => socket.bind(0, "127.0.0.1", bound));
    const { port } = socket.address();
    await expect(start({ listen: { host: "127.0.0.1", port } })).rejects.toMatchObject({
      code: "SLUICE_LISTEN_FAILED",
      message: `cannot listen on 127.0.0.1:${port} for DNS: another program listens there`,
      hint: expect.stringContaining("--listen"),
    });
  });

  test("a busy TCP port is refused too", async () => {
    const server = createServer();
    cleanups.push(() => server.close());
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const { port } = server.address() as { port: number };
    await expect(start({ listen: { host: "127.0.0.1", port } })).rejects.toMatchObject({
      code: "SLUICE_LISTEN_FAILED",
    });
  });

  test("a second resolver on the same port is refused, although sockets may share ports", async () => {
    const { port } = await resolverFor(await upstreamWith());
    await expect(start({ listen: { host: "127.0.0.1", port } })).rejects.toMatchObject({
      code: "SLUICE_LISTEN_FAILED",
    });
  });

  test.each([
    ["an address that this machine lacks", { listen: { host: "192.0.2.77", port: 0 } }, "no such address"],
    ["a host name", { listen: { host: "localhost", port: 0 } }, "no IP address"],
    ["no worker", { workers: 0 }, "at least 1"],
    ["a bad network", { allowedNetworks: ["10.0.0.0/99"] }, "10.0.0.0/99"],
    ["itself as upstream", { listen: { host: "127.0.0.1", port: 1 } }, "this resolver itself"],
    ["its Service as upstream", { data: { ownAddresses: ["127.0.0.1"] } }, "this resolver itself"],
  ] as const)("%s is refused", async (_what, options, text) => {
    await expect(start(options)).rejects.toThrow(text);
  });
});

test("an upstream that becomes a Service of this resolver is told, once", async () => {
  const told: string[] = [];
  const { port } = await upstreamWith();
  const resolver = await startTestResolver([port], {
    view: VIEW,
    log: createLog("error", "json", { write: (line) => void told.push(line), flush: () => undefined }),
  });
  cleanups.push(() => resolver.close());
  for (const ownAddresses of [[], ["127.0.0.1"], ["127.0.0.1"]]) await resolver.update(VIEW, { ownAddresses });
  expect(told).toHaveLength(1);
  expect(told[0]).toContain(`127.0.0.1:${port}`);
});

describe("loops", () => {
  test("a resolver whose questions come back stops forwarding, is not ready, and goes on steering", async () => {
    const first = await startTestUpstream({ zone: [] });
    await first.close();
    const a = await startTestResolver([first.port], { view: VIEW, lines: "loop" });
    cleanups.push(() => a.close());
    const b = await startTestResolver([a.port], { listen: { host: "127.0.0.1", port: first.port } });
    cleanups.push(() => b.close());
    await expect.poll(() => a.notReady(), { timeout: 5_000 }).toEqual(["loop"]);
    // The worker hears of it a moment after the main thread.
    await expect.poll(async () => extendedErrors(await ask(a.port, { name: "x.example", edns: {} }))).toEqual([0]);
    expect((await ask(a.port, { name: "x.example" })).rcode).toBe("SERVFAIL");
    expect((await ask(a.port, { name: "api.openai.com" })).answer).toHaveLength(1);
    expect(sampleSum(a, "sluice_dns_loop_detected")).toBe(1);
  });
});

describe("clients", () => {
  test("over their rate they are refused, and egress answers are not affected", async () => {
    const resolver = await resolverFor(await upstreamWith(), { clientRate: { perSecond: 0, burst: 1 } });
    await ask(resolver.port, { name: "x.example" });
    expect((await ask(resolver.port, { name: "x.example" })).rcode).toBe("REFUSED");
    expect((await ask(resolver.port, { name: "api.openai.com" })).rcode).toBe("NOERROR");
    expect(sampleSum(resolver, "sluice_dns_rate_limited_total")).toBe(1);
  });

  test("outside the allowed networks they are refused with the reason", async () => {
    const resolver = await resolverFor(await upstreamWith(), { allowedNetworks: ["10.0.0.0/8"] });
    const reply = await ask(resolver.port, { name: "api.openai.com", edns: {} });
    expect([reply.rcode, extendedErrors(reply), reply.answer]).toEqual(["REFUSED", [15], []]);
  });

  test("over IPv6 they are answered", async () => {
    const resolver = await resolverFor(await upstreamWith(), { listen: { host: "::1", port: 0 } });
    const bytes = await askUdp(encodeQuery({ name: "api.openai.com" }), { port: resolver.port, host: "::1" });
    expect(bytes && replyText(bytes).answer).toHaveLength(1);
    expect(sampleSum(resolver, "coredns_dns_requests_total", { family: "2", proto: "udp", type: "A" })).toBe(1);
  });

  test("our own client shows what a server says, and who does not answer", async () => {
    const resolver = await resolverFor(await upstreamWith());
    const server = { host: "127.0.0.1", port: resolver.port, family: 4 } as const;
    expect(replyText(await askServer({ server, name: "api.openai.com", type: 1 })).answer).toHaveLength(1);
    await expect(askServer({ server, name: "a..b", type: 1 })).rejects.toMatchObject({ code: "SLUICE_USAGE" });
  });
});

describe("hostile input", () => {
  test("after thousands of random and mutated messages over UDP and TCP it answers as before, without a fault", async () => {
    const resolver = await resolverFor(await upstreamWith(), {
      workers: 1,
      clientRate: { perSecond: 1e6, burst: 1e6 },
    });
    const good = encodeQuery({ name: "api.openai.com", edns: { do: true } });
    const messages = fc.sample(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }).map((octets) => Buffer.from(octets)),
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 }).map((patches) => {
          const copy = Buffer.from(good);
          for (const [offset, octet] of patches) copy[offset] = octet;
          return copy;
        }),
      ),
      3_000,
    );
    const socket = createSocket("udp4");
    cleanups.push(() => socket.close());
    for (const message of messages) {
      await new Promise((sent) => socket.send(message, resolver.port, "127.0.0.1", sent));
    }
    await askTcp(messages.slice(0, 200).map(framed), Number.POSITIVE_INFINITY, {
      port: resolver.port,
      timeoutMilliseconds: 500,
    });
    expect((await ask(resolver.port, { name: "api.openai.com" })).answer).toHaveLength(1);
    expect(sampleSum(resolver, "coredns_panics_total")).toBe(0);
    expect(sampleSum(resolver, "coredns_dns_requests_total")).toBeGreaterThan(1_000);
  });
});

describe("counters", () => {
  test("requests, responses, steering and what was held back are counted; no label holds a name", async () => {
    const resolver = await resolverFor(await upstreamWith());
    await ask(resolver.port, { name: "api.openai.com" });
    await ask(resolver.port, { name: "api.openai.com", type: "AAAA", edns: { do: true } });
    await ask(resolver.port, { name: "api.openai.com", type: "HTTPS" });
    await ask(resolver.port, { name: "x.example", type: "TYPE29" });
    await askUdp(Buffer.from("123401000000000000000000", "hex"), { port: resolver.port });
    const labels = { server: "dns://:53", view: "" };
    expect(
      sampleSum(resolver, "coredns_dns_requests_total", { ...labels, type: "A", zone: ".", family: "1", proto: "udp" }),
    ).toBe(1);
    expect(sampleSum(resolver, "coredns_dns_requests_total", { type: "other", zone: "." })).toBe(1);
    expect(sampleSum(resolver, "coredns_dns_requests_total", { type: "other", zone: "dropped" })).toBe(1);
    expect(sampleSum(resolver, "coredns_dns_responses_total", { plugin: "sluice", rcode: "NOERROR" })).toBe(3);
    expect(sampleSum(resolver, "coredns_dns_responses_total", { plugin: "forward" })).toBe(1);
    expect(sampleSum(resolver, "coredns_dns_do_requests_total", labels)).toBe(1);
    const claimed = { gateway: "gateway-system/egress", listener: "listener" };
    expect(sampleSum(resolver, "sluice_dns_egress_total", { ...claimed, result: "steered" })).toBe(1);
    expect(sampleSum(resolver, "sluice_dns_egress_total", { ...claimed, result: "nodata" })).toBe(2);
    expect(sampleSum(resolver, "sluice_dns_bypass_prevented_total", { kind: "aaaa" })).toBe(1);
    expect(sampleSum(resolver, "sluice_dns_bypass_prevented_total", { kind: "https" })).toBe(1);
    expect(sampleSum(resolver, "sluice_dns_table_names", { state: "active" })).toBe(1);
    expect(JSON.stringify(resolver.samples().map((sample) => sample.labels))).not.toMatch(/openai|x\.example/);
  });
});
