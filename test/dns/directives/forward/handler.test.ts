import { afterEach, describe, expect, test } from "vitest";
import { encodeQuery } from "../../support/dns-client.ts";
import { contextOf, exchangeOf } from "../../support/exchange.ts";
import { createForwardBench, QUICK } from "../../support/forward.ts";
import type { Behaviour } from "../../support/test-upstream.ts";

const bench = createForwardBench();
afterEach(() => bench.close());

const to = ({ port }: { readonly port: number }): string => `127.0.0.1:${port}`;
const line = (targets: string, ...options: string[]): string => `forward ${targets} {\n${options.join("\n")}\n}`;
const X = ["x.example. 60 A 192.0.2.1"];

describe("forwarding", () => {
  test("the answer is the upstream's, under the name of this directive", async () => {
    const upstream = await bench.upstream();
    const { answer, ask } = await bench.forward(`forward . ${to(upstream)}`);
    expect(await answer("x.example.")).toMatchObject({ by: "forward", form: "message", rcode: 0 });
    expect(await ask("X.example.")).toMatchObject({
      question: ["X.example. A"],
      answer: ["X.example. 60 A 192.0.2.1"],
    });
    expect(upstream.seen[1]).toMatchObject({ name: "X.example.", payload: 1232, options: 0, flags: "RD", edns: true });
  });

  test("DO, CD and AD travel, a client's options do not", async () => {
    const upstream = await bench.upstream();
    const { ask } = await bench.forward(`forward . ${to(upstream)}`);
    const options = [{ code: 10, data: "0102030405060708" }];
    await ask({ name: "x.example.", flags: ["rd", "cd", "ad"], edns: { do: true, options } });
    expect(upstream.seen).toMatchObject([{ do: true, flags: "RD AD CD", options: 0 }]);
  });

  test("a name that was rewritten is asked as it is now", async () => {
    const upstream = await bench.upstream();
    const { serve } = await bench.forward(`forward . ${to(upstream)}`);
    const exchange = exchangeOf({ name: "other.test.", type: "TXT" });
    const asked = { key: "\x01x\x07example", raw: "\x01X\x07example", type: 1, class: 1 };
    expect(await serve({ ...exchange, asked })).toMatchObject({ rcode: 0, message: { key: "\x01x\x07example" } });
    expect(upstream.seen).toMatchObject([{ name: "X.example.", type: 1 }]);
  });

  test("other classes than IN are refused", async () => {
    const { serve } = await bench.forward(`forward . ${to(await bench.upstream())}`);
    const exchange = exchangeOf({ name: "x.example." });
    expect(await serve({ ...exchange, asked: { ...exchange.asked, class: 3 } })).toMatchObject({ rcode: 5 });
  });

  test.each([
    ["an unknown type", "TYPE65280", { answer: [] }],
    ["a name that does not exist", "A", { rcode: "NXDOMAIN" }],
  ])("%s is relayed", async (_what, type, expected) => {
    const { ask } = await bench.forward(`forward . ${to(await bench.upstream())}`);
    expect(await ask({ name: "nope.example.", type })).toMatchObject(expected);
  });

  test.each(["SERVFAIL", "REFUSED", "NOTIMP"])("%s is relayed", async (rcode) => {
    const upstream = await bench.upstream({ "x.example.": { rcode } });
    const { ask } = await bench.forward(`forward . ${to(upstream)}`);
    expect(await ask("x.example.")).toMatchObject({ rcode });
  });
});

