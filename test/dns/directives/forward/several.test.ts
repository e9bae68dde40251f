import { afterEach, describe, expect, test } from "vitest";
import { createForwardBench, QUICK } from "../../support/forward.ts";
import { startTestUpstream, type TestUpstream } from "../../support/test-upstream.ts";

const bench = createForwardBench();
afterEach(() => bench.close());

type Port = { readonly port: number };
const to = (...upstreams: readonly Port[]): string => upstreams.map(({ port }) => `127.0.0.1:${port}`).join(" ");
const line = (targets: string, ...options: string[]): string => `forward ${targets} {\n${options.join("\n")}\n}`;
const asked = ({ seen }: TestUpstream): number => seen.filter(({ type }) => type === 1).length;
const probes = ({ seen }: TestUpstream): number => seen.filter(({ type }) => type === 2).length;
const X = ["x.example. 60 A 192.0.2.1"];
const END = "end of chain";

/** An upstream whose answers tell which one it is. */
const numbered = (number: number) => bench.upstream({}, [`x.example. 60 A 192.0.2.${number}`]);

describe("the policy", () => {
  const twelve = async (policy: string): Promise<readonly TestUpstream[]> => {
    const upstreams = [await bench.upstream(), await bench.upstream(), await bench.upstream()];
    const { ask } = await bench.forward(line(`. ${to(...upstreams)}`, `policy ${policy}`));
    for (let index = 0; index < 12; index++) await ask("x.example.");
    return upstreams;
  };

  test("sequential takes the first", async () => {
    expect((await twelve("sequential")).map(asked)).toEqual([12, 0, 0]);
  });

  test("round_robin takes turns", async () => {
    expect((await twelve("round_robin")).map(asked)).toEqual([4, 4, 4]);
  });

  test("random takes any", async () => {
    const counts = (await twelve("random")).map(asked);
    expect(counts.reduce((sum, count) => sum + count)).toBe(12);
    expect(counts.filter((count) => count > 0).length).toBeGreaterThan(1);
  });
});

describe("failover", () => {
  test("a code that is listed sends the question to another upstream", async () => {
    const [bad, good] = [await bench.upstream({ "x.example.": { rcode: "SERVFAIL" } }), await bench.upstream()];
    const { ask, count } = await bench.forward(
      line(`. ${to(bad, good)}`, "policy sequential", "failover SERVFAIL REFUSED"),
    );
    expect(await ask("x.example.")).toMatchObject({ answer: X });
    expect(count('sluice_dns_upstream_retries_total{reason="failover"}')).toBe(1);
  });

  test("the last answer is returned when all have one (FW-038)", async () => {
    const upstreams = [
      await bench.upstream({ "x.example.": { rcode: "SERVFAIL" } }),
      await bench.upstream({ "x.example.": { rcode: "REFUSED" } }),
    ];
    const { ask } = await bench.forward(
      line(`. ${to(...upstreams)}`, "policy sequential", "failover SERVFAIL REFUSED"),
    );
    expect(await ask("x.example.")).toMatchObject({ rcode: "REFUSED" });
    expect(upstreams.map(asked)).toEqual([1, 1]);
  });

  test("the answer that was set aside is returned when the others are silent", async () => {
    const [bad, silent] = [
      await bench.upstream({ "x.example.": { rcode: "REFUSED" } }),
      await bench.upstream({ "x.example.": { drop: true } }),
    ];
    const schedule = { attemptsAtMilliseconds: [0], giveUpAtMilliseconds: 100 };
    const options = ["policy sequential", "failover REFUSED"];
    const { ask } = await bench.forward(line(`. ${to(bad, silent)}`, ...options), { schedule });
    expect(await ask("x.example.")).toMatchObject({ rcode: "REFUSED" });
  });

  test("the answer that was set aside is returned at once when the others refuse", async () => {
    const bad = await bench.upstream({ "x.example.": { rcode: "REFUSED" } });
    const { ask } = await bench.forward(
      line(`. ${to(bad)} 127.0.0.1:${await bench.deadPort()}`, "policy sequential", "failover REFUSED"),
      { schedule: { attemptsAtMilliseconds: [0, 30_000], giveUpAtMilliseconds: 60_000 } },
    );
    expect(await ask("x.example.")).toMatchObject({ rcode: "REFUSED" });
    expect(asked(bad)).toBe(1);
  });
});

describe("several lines", () => {
  test("the first whose FROM has the name and whose except has not is asked", async () => {
    const [first, second, third] = [await numbered(1), await numbered(2), await numbered(3)];
    const { ask } = await bench.forward(
      [
        `forward org ${to(first)}`,
        line(`. ${to(second)}`, "except sub.x.example y.example"),
        `forward example ${to(third)}`,
      ].join("\n"),
    );
    await ask("a.org.");
    await ask("X.example.");
    await ask("a.sub.X.example.");
    await ask("y.example.");
    await ask("ay.example.");
    expect([first, second, third].map(({ seen }) => seen.map(({ name }) => name))).toEqual([
      ["a.org."],
      ["X.example.", "ay.example."],
      ["a.sub.X.example.", "y.example."],
    ]);
  });

  test("a name that no line takes goes to the end of the chain", async () => {
    const { answer } = await bench.forward(line(". 127.0.0.1:1", "except example"));
    expect(await answer("x.example.")).toMatchObject({ rcode: 2, cause: END });
  });

  test.each([
    ["NXDOMAIN", ["next NXDOMAIN"], "nope.example.", 2],
    ["another code", ["next SERVFAIL"], "nope.example.", 1],
    ["no data", ["next_on_nodata"], "empty.example.", 2],
    ["data", ["next_on_nodata", "next NXDOMAIN"], "x.example.", 1],
    ["no data without next_on_nodata", ["next NXDOMAIN"], "empty.example.", 1],
  ] as const)("with %s and %j the right line answers", async (_what, options, name, expected) => {
    const first = await bench.upstream({}, ["x.example. 60 A 192.0.2.1", "empty.example. 60 TXT a"]);
    const second = await bench.upstream({}, [`${name} 60 A 192.0.2.2`]);
    const { ask } = await bench.forward(`${line(`. ${to(first)}`, ...options)}\nforward . ${to(second)}`);
    const reply = await ask(name);
    expect(reply?.answer).toEqual(expected === 2 ? [`${name} 60 A 192.0.2.2`] : name === "x.example." ? X : []);
    expect(asked(second)).toBe(expected - 1);
  });

  test("without another line the answer stays, whatever next says", async () => {
    const upstream = await bench.upstream();
    const { ask } = await bench.forward(line(`. ${to(upstream)}`, "next NXDOMAIN"));
    expect(await ask("nope.example.")).toMatchObject({ rcode: "NXDOMAIN" });
  });
});

