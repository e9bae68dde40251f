import { describe, expect, test } from "vitest";
import { createMetrics } from "../../src/observe/metrics.ts";

const sample = (value: number) => ({ name: "b", help: "", type: "gauge", labels: { zone: "." }, value }) as const;

test("samples of other parts are read when they are printed", async () => {
  let value = 1;
  const metrics = createMetrics([() => [sample(value)]]);
  expect(await metrics.print()).toContain('b{zone="."} 1');
  value = 2;
  expect(await metrics.print()).toContain('b{zone="."} 2');
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
    const text = await createMetrics([() => [sample(1)]]).print();
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(text.endsWith("\n")).toBe(true);
  });
});
