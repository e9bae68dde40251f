import { describe, expect, test } from "vitest";
import { DEFAULT_ALLOWED_NETWORKS, parseNetworks } from "../../../src/dns/server/access.ts";
import { clientOf } from "../../../src/dns/server/client.ts";
import { type ClientRate, clientRateMemory, createClientRate } from "../../../src/dns/server/client-rate.ts";
import { remembering } from "../../../src/dns/server/remember.ts";

describe("access", () => {
  const access = parseNetworks(DEFAULT_ALLOWED_NETWORKS);

  test.each([
    ["10.1.2.3", true],
    ["172.31.255.255", true],
    ["172.32.0.1", false],
    ["192.168.1.1", true],
    ["100.64.0.1", true],
    ["127.0.0.1", true],
    ["8.8.8.8", false],
    ["fd00::1", true],
    ["fe80::1", true],
    ["::1", true],
    ["2001:db8::1", false],
    ["nonsense", false],
  ])("%s: %s", (address, allowed) => {
    expect(access.ok && [access.value(address), access.value(address)]).toEqual([allowed, allowed]);
  });

  test.each([
    ["::/0", "2001:db8::1", true],
    ["::/0", "10.0.0.1", false],
    ["0.0.0.0/0", "10.0.0.1", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["::ffff:10.0.0.0/104", "10.1.2.3", true],
    ["192.0.2.7", "192.0.2.7", true],
    ["192.0.2.7", "192.0.2.8", false],
  ])("%s and %s: %s; a network of one family holds no address of the other", (network, address, allowed) => {
    const parsed = parseNetworks([network]);
    expect(parsed.ok && parsed.value(address)).toBe(allowed);
  });

  test("all networks that are wrong are named", () => {
    const parsed = parseNetworks(["10.0.0.0/33", "x/8", "10.0.0.0/8", "fd00::/129", "10.0.0.0/-1"]);
    expect(parsed.ok ? [] : parsed.problems).toHaveLength(4);
  });
});

describe("clients", () => {
  test.each([
    ["10.0.0.1", "10.0.0.1", 1],
    ["::ffff:10.0.0.1", "10.0.0.1", 1],
    ["fe80::1%eth0", "fe80::1", 2],
    ["fd00::1", "fd00::1", 2],
  ])("%s is %s", (address, canonical, family) => {
    const client = { address: canonical, port: 4242, family, protocol: "udp", source: address, local: "::" };
    expect([clientOf(address, 4242, "udp", "::"), clientOf(address, 4242, "udp", "::")]).toEqual([client, client]);
  });
});

describe("what is remembered by text", () => {
  test("is found once, and again when very many others came between", () => {
    const found: string[] = [];
    const lengthOf = remembering((text) => {
      found.push(text);
      return text.length;
    });
    expect([lengthOf("ten"), lengthOf("ten"), lengthOf("")]).toEqual([3, 3, 0]);
    expect(found).toEqual(["ten", ""]);
    for (let index = 0; index < 10_000; index++) lengthOf(`${index}`);
    expect(lengthOf("ten")).toBe(3);
    expect(found.filter((text) => text === "ten")).toHaveLength(2);
  });
});

describe("the rate of one client", () => {
  const START = Date.UTC(2026, 0, 1);
  const rateOf = (rate: ClientRate, now: () => number) => createClientRate(rate, now, clientRateMemory());
  const ONCE: ClientRate = { perSecond: 0, burst: 1 };

  test("a burst passes, the excess is refused and then dropped, and time brings it back", () => {
    let now = START;
    const rate = rateOf({ perSecond: 10, burst: 20 }, () => now);
    const verdicts = Array.from({ length: 130 }, () => rate("10.0.0.1"));
    const count = (verdict: string): number => verdicts.filter((one) => one === verdict).length;
    expect([count("pass"), count("refuse"), count("drop")]).toEqual([20, 100, 10]);
    expect(rate("10.0.0.2")).toBe("pass");
    now += 100;
    expect([rate("10.0.0.1"), rate("10.0.0.1")]).toEqual(["pass", "refuse"]);
  });

  test("clients are forgotten, so that memory is bounded", () => {
    let now = START;
    const rate = rateOf(ONCE, () => now++);
    rate("first");
    expect(rate("first")).toBe("refuse");
    for (let index = 0; index < 100_000; index++) rate(`client-${index}`);
    expect(rate("first")).toBe("pass");
  });

  test("a client that goes on asking is not forgotten, however many others ask", () => {
    let now = START;
    const rate = rateOf(ONCE, () => now++);
    rate("first");
    for (let index = 0; index < 50_000; index++) {
      rate(`client-${index}`);
      if (index % 1_000 === 0) expect(rate("first")).not.toBe("pass");
    }
  });

  test("holds for all workers together: questions, refusals, and what time brings back", () => {
    let now = START;
    const memory = clientRateMemory();
    const workers = [0, 1, 2].map(() => createClientRate({ perSecond: 10, burst: 20 }, () => now, memory));
    const ask = (): string => workers.map((rate) => rate("10.0.0.1")).toString();
    const verdicts = Array.from({ length: 50 }, ask).join().split(",");
    const count = (verdict: string): number => verdicts.filter((one) => one === verdict).length;
    expect([count("pass"), count("refuse"), count("drop")]).toEqual([20, 100, 30]);
    now += 200;
    expect(ask()).toBe("pass,pass,refuse");
  });

  test.each([1, 7, 500, 30_000])("lets %i a second through, and what was saved up", (perSecond) => {
    let now = START;
    const rate = rateOf({ perSecond, burst: 2 * perSecond }, () => now);
    let passed = 0;
    for (let turn = 0; turn < 100; turn++) {
      now += 100;
      for (let asked = 0; asked < perSecond / 2 + 1; asked++) if (rate("10.0.0.1") === "pass") passed++;
    }
    // Two seconds' worth at the start, and that of the ten seconds.
    expect(passed / perSecond).toBeGreaterThanOrEqual(11);
    expect(passed / perSecond).toBeLessThan(12.1);
  });

  test("a client that has rested has its full burst, however long the rest was", () => {
    let now = START;
    const rate = rateOf({ perSecond: 10, burst: 20 }, () => now);
    const burst = (): number =>
      Array.from({ length: 30 }, () => rate("10.0.0.1")).filter((one) => one === "pass").length;
    expect(burst()).toBe(20);
    for (const minutes of [1, 35.79, 71.58, 71.59, 143.16, 600, 14_400]) {
      now += minutes * 60_000;
      expect([minutes, burst()]).toEqual([minutes, 20]);
    }
  });

  test("many clients are told apart", () => {
    let now = START;
    const rate = rateOf(ONCE, () => now);
    const addresses = Array.from({ length: 2_000 }, (_, index) => `10.244.${index >> 8}.${index & 255}`);
    expect(addresses.filter((address) => rate(address) !== "pass")).toEqual([]);
    now += 10;
    expect(addresses.filter((address) => rate(address) === "pass")).toEqual([]);
  });

  test("one beyond all measure is none", () => {
    const rate = rateOf({ perSecond: 1e9, burst: 1e9 }, () => START);
    expect(new Set(Array.from({ length: 1_000 }, () => rate("10.0.0.1")))).toEqual(new Set(["pass"]));
  });
});
