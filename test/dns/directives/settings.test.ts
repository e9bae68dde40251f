import { describe, expect, test } from "vitest";
import { DEFAULT_COREFILE } from "../../../src/dns/directives/default-corefile.ts";
import { loadCorefile } from "../../../src/dns/directives/load-corefile.ts";
import { memoryFiles } from "../corefile/memory-files.ts";
import { settingsOf } from "./load.ts";

const block = (name: string, ...options: string[]): string => `${name} {\n${options.join("\n")}\n}`;
const ZONE = ["example.org."];

describe("settings of", () => {
  test.each([
    ["root /srv", { path: "/srv" }],
    ["cancel", { timeoutMs: 5001 }],
    ["cancel 1.5s", { timeoutMs: 1500 }],
    [
      block("timeouts", "read 5s", "maxtcpqueries 128"),
      { readMs: 5000, writeMs: 5000, idleMs: 10_000, maxTcpQueries: 128 },
    ],
    ["multisocket", { sockets: undefined }],
    ["multisocket 4", { sockets: 4 }],
    ["multisocket 1024", { sockets: 64 }],
    ["reload", { intervalMs: 30_000, jitterMs: 15_000 }],
    ["reload 10s", { intervalMs: 10_000, jitterMs: 5000 }],
    ["reload 2s 0", { intervalMs: 2000, jitterMs: 0 }],
    ["nsid", { id: undefined }],
    ["nsid a b", { id: "a b" }],
    ["bufsize", { octets: 1232 }],
    ["bufsize 512", { octets: 512 }],
    [block("bind 127.0.0.1 eth0", "except ::1"), { addresses: ["127.0.0.1", "eth0"], except: ["::1"] }],
    ["debug", {}],
    ["ready", { listen: { host: "", port: 8181 }, monitor: "continuously" }],
    [block("ready [::1]:80", "monitor until-ready"), { listen: { host: "::1", port: 80 }, monitor: "until-ready" }],
    ["health", { listen: { host: "", port: 8080 }, lameduckMs: 5000 }],
    [block("health localhost:1", "lameduck 0s"), { listen: { host: "localhost", port: 1 }, lameduckMs: 0 }],
    ["prometheus", { listen: { host: "", port: 9153 }, legacyMetrics: true }],
    ["prometheus {\nlegacy_metrics off\n}", { listen: { host: "", port: 9153 }, legacyMetrics: false }],
    ["errors stdout", { stacktrace: false, consolidations: [] }],
    ["local", {}],
    ["any", {}],
    ["chaos", { version: undefined, authors: [] }],
    ['chaos "v 1" a b', { version: "v 1", authors: ["a", "b"] }],
    ["loadbalance round_robin", { policy: "round_robin" }],
    ["minimal", {}],
    ["loop", {}],
    ["whoami", {}],
    [
      block("acl a.test", "allow net 10.0.0.1 fd00::/8 type A AAAA", "block type *", "drop"),
      {
        zones: ["a.test."],
        rules: [
          { action: "allow", types: [1, 28], networks: ["10.0.0.1/32", "fd00::/8"] },
          { action: "block", types: undefined, networks: undefined },
          { action: "drop", types: undefined, networks: undefined },
        ],
      },
    ],
    [
      block("header", "response set ra aa", "query clear rd", "set ra"),
      {
        rules: [
          { of: "response", action: "set", flags: ["ra", "aa"] },
          { of: "query", action: "clear", flags: ["rd"] },
          { of: "response", action: "set", flags: ["ra"] },
        ],
      },
    ],
    [
      block("kuadrant k.test", "rname first.last@k.test", "kubeconfig /k ctx"),
      { zones: ["k.test."], rname: String.raw`first\.last.k.test.`, kubeconfig: { path: "/k", context: "ctx" } },
    ],
    ["kuadrant", { zones: ZONE, rname: undefined, kubeconfig: undefined }],
    [
      "rewrite name a.test b.test",
      {
        flow: "stop",
        rule: {
          field: "name",
          match: { kind: "exact", text: "a.test." },
          to: "b.test.",
          answer: { auto: false, rewrites: [] },
        },
      },
    ],
    [
      "rewrite continue name suffix .A.test .b.test. answer auto",
      {
        flow: "continue",
        rule: {
          field: "name",
          match: { kind: "suffix", text: ".a.test." },
          to: ".b.test.",
          answer: { auto: true, rewrites: [] },
        },
      },
    ],
    ["rewrite type ANY HINFO", { flow: "stop", rule: { field: "type", from: 255, to: 13 } }],
    ["rewrite class CH IN", { flow: "stop", rule: { field: "class", from: 3, to: 1 } }],
    [
      "rewrite ttl a.test 5-",
      {
        flow: "stop",
        rule: { field: "ttl", match: { kind: "exact", text: "a.test." }, minimum: 5, maximum: 2 ** 31 - 1 },
      },
    ],
    [
      "rewrite ttl substring a 9",
      { flow: "stop", rule: { field: "ttl", match: { kind: "substring", text: "a" }, minimum: 9, maximum: 9 } },
    ],
    [
      "rewrite rcode a.test NXDOMAIN NOERROR",
      { flow: "stop", rule: { field: "rcode", match: { kind: "exact", text: "a.test." }, from: 3, to: 0 } },
    ],
  ])("%s", (lines, expected) => {
    expect(settingsOf(lines)).toEqual([expected]);
  });

  test("rewrite with a regular expression and answers", () => {
    const lines = block(
      "rewrite stop",
      "name regex (.*)-(us)[.]test {2}.{1}.test",
      "answer name (.*)[.]test {1}.a",
      "answer value x y",
    );
    expect(settingsOf(lines)).toMatchObject([
      {
        rule: {
          match: { kind: "regex", pattern: { text: "(.*)-(us)[.]test", groups: [undefined, undefined] } },
          to: "{2}.{1}.test",
          answer: {
            auto: false,
            rewrites: [
              { part: "name", to: "{1}.a" },
              { part: "value", to: "y" },
            ],
          },
        },
      },
    ]);
  });

  test("errors with consolidation", () => {
    expect(
      settingsOf(block("errors", "stacktrace", 'consolidate 30s ".* i/o timeout$" warning show_first')),
    ).toMatchObject([{ stacktrace: true, consolidations: [{ periodMs: 30_000, level: "warning", showFirst: true }] }]);
  });

  test("log: formats, names and classes", () => {
    expect(
      settingsOf(
        `log\nlog a.test b.test "{name} {combined}"\n${block("log . {common}", "class denial", "class error")}`,
      ),
    ).toMatchObject([
      { zones: ["."], classes: ["all"], format: expect.stringMatching(/^\{remote\}:\{port\} .* \{duration\}$/) },
      { zones: ["a.test.", "b.test."], format: expect.stringMatching(/^\{name\} \{remote\}.*"\{>opcode\}"$/) },
      { zones: ["."], classes: ["denial", "error"], format: expect.stringContaining("{rsize}") },
    ]);
  });

  test("template: records with places to fill in", () => {
    const lines = block(
      "template IN A t.test",
      "match ^(?P<a>[0-9a-f]+)[.]t",
      'answer "{{ .Name }} 60 IN A 10.0.0.{{ parseInt .Group.a 16 8 }}"',
      "rcode NXDOMAIN",
      'ederror 21 "no"',
      "fallthrough",
    );
    expect(settingsOf(lines)).toMatchObject([
      {
        class: 1,
        type: 1,
        zones: ["t.test."],
        patterns: [{ groups: ["a"] }],
        answer: [[{ field: "Name" }, { text: " 60 IN A 10.0.0." }, { kind: "integer", group: "a", base: 16, bits: 8 }]],
        rcode: 3,
        extendedError: { code: 21, reason: "no" },
        fallthrough: ["."],
      },
    ]);
  });
});

