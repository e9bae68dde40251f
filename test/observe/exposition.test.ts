import { describe, expect, test } from "vitest";
import { renderSamples } from "../../src/observe/exposition.ts";
import type { MetricSample } from "../../src/observe/sample.ts";

const counter = (changes: Partial<MetricSample> = {}): MetricSample => ({
  name: "coredns_dns_requests_total",
  help: "Counter of DNS requests",
  labels: { zone: ".", server: "dns://:53" },
  value: 3,
  ...changes,
  type: "counter",
});

const histogram = (zone: string): MetricSample => ({
  name: "coredns_dns_request_duration_seconds",
  help: "Time",
  type: "histogram",
  labels: { zone, view: "", server: "dns://:53" },
  value: 12,
  sum: 0.75,
  buckets: [
    { upTo: 0.00025, count: 2 },
    { upTo: 8.192, count: 10 },
    { upTo: 16_000, count: 11 },
  ],
});

describe("samples as text", () => {
  test("have one heading a name, labels alphabetical", () => {
    const text = renderSamples([
      counter({ labels: { zone: ".", type: "A" } }),
      { name: "b", help: "Other", type: "gauge", labels: {}, value: 0.5 },
      counter({ labels: { type: "AAAA", zone: "." } }),
    ]);
    expect(text).toBe(
      [
        "# HELP b Other",
        "# TYPE b gauge",
        "b 0.5",
        "# HELP coredns_dns_requests_total Counter of DNS requests",
        "# TYPE coredns_dns_requests_total counter",
        'coredns_dns_requests_total{type="A",zone="."} 3',
        'coredns_dns_requests_total{type="AAAA",zone="."} 3',
        "",
      ].join("\n"),
    );
  });

  test("have a histogram's buckets in order, `le` behind the other labels, then sum and count", () => {
    const linesOf = (zone: string) => [
      `coredns_dns_request_duration_seconds_bucket{server="dns://:53",view="",zone="${zone}",le="0.00025"} 2`,
      `coredns_dns_request_duration_seconds_bucket{server="dns://:53",view="",zone="${zone}",le="8.192"} 10`,
      `coredns_dns_request_duration_seconds_bucket{server="dns://:53",view="",zone="${zone}",le="16000"} 11`,
      `coredns_dns_request_duration_seconds_bucket{server="dns://:53",view="",zone="${zone}",le="+Inf"} 12`,
      `coredns_dns_request_duration_seconds_sum{server="dns://:53",view="",zone="${zone}"} 0.75`,
      `coredns_dns_request_duration_seconds_count{server="dns://:53",view="",zone="${zone}"} 12`,
    ];
    expect(renderSamples([histogram("b."), histogram("a.")])).toBe(
      [
        "# HELP coredns_dns_request_duration_seconds Time",
        "# TYPE coredns_dns_request_duration_seconds histogram",
        ...linesOf("a."),
        ...linesOf("b."),
        "",
      ].join("\n"),
    );
  });

  test("are escaped", () => {
    const text = renderSamples([counter({ help: "a\nb\\c", labels: { zone: 'x"y\\z\n' } })]);
    expect(text).toContain("# HELP coredns_dns_requests_total a\\nb\\\\c\n");
    expect(text).toContain('{zone="x\\"y\\\\z\\n"} 3');
  });

  test.each([
    [Number.POSITIVE_INFINITY, "+Inf"],
    [Number.NEGATIVE_INFINITY, "-Inf"],
    [Number.NaN, "NaN"],
    [1e21, "1e+21"],
    [1_700_000_000.25, "1700000000.25"],
  ])("write %d as %s", (value, text) => {
    expect(renderSamples([counter({ labels: {}, value })])).toContain(`\ncoredns_dns_requests_total ${text}\n`);
  });

  test("of nothing are empty", () => {
    expect(renderSamples([])).toBe("");
  });
});
