import { describe, expect, test } from "vitest";
import { settingsOf } from "./load.ts";

const block = (name: string, ...options: string[]): string => `${name} {\n${options.join("\n")}\n}`;

describe("forward", () => {
  const target = (host: string, port = 53, more = {}) => ({
    kind: "address",
    host,
    port,
    protocol: "dns",
    serverName: undefined,
    ...more,
  });

  test.each([
    ["10.0.0.1", [target("10.0.0.1")]],
    ["dns://10.0.0.1:5353", [target("10.0.0.1", 5353)]],
    ["::1", [target("::1")]],
    ["[::1]:54", [target("::1", 54)]],
    ["tls://9.9.9.9%dns.test", [target("9.9.9.9", 853, { protocol: "tls", serverName: "dns.test" })]],
    ["dns.test", [target("dns.test.", 53, { kind: "name" })]],
    ["r.conf", [target("10.0.0.9"), target("fd00::9")]],
  ])("sends to %s", (to, expected) => {
    const files = {
      "etc/r.conf": "# x\nnameserver 10.0.0.9\nsearch a\n nameserver fd00::9 \nnameserver fe80::1%eth0\n",
    };
    expect(settingsOf(`forward . ${to}`, { files })).toMatchObject([{ from: ["."], to: expected }]);
  });

  test("has CoreDNS's defaults, except for max_age", () => {
    expect(settingsOf("forward . 10.0.0.1 10.0.0.2")).toMatchObject([
      {
        maxAgeMs: 5000,
        readTimeoutMs: 2000,
        maxFails: 2,
        maxConnectAttempts: 4,
        policy: "random",
        maxConcurrent: 0,
        healthCheck: { intervalMs: 500, recursion: true, domain: "." },
      },
    ]);
  });

  test.each([
    [["max_age 5s"], { maxAgeMs: 5000, expireMs: 5000 }],
    [["expire 20s", "max_age 0"], { maxAgeMs: 0, expireMs: 20_000 }],
    [["expire 5s", "max_age 5s"], { maxAgeMs: 5000, expireMs: 5000 }],
    [["max_age 1m"], { maxAgeMs: 60_000, expireMs: 10_000 }],
  ])("keeps connections by %j", (options, expected) => {
    expect(settingsOf(block("forward . 10.0.0.1", ...options))).toMatchObject([expected]);
  });

  test("takes every option", () => {
    const options = [
      "except a.test b.test",
      "force_tcp",
      "prefer_udp",
      "read_timeout 1s",
      "max_idle_conns 9",
      "max_fails 0",
      "max_connect_attempts 1",
      "policy sequential",
      "health_check 1s no_rec domain a.test",
      "max_concurrent 1000",
      "next NXDOMAIN",
      "next_on_nodata",
      "failfast_all_unhealthy_upstreams",
      "failover SERVFAIL REFUSED",
      "source_address 10.1.1.1",
      "resolver 10.0.0.3",
      "tls c.pem k.pem",
      "tls_servername dns.test",
    ];
    expect(settingsOf(block("forward a.test 10.0.0.1", ...options))).toMatchObject([
      {
        from: ["a.test."],
        except: ["a.test.", "b.test."],
        forceTcp: true,
        preferUdp: true,
        readTimeoutMs: 1000,
        maxIdleConnections: 9,
        maxFails: 0,
        maxConnectAttempts: 1,
        policy: "sequential",
        healthCheck: { intervalMs: 1000, recursion: false, domain: "a.test." },
        maxConcurrent: 1000,
        next: [3],
        nextOnNodata: true,
        failfastAllUnhealthy: true,
        failover: [2, 5],
        sourceAddress: "10.1.1.1",
        resolvers: ["10.0.0.3"],
        tls: { serverName: "dns.test", files: ["etc/c.pem", "etc/k.pem"] },
      },
    ]);
  });
});