describe("health", () => {
  /** Two attempts soon, and a probe that is given up after a second. */
  const settle = { timeout: 8_000, interval: 20 };
  const down = (upstream: TestUpstream): string =>
    `coredns_proxy_healthcheck_failures_total{proxy_name="forward",to="${to(upstream)}"}`;

  test("nobody is probed while all is well", async () => {
    const upstream = await bench.upstream();
    const { ask } = await bench.forward(line(`. ${to(upstream)}`, "health_check 10ms"));
    for (let index = 0; index < 5; index++) await ask("x.example.");
    expect(probes(upstream)).toBe(0);
  });

  test("after one failure an upstream is asked last, until a probe is answered", async () => {
    const [silent, good] = [await bench.upstream(), await bench.upstream()];
    silent.silence(true);
    const options = ["policy sequential", "health_check 50ms no_rec domain probe.example"];
    const { ask } = await bench.forward(line(`. ${to(silent, good)}`, ...options), { schedule: QUICK });
    expect(await ask("x.example.")).toMatchObject({ answer: X });
    const before = asked(silent);
    expect(await ask("x.example.")).toMatchObject({ answer: X });
    expect(asked(silent)).toBe(before);
    expect(silent.seen.find(({ type }) => type === 2)).toMatchObject({ name: "probe.example.", flags: "" });
    silent.silence(false);
    const askedAgain = async (): Promise<number> => {
      await ask("x.example.");
      return asked(silent);
    };
    await expect.poll(askedAgain, settle).toBeGreaterThan(before);
  });

  test("any reply to a probe is good enough", async () => {
    const upstream = await bench.upstream({ ".": { rcode: "REFUSED" }, "x.example.": { drop: 1 } });
    const { ask } = await bench.forward(line(`. ${to(upstream)}`, "health_check 10ms"), { schedule: QUICK });
    expect(await ask("x.example.")).toMatchObject({ answer: X });
    await expect.poll(() => probes(upstream), settle).toBe(1);
  });

  test("an upstream that refuses is down after more than max_fails probes; all down is counted", async () => {
    const dead = await bench.deadPort();
    const { ask, count } = await bench.forward(
      line(`. 127.0.0.1:${dead}`, "max_fails 1", "health_check 10ms", "max_connect_attempts 1"),
    );
    expect(await ask("x.example.")).toMatchObject({ rcode: "SERVFAIL" });
    expect(count("coredns_forward_healthcheck_broken_total")).toBeUndefined();
    await expect.poll(() => count(down({ port: dead } as TestUpstream)) ?? 0, settle).toBeGreaterThanOrEqual(2);
    await ask("x.example.");
    expect(count("coredns_forward_healthcheck_broken_total")).toBe(1);
    const revived = await startTestUpstream({ zone: X, port: dead });
    bench.later(() => revived.close());
    await expect.poll(async () => (await ask("x.example."))?.answer, settle).toEqual(X);
  });

  test("failfast_all_unhealthy_upstreams asks nobody while all are down", async () => {
    const dead = await bench.deadPort();
    const options = ["max_fails 1", "health_check 10ms", "failfast_all_unhealthy_upstreams", "max_connect_attempts 1"];
    const { answer } = await bench.forward(line(`. 127.0.0.1:${dead}`, ...options));
    await expect
      .poll(() => answer("x.example."), settle)
      .toMatchObject({ rcode: 2, cause: "no healthy proxies", ede: expect.any(Uint8Array) });
  });

  test("max_fails 0 never probes", async () => {
    const upstream = await bench.upstream({ "x.example.": { drop: true } });
    const { ask } = await bench.forward(line(`. ${to(upstream)}`, "max_fails 0", "health_check 10ms"), {
      schedule: QUICK,
    });
    expect(await ask("x.example.")).toMatchObject({ rcode: "SERVFAIL" });
    expect(probes(upstream)).toBe(0);
  });
});

describe("upstreams by name", () => {
  test("are looked up at the start, by the host's own resolver", async () => {
    const upstream = await bench.upstream();
    const { ask } = await bench.forward(`forward . localhost:${upstream.port}`);
    expect(await ask("x.example.")).toMatchObject({ answer: X });
  });

  test("without an address nothing starts", async () => {
    await expect(bench.forward(line(". no.such.name.invalid", "resolver 127.0.0.1"))).rejects.toMatchObject({
      code: "SLUICE_DNS_FAILED",
      message: expect.stringContaining("no.such.name.invalid"),
    });
  });
});
