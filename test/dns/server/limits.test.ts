import { describe, expect, test } from "vitest";
import { DEFAULT_ALLOWED_NETWORKS, parseNetworks } from "../../../src/dns/server/access.ts";
import { clientOf } from "../../../src/dns/server/client.ts";
import { createClientRate } from "../../../src/dns/server/client-rate.ts";
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
  test("a burst passes, the excess is refused and then dropped, and time brings it back", () => {
    let now = 0;
    const rate = createClientRate({ perSecond: 10, burst: 20 }, () => now);
    const verdicts = Array.from({ length: 130 }, () => rate("10.0.0.1"));
    const count = (verdict: string): number => verdicts.filter((one) => one === verdict).length;
    expect([count("pass"), count("refuse"), count("drop")]).toEqual([20, 100, 10]);
    expect(rate("10.0.0.2")).toBe("pass");
    now += 100;
    expect([rate("10.0.0.1"), rate("10.0.0.1")]).toEqual(["pass", "refuse"]);
  });

  test("clients are forgotten, so that memory is bounded", () => {
    const rate = createClientRate({ perSecond: 0, burst: 1 }, () => 0);
    rate("first");
    for (let index = 0; index < 10_000; index++) rate(`client-${index}`);
    expect(rate("first")).toBe("pass");
  });

  test("a client that goes on asking is not forgotten, however many others ask", () => {
    const rate = createClientRate({ perSecond: 0, burst: 1 }, () => 0);
    rate("first");
    for (let index = 0; index < 50_000; index++) {
      rate(`client-${index}`);
      if (index % 1_000 === 0) expect(rate("first")).not.toBe("pass");
    }
  });
});