describe("hosts", () => {
  test("has CoreDNS's defaults", () => {
    expect(settingsOf("hosts")).toEqual([
      {
        file: "/etc/hosts",
        zones: ZONE,
        entries: [],
        ttl: 3600,
        reloadMs: 5000,
        reverse: true,
        fallthrough: [],
        fallthroughUnsupported: false,
      },
    ]);
  });

  test("takes entries and options", () => {
    const options = [
      "10.0.0.1 A.test *.b.test",
      "::ffff:10.0.0.2 c.test",
      "ttl 9",
      "reload 0s",
      "no_reverse",
      "fallthrough a.test",
      "fallthrough_unsupported",
    ];
    expect(settingsOf(block("hosts h.txt . ", ...options))).toEqual([
      {
        file: "etc/h.txt",
        zones: ["."],
        entries: [
          { address: "10.0.0.1", names: ["a.test.", "*.b.test."] },
          { address: "10.0.0.2", names: ["c.test."] },
        ],
        ttl: 9,
        reloadMs: 0,
        reverse: false,
        fallthrough: ["a.test."],
        fallthroughUnsupported: true,
      },
    ]);
  });

  test("finds its file below root", () => {
    expect(settingsOf("root /srv\nhosts h.txt")).toMatchObject([{}, { file: "/srv/h.txt" }]);
  });
});

