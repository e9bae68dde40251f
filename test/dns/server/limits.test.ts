import { describe, expect, test } from "vitest";
import { DEFAULT_ALLOWED_NETWORKS, parseNetworks } from "../../../src/dns/server/access.ts";
import { clientOf } from "../../../src/dns/server/client.ts";
import { createClientRate } from "../../../src/dns/server/client-rate.ts";

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
    expect(access.ok && access.value(address)).toBe(allowed);
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
    expect(clientOf(address, "udp")).toEqual({ address: canonical, family, protocol: "udp" });
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
});