describe("replies that are none", () => {
  const HARMLESS: readonly (readonly [string, Behaviour])[] = [
    ["a wrong ID first", { badid: true }],
    ["two octets first", { garbage_first: true }],
  ];
  test.each(HARMLESS)("%s does no harm", async (_what, behaviour) => {
    const upstream = await bench.upstream({ "x.example.": behaviour });
    const { ask } = await bench.forward(`forward . ${to(upstream)}`);
    expect(await ask("x.example.")).toMatchObject({ answer: X });
    expect(upstream.seen).toHaveLength(1);
  });

  const WRONG: readonly (readonly [string, Behaviour])[] = [
    ["another question", { wrongq: "other.example." }],
    ["a question instead of a reply", { qr0: true }],
    ["junk", { garbage: true }],
    ["records that are cut off", { raw: "818000010001000000000178076578616d706c650000010001c00c" }],
    ["a reply without question", { raw: "81800000000000000000" }],
  ];
  test.each(WRONG)("%s is not an answer: the right one is waited for", async (_what, behaviour) => {
    const upstream = await bench.upstream({ "x.example.": behaviour });
    const { ask } = await bench.forward(`forward . ${to(upstream)}`, { schedule: QUICK });
    expect(await ask({ name: "x.example.", edns: {} })).toMatchObject({
      rcode: "SERVFAIL",
      edns: { options: [[15, expect.stringContaining("0016")]] },
    });
    expect(upstream.seen.filter(({ type }) => type === 1)).toHaveLength(3);
  });

  test("an upstream from before EDNS is asked once more without it", async () => {
    const upstream = await bench.upstream({ "x.example.": { formerrOnEdns: true } });
    const { ask, count } = await bench.forward(`forward . ${to(upstream)}`);
    expect(await ask("x.example.")).toMatchObject({ answer: X });
    expect(upstream.seen.map((one) => one.edns)).toEqual([true, false]);
    expect(count('sluice_dns_upstream_retries_total{reason="no-edns"}')).toBe(1);
  });

  test("an rcode that only EDNS has is not passed on", async () => {
    const badvers = "818000010000000000010178076578616d706c6500000100010000290000010000000000";
    const upstream = await bench.upstream({ "x.example.": { raw: badvers } });
    const { ask } = await bench.forward(`forward . ${to(upstream)}`, { schedule: QUICK });
    expect(await ask("x.example.")).toMatchObject({ rcode: "SERVFAIL" });
    expect(upstream.seen.slice(0, 2).map((one) => one.edns)).toEqual([true, false]);
  });
});

