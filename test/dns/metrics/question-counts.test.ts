import { describe, expect, test } from "vitest";
import { createCollector } from "../../../src/dns/metrics/collect.ts";
import { createDroppedCounts, createQuestionCounts } from "../../../src/dns/metrics/question-counts.ts";
import { METER_OCTETS } from "../../../src/dns/metrics/series.ts";
import { createSharedMeter } from "../../../src/dns/metrics/shared-meter.ts";
import { clientOf } from "../../../src/dns/server/client.ts";
import { renderSamples } from "../../../src/observe/exposition.ts";
import type { TestQuery } from "../support/dns-client.ts";
import { exchangeOf } from "../support/exchange.ts";

const CLIENTS = {
  udp4: clientOf("127.0.0.1", 4242, "udp", "127.0.0.1"),
  tcp6: clientOf("::1", 4242, "tcp", "::1"),
};

const started = (zone = ".") => {
  const collector = createCollector();
  const buffer = new SharedArrayBuffer(METER_OCTETS);
  const meter = createSharedMeter({ buffer, announce: collector.add(buffer).announced });
  const counts = createQuestionCounts(meter, { server: "dns://:53", zone });
  const ask = (query: Partial<TestQuery>, client: keyof typeof CLIENTS = "udp4") => {
    const exchange = exchangeOf({ name: "example.org", ...query });
    counts.request(CLIENTS[client], exchange.query, exchange.message.length);
  };
  /** The text of /metrics, without its headings. */
  const lines = () =>
    renderSamples(collector.samples())
      .split("\n")
      .filter((line) => line.startsWith("coredns_dns_"));
  return { meter, counts, ask, lines };
};

describe("questions are counted under CoreDNS's names", () => {
  test.each<[string, Partial<TestQuery>, keyof typeof CLIENTS, string]>([
    ["MX-001", {}, "udp4", 'family="1",proto="udp",server="dns://:53",type="A",view="",zone="."'],
    ["MX-002", { type: "TYPE29" }, "udp4", 'family="1",proto="udp",server="dns://:53",type="other",view="",zone="."'],
    ["above 255", { type: "CAA" }, "udp4", 'family="1",proto="udp",server="dns://:53",type="other",view="",zone="."'],
    ["MX-003", { type: "HTTPS" }, "udp4", 'family="1",proto="udp",server="dns://:53",type="HTTPS",view="",zone="."'],
    ["MX-004", {}, "tcp6", 'family="2",proto="tcp",server="dns://:53",type="A",view="",zone="."'],
  ])("%s", (_id, query, client, labels) => {
    const { ask, lines } = started();
    ask(query, client);
    expect(lines().filter((line) => line.startsWith("coredns_dns_requests_total"))).toEqual([
      `coredns_dns_requests_total{${labels}} 1`,
    ]);
  });

  test("MX-005: DO", () => {
    const { ask, lines } = started();
    ask({ edns: { do: false } });
    ask({ edns: { do: true } });
    expect(lines()).toContain('coredns_dns_do_requests_total{server="dns://:53",view="",zone="."} 1');
  });

  test("MX-006 to MX-009: answers, how long they took and how large they are", () => {
    const { ask, counts, lines } = started();
    ask({});
    counts.response("forward", 3, CLIENTS.udp4, 120, 0.0021);
    counts.response("forward", 3, CLIENTS.udp4, 120, 0.0021);
    for (const line of [
      'coredns_dns_responses_total{plugin="forward",rcode="NXDOMAIN",server="dns://:53",view="",zone="."} 2',
      'coredns_dns_request_duration_seconds_bucket{server="dns://:53",view="",zone=".",le="0.002"} 0',
      'coredns_dns_request_duration_seconds_bucket{server="dns://:53",view="",zone=".",le="0.004"} 2',
      'coredns_dns_request_duration_seconds_bucket{server="dns://:53",view="",zone=".",le="8.192"} 2',
      'coredns_dns_request_duration_seconds_count{server="dns://:53",view="",zone="."} 2',
      'coredns_dns_request_size_bytes_bucket{proto="udp",server="dns://:53",view="",zone=".",le="0"} 0',
      'coredns_dns_request_size_bytes_bucket{proto="udp",server="dns://:53",view="",zone=".",le="8291"} 1',
      'coredns_dns_response_size_bytes_bucket{proto="udp",server="dns://:53",view="",zone=".",le="200"} 2',
      'coredns_dns_response_size_bytes_bucket{proto="udp",server="dns://:53",view="",zone=".",le="64000"} 2',
      'coredns_dns_response_size_bytes_sum{proto="udp",server="dns://:53",view="",zone="."} 240',
    ]) {
      expect(lines()).toContain(line);
    }
  });

  test("response codes of an upstream's invention share one label", () => {
    const { counts, lines } = started();
    for (const rcode of [24, 100, 4095, 10, 16]) counts.response("forward", rcode, CLIENTS.udp4, 12, 0);
    const shown = lines().filter((line) => line.startsWith("coredns_dns_responses_total"));
    expect(shown.map((line) => /rcode="([^"]+)".* (\d+)$/.exec(line)?.slice(1))).toEqual([
      ["BADVERS", "1"],
      ["NOTZONE", "1"],
      ["other", "3"],
    ]);
  });

  test("MX-013: what reaches no server block is counted as dropped, its type where it could be read", () => {
    const { meter, lines } = started();
    const dropped = createDroppedCounts(meter, "dns://:53");
    dropped.request(CLIENTS.udp4, undefined);
    dropped.request(CLIENTS.udp4, exchangeOf({ name: "example.org" }).query);
    dropped.response(1);
    expect(lines()).toEqual([
      'coredns_dns_requests_total{family="1",proto="udp",server="dns://:53",type="A",view="",zone="dropped"} 1',
      'coredns_dns_requests_total{family="1",proto="udp",server="dns://:53",type="other",view="",zone="dropped"} 1',
      'coredns_dns_responses_total{plugin="gate",rcode="FORMERR",server="dns://:53",view="",zone="dropped"} 1',
    ]);
  });

  test("nothing is shown that has not happened", () => {
    expect(started().lines()).toEqual([]);
  });
});
