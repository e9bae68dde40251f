import { describe, expect, test } from "vitest";
import { createMetrics, renderSamples } from "../../src/observe/metrics.ts";
import type { MetricSample } from "../../src/observe/sample.ts";

const sample = (changes: Partial<MetricSample> = {}): MetricSample => ({
  name: "coredns_dns_requests_total",
  help: "Counter of DNS requests",
  type: "counter",
  labels: { zone: ".", server: "dns://:53" },
  value: 3,
  ...changes,
});

describe("samples of other parts", () => {
  test("are printed under one heading a name, labels alphabetical", () => {
    const text = renderSamples([
      sample({ labels: { zone: ".", type: "A" } }),
      sample({ name: "b", type: "gauge", labels: {} }),
      sample({ labels: { type: "AAAA", zone: "." } }),
    ]);
    expect(text).toBe(
      [
        "# HELP b Counter of DNS requests",
        "# TYPE b gauge",
        "b 3",
        "# HELP coredns_dns_requests_total Counter of DNS requests",
        "# TYPE coredns_dns_requests_total counter",
        'coredns_dns_requests_total{type="A",zone="."} 3',
        'coredns_dns_requests_total{type="AAAA",zone="."} 3',
        "",
      ].join("\n"),
    );
  });

  test("are escaped", () => {
    const text = renderSamples([sample({ help: "a\nb\\c", labels: { zone: 'x"y\\z\n' } })]);
    expect(text).toContain("# HELP coredns_dns_requests_total a\\nb\\\\c\n");
    expect(text).toContain('{zone="x\\"y\\\\z\\n"} 3');
  });

  test("are read when they are printed", async () => {
    let value = 1;
    const metrics = createMetrics([() => [sample({ value })]]);
    expect(await metrics.print()).toContain('{server="dns://:53",zone="."} 1');
    value = 2;
    expect(await metrics.print()).toContain('{server="dns://:53",zone="."} 2');
  });
});

describe("the metrics of admission", () => {
  const review = {
    webhook: "validate",
    operation: "UPDATE",
    decision: "denied",
    reason: "findings",
    dryRun: true,
    seconds: 0.002,
    deniedBy: ["rule-a", "rule-b"],
    exempted: ["rule-c"],
  } as const;

  test("count a review by what became of it", async () => {
    const metrics = createMetrics();
    metrics.admission.answered(review);
    metrics.admission.answered(review);
    const text = await metrics.print();
    for (const line of [
      'sluice_admission_requests_total{webhook="validate",operation="UPDATE",decision="denied",reason="findings",dry_run="true"} 2',
      'sluice_admission_denials_total{rule="rule-b"} 2',
      'sluice_admission_exemptions_total{rule="rule-c"} 2',
      'sluice_admission_duration_seconds_bucket{le="0.001",webhook="validate"} 0',
      'sluice_admission_duration_seconds_bucket{le="0.0025",webhook="validate"} 2',
    ]) {
      expect(text.split("\n")).toContain(line);
    }
  });

  test("hold the name that dashboards for Go programs read", async () => {
    expect(await createMetrics().print()).toMatch(/^go_memstats_alloc_bytes [1-9]\d+$/m);
  });

  test("end with a line feed, and name each metric once", async () => {
    const text = await createMetrics([() => [sample()]]).print();
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(text.endsWith("\n")).toBe(true);
  });
});