describe("attempts", () => {
  test("each leaves from another port, and the first lost datagrams cost no answer", async () => {
    const upstream = await bench.upstream({ "x.example.": { drop: 2 } });
    const { ask, count } = await bench.forward(`forward . ${to(upstream)}`, { schedule: QUICK });
    expect(await ask("x.example.")).toMatchObject({ answer: X });
    expect(new Set(upstream.seen.filter(({ type }) => type === 1).map((one) => one.sourcePort)).size).toBe(3);
    expect(count('sluice_dns_upstream_retries_total{reason="timeout"}')).toBe(2);
  });

  test("a late answer to the first one counts", async () => {
    const upstream = await bench.upstream({ "x.example.": { delay: 0.15 } });
    const { ask } = await bench.forward(`forward . ${to(upstream)}`, {
      schedule: { attemptsAtMilliseconds: [0, 50], giveUpAtMilliseconds: 5_000 },
    });
    expect(await ask("x.example.")).toMatchObject({ answer: X });
  });

  test("silence is SERVFAIL with the reason for the client, and CoreDNS's words for the log", async () => {
    const upstream = await bench.upstream({ "x.example.": { drop: true } });
    const { answer } = await bench.forward(`forward . ${to(upstream)}`, { schedule: QUICK });
    const failure = await answer("x.example.");
    expect(failure).toMatchObject({ form: "prepared", by: "forward", rcode: 2 });
    expect(failure).toHaveProperty(
      "cause",
      expect.stringMatching(`^read udp 127\\.0\\.0\\.1:\\d+->127\\.0\\.0\\.1:${upstream.port}: i/o timeout$`),
    );
    const last = upstream.seen.filter(({ type }) => type === 1).at(-1)?.sourcePort;
    expect(failure).toHaveProperty("cause", expect.stringContaining(`:${last}->`));
  });

  test("a refused datagram is told at once", async () => {
    const dead = await bench.deadPort();
    const { ask, answer } = await bench.forward(line(`. 127.0.0.1:${dead}`, "max_connect_attempts 1"), {
      schedule: { attemptsAtMilliseconds: [0, 10_000], giveUpAtMilliseconds: 15_000 },
    });
    expect(await answer("x.example.")).toHaveProperty(
      "cause",
      expect.stringMatching(/^read udp 127\.0\.0\.1:\d+->127\.0\.0\.1:\d+: read: connection refused$/),
    );
    expect(await ask({ name: "x.example.", edns: {} })).toMatchObject({
      edns: { options: [[15, expect.stringMatching(/^0017/)]] },
    });
  });

  test("a refused connection is told at once", async () => {
    const dead = await bench.deadPort();
    const { answer } = await bench.forward(line(`. 127.0.0.1:${dead}`, "force_tcp", "max_connect_attempts 1"));
    expect(await answer("x.example.")).toHaveProperty(
      "cause",
      `dial tcp 127.0.0.1:${dead}: connect: connection refused`,
    );
  });

  test("a refused datagram goes to the next upstream at once", async () => {
    const upstream = await bench.upstream();
    const { ask, count } = await bench.forward(
      line(`. 127.0.0.1:${await bench.deadPort()} ${to(upstream)}`, "policy sequential"),
      { schedule: { attemptsAtMilliseconds: [0, 10_000], giveUpAtMilliseconds: 15_000 } },
    );
    expect(await ask("x.example.")).toMatchObject({ answer: X });
    expect(count('sluice_dns_upstream_retries_total{reason="network"}')).toBe(1);
  });

  test("read_timeout is how long one attempt is waited for", async () => {
    const upstream = await bench.upstream({ "x.example.": { drop: true } });
    const { ask } = await bench.forward(line(`. ${to(upstream)}`, "read_timeout 50ms"), {
      schedule: { attemptsAtMilliseconds: [0, 10_000, 11_000], giveUpAtMilliseconds: 15_000 },
    });
    expect(await ask("x.example.")).toMatchObject({ rcode: "SERVFAIL" });
    expect(upstream.seen.filter(({ type }) => type === 1)).toHaveLength(3);
  });

  test("source_address is where questions come from, over UDP and TCP", async () => {
    const upstream = await bench.upstream({ "x.example.": { tc: true } });
    const { ask } = await bench.forward(line(`. ${to(upstream)}`, "source_address 127.0.0.2"));
    await ask("x.example.");
    expect(upstream.seen.map(({ proto, source }) => [proto, source])).toEqual([
      ["udp", "127.0.0.2"],
      ["tcp", "127.0.0.2"],
    ]);
  });

  test("twenty questions leave with as good as twenty ports and IDs (FW-022, FW-023)", async () => {
    const upstream = await bench.upstream();
    const { ask } = await bench.forward(`forward . ${to(upstream)}`);
    for (let index = 0; index < 20; index++) await ask("x.example.");
    expect(new Set(upstream.seen.map(({ sourcePort }) => sourcePort)).size).toBeGreaterThanOrEqual(15);
    expect(new Set(upstream.seen.map(({ id }) => id)).size).toBeGreaterThanOrEqual(18);
  });

  test("hundreds of questions at once are all answered, from many ports", async () => {
    const names = Array.from({ length: 600 }, (_, index) => `n${index}.example.`);
    const zone = names.map((name) => `${name} 60 A 192.0.2.1`);
    const upstream = await bench.upstream({}, zone);
    const { ask } = await bench.forward(`forward . ${to(upstream)}`, {
      schedule: { attemptsAtMilliseconds: [0, 300, 800], giveUpAtMilliseconds: 4_500 },
    });
    const replies = await Promise.all(names.map((name) => ask(name)));
    expect(replies.filter((reply) => reply?.answer.length !== 1)).toEqual([]);
    expect(new Set(upstream.seen.map((one) => one.sourcePort)).size).toBeGreaterThan(100);
  });
});