describe("sluice", () => {
  test("has the defaults of the specification", () => {
    expect(settingsOf("sluice")).toEqual([
      {
        zones: ZONE,
        ttl: 5,
        passthrough: [15, 16, 257],
        cnameGuard: "exact",
        search: "nxdomain",
        clusterDomain: undefined,
        conflict: "oldest",
        except: [],
        gateways: "sluice.dev/egress-gateway=true",
        gatewayClients: "direct",
        gatewayAddress: "status",
        snapshot: undefined,
        kubeconfig: undefined,
      },
    ]);
  });

  test("takes every option", () => {
    const options = [
      "ttl 0",
      "passthrough none",
      "cname_guard strict",
      "search cname",
      "cluster_domain corp.test",
      "conflict merge",
      "except A.test b.test",
      "except c.test",
      "gateways a/b=c,!d",
      "gateway_clients egress",
      "gateway_address service",
      "snapshot off",
      "kubeconfig /k",
    ];
    expect(settingsOf(block("sluice a.test", ...options))).toEqual([
      {
        zones: ["a.test."],
        ttl: 0,
        passthrough: [],
        cnameGuard: "strict",
        search: "cname",
        clusterDomain: "corp.test.",
        conflict: "merge",
        except: ["a.test.", "b.test.", "c.test."],
        gateways: "a/b=c,!d",
        gatewayClients: "egress",
        gatewayAddress: "service",
        snapshot: "off",
        kubeconfig: { path: "/k", context: undefined },
      },
    ]);
  });
});

describe("cache", () => {
  test("has CoreDNS's defaults", () => {
    expect(settingsOf("cache")).toEqual([
      {
        zones: ZONE,
        success: { capacity: 9984, ttl: 3600, minimumTtl: 5 },
        denial: { capacity: 9984, ttl: 1800, minimumTtl: 5 },
        disabled: { success: [], denial: [] },
        prefetch: undefined,
        serveStale: undefined,
        preferPositive: false,
        servfailMs: 5000,
        keepTtl: false,
      },
    ]);
  });

  test("takes every option", () => {
    const options = [
      "success 10",
      "denial 20 7 0",
      "prefetch 3",
      "serve_stale 2h verify 1s",
      "serve_stale_policy prefer_positive",
      "servfail 0",
      "disable denial",
      "disable success b.test",
      "keepttl",
    ];
    expect(settingsOf(block("cache 30 a.test", ...options))).toEqual([
      {
        zones: ["a.test."],
        success: { capacity: 10, ttl: 30, minimumTtl: 5 },
        denial: { capacity: 20, ttl: 7, minimumTtl: 0 },
        disabled: { success: ["b.test."], denial: ZONE },
        prefetch: { amount: 3, durationMs: 60_000, percentage: 10 },
        serveStale: { durationMs: 7_200_000, mode: "verify", timingsMs: [1000] },
        preferPositive: true,
        servfailMs: 0,
        keepTtl: true,
      },
    ]);
  });
});

test("the default Corefile loads without a remark once its two variables are there", () => {
  const environment = { SLUICE_DNS_PORT: "5353", SLUICE_CLUSTER_DNS: "10.96.0.10" };
  const input = { file: "default", text: DEFAULT_COREFILE, files: memoryFiles(), compatibility: "strict" } as const;
  const { servers, diagnostics } = loadCorefile({ ...input, environment });
  expect(diagnostics).toEqual([]);
  expect(servers?.[0]?.keys).toMatchObject([{ zone: ".", port: 5353 }]);
  expect(loadCorefile({ ...input, environment: {} }).diagnostics.map(({ message }) => message)).toEqual([
    expect.stringContaining("SLUICE_DNS_PORT"),
    expect.stringContaining("SLUICE_CLUSTER_DNS"),
  ]);
});