describe("over TCP", () => {
  test("a truncated answer is fetched whole (ED-024)", async () => {
    const upstream = await bench.upstream({ "x.example.": { tc: true, pad: 11 } });
    const { answer, count } = await bench.forward(`forward . ${to(upstream)}`);
    expect(await answer({ name: "x.example.", type: "TXT" })).toMatchObject({
      message: { truncated: false, records: { length: 11 } },
    });
    expect(upstream.seen.map((one) => one.proto)).toEqual(["udp", "tcp"]);
    expect(count('sluice_dns_upstream_retries_total{reason="truncated"}')).toBe(1);
  });

  test.each([
    [[], "udp", "udp"],
    [[], "tcp", "tcp"],
    [["prefer_udp"], "tcp", "udp"],
    [["force_tcp"], "udp", "tcp"],
    [["force_tcp", "prefer_udp"], "udp", "tcp"],
  ] as const)("with %j a client over %s has its question asked over %s", async (options, protocol, expected) => {
    const upstream = await bench.upstream();
    const { ask } = await bench.forward(line(`. ${to(upstream)}`, ...options));
    expect(await ask("x.example.", protocol)).toMatchObject({ answer: X });
    expect(upstream.seen.map((one) => one.proto)).toEqual([expected]);
  });

  test("one connection serves many questions at once and one after the other", async () => {
    const upstream = await bench.upstream({ "x.example.": { delay: 0.05 } });
    const { ask, count } = await bench.forward(line(`. ${to(upstream)}`, "force_tcp"));
    expect(await Promise.all([ask("x.example."), ask("y.example.")])).toMatchObject([
      { answer: X },
      { answer: ["y.example. 60 A 192.0.2.2"] },
    ]);
    await ask("x.example.");
    expect(new Set(upstream.seen.map(({ sourcePort }) => sourcePort)).size).toBe(1);
    const labels = `{proto="tcp",proxy_name="forward",to="${to(upstream)}"}`;
    expect(count(`coredns_proxy_conn_cache_misses_total${labels}`)).toBe(1);
    expect(count(`coredns_proxy_conn_cache_hits_total${labels}`)).toBe(2);
  });
});

describe("a carrier that was silent", () => {
  test("gets no more questions", async () => {
    const upstream = await bench.upstream({ "x.example.": { drop: 1 } });
    const { ask } = await bench.forward(line(`. ${to(upstream)}`, "force_tcp", "max_fails 0"), { schedule: QUICK });
    await ask("x.example.");
    await ask("y.example.");
    const [silent, ...others] = upstream.seen.map(({ sourcePort }) => sourcePort);
    expect(others.length).toBeGreaterThanOrEqual(2);
    expect(others).not.toContain(silent);
  });
});

describe("sharing and limits", () => {
  test("equal questions at the same time are asked once, others on their own", async () => {
    const upstream = await bench.upstream({ "x.example.": { delay: 0.05 } });
    const { ask } = await bench.forward(`forward . ${to(upstream)}`);
    const replies = await Promise.all([
      ask("x.example."),
      ask("X.EXAMPLE."),
      ask({ name: "x.example.", edns: {} }),
      ask({ name: "x.example.", type: "AAAA" }),
      ask({ name: "x.example.", flags: [] }),
      ask({ name: "x.example.", flags: ["rd", "cd"] }),
      ask({ name: "x.example.", edns: { do: true } }),
    ]);
    expect(replies.map((reply) => reply?.rcode)).toEqual(Array.from({ length: 7 }, () => "NOERROR"));
    expect(replies[1]).toMatchObject({ question: ["X.EXAMPLE. A"], answer: X });
    expect(upstream.seen).toHaveLength(5);
  });

  test("more questions under way than max_concurrent are refused and counted, until there is room", async () => {
    const upstream = await bench.upstream({ "x.example.": { delay: 0.05 } });
    const { ask, answer, count } = await bench.forward(line(`. ${to(upstream)}`, "max_concurrent 1"));
    expect(count("coredns_forward_max_concurrent_rejects_total")).toBeUndefined();
    const first = ask("x.example.");
    expect(await answer("y.example.")).toMatchObject({ rcode: 5, cause: "concurrent queries exceeded maximum 1" });
    expect(await ask({ name: "y.example.", edns: {} })).toMatchObject({
      rcode: "REFUSED",
      edns: { options: [[15, expect.stringMatching(/^0000/)]] },
    });
    expect(count("coredns_forward_max_concurrent_rejects_total")).toBe(2);
    await first;
    expect(await ask("y.example.")).toMatchObject({ rcode: "NOERROR" });
  });

  test.each([
    ["refuse", { form: "prepared", rcode: 5 }],
    ["drop", { form: "dropped" }],
  ] as const)("a client beyond its rate: %s", async (verdict, expected) => {
    const upstream = await bench.upstream();
    const { answer, count } = await bench.forward(`forward . ${to(upstream)}`, { clientRate: () => verdict });
    expect(await answer("x.example.")).toMatchObject(expected);
    expect(count("sluice_dns_rate_limited_total")).toBe(1);
    expect(upstream.seen).toEqual([]);
  });

  test("while our questions come back to us nothing is forwarded but our own", async () => {
    const upstream = await bench.upstream();
    const overrides = { looping: () => true, clientRate: () => "drop" as const };
    const { serve } = await bench.forward(`forward . ${to(upstream)}`, overrides);
    const exchange = exchangeOf({ name: "x.example." });
    expect(serve(exchange)).toMatchObject({ rcode: 2, cause: expect.stringContaining("forwarding loop") });
    const own = { ...exchange, client: { ...exchange.client, address: "", protocol: "tcp" as const } };
    expect(await serve(own)).toMatchObject({ rcode: 0 });
    expect(upstream.seen.map(({ proto }) => proto)).toEqual(["udp"]);
  });

  test("closing waits for what is under way", async () => {
    const upstream = await bench.upstream({ "x.example.": { delay: 0.1, tc: true } });
    const { ask } = await bench.forward(`forward . ${to(upstream)}`);
    const reply = ask("x.example.");
    bench.closeHandlers();
    expect(await reply).toMatchObject({ answer: X });
  });

  test("the client's octets may be used again while its question is under way", async () => {
    const upstream = await bench.upstream({ "x.example.": { drop: 1 } });
    const { serve } = await bench.forward(`forward . ${to(upstream)}`, { schedule: QUICK });
    const exchange = exchangeOf({ name: "x.example." });
    const message = encodeQuery({ name: "x.example." });
    const answer = serve({ ...exchange, message });
    message.fill(0xff);
    expect(await answer).toMatchObject({ rcode: 0 });
  });
});

describe("what is counted", () => {
  test("every reply by upstream and code, in CoreDNS's series and in those it has dropped", async () => {
    const upstream = await bench.upstream({ "x.example.": { rcode: "NXDOMAIN" } });
    const { ask, count } = await bench.forward(`forward . ${to(upstream)}`);
    await ask("x.example.");
    const server = `to="${to(upstream)}"`;
    expect(count(`coredns_proxy_request_duration_seconds{proxy_name="forward",rcode="NXDOMAIN",${server}}`)).toBe(1);
    expect(count(`coredns_proxy_conn_cache_misses_total{proto="udp",proxy_name="forward",${server}}`)).toBe(1);
    expect(count(`coredns_forward_requests_total{${server}}`)).toBe(1);
    expect(count(`coredns_forward_responses_total{rcode="NXDOMAIN",${server}}`)).toBe(1);
    expect(count(`coredns_forward_request_duration_seconds{rcode="NXDOMAIN",${server}}`)).toBe(1);
  });

  test("the two series without labels are asked for at the start", async () => {
    const asked: string[] = [];
    const { meter } = contextOf();
    await bench.forward("forward . 127.0.0.1:1", {
      schedule: QUICK,
      meter: {
        ...meter,
        counter: (name, labels) => {
          asked.push(name);
          return meter.counter(name, labels);
        },
      },
    });
    expect(asked).toEqual(
      expect.arrayContaining([
        "coredns_forward_healthcheck_broken_total",
        "coredns_forward_max_concurrent_rejects_total",
      ]),
    );
  });
});
