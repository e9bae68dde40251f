import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { renderSamples } from "./exposition.ts";
import type { SampleSource } from "./sample.ts";

/** Which webhook a review came to. */
export type WebhookName = "mutate" | "validate";

/** One answered review, in words that metrics may be labelled with: each has few values. */
export type AnsweredReview = {
  readonly webhook: WebhookName;
  /** CREATE, UPDATE, DELETE, CONNECT, or `other`. */
  readonly operation: string;
  readonly decision: string;
  readonly reason: string;
  readonly dryRun: boolean;
  readonly seconds: number;
  /** Rules that refused the object. */
  readonly deniedBy: readonly string[];
  /** Rules that the object is exempt from and that would have reported. */
  readonly exempted: readonly string[];
};

/** What the admission server counts. */
export type AdmissionMetrics = {
  answered(review: AnsweredReview): void;
  /** A request that is no review: by HTTP status. */
  rejected(status: number): void;
  droppedKeys(count: number): void;
  patchCheckFailed(): void;
  inFlight(change: 1 | -1): void;
  handshakeFailed(): void;
};

/** The program's metrics. `print` gives the text exposition format of everything, the sources' samples included. */
export type Metrics = {
  readonly admission: AdmissionMetrics;
  readonly contentType: string;
  print(): Promise<string>;
};

/** Seconds. Below 5 ms is invisible to the API server, whose own buckets begin there; 34 s is its upper bound. */
const DURATION_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 10];

/** Makes the metrics of one process. Sources are read when they are printed, so counting costs them nothing. */
export function createMetrics(sources: readonly SampleSource[] = []): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  registerHeapGauge(registry);
  return {
    admission: admissionMetrics(registry),
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    print: async () => `${await registry.metrics()}${renderSamples(sources.flatMap((source) => source()))}`,
  };
}

/** The name under which dashboards made for Go programs look for memory in use. */
function registerHeapGauge(registry: Registry): void {
  new Gauge({
    name: "go_memstats_alloc_bytes",
    help: "Heap in use, under the name that dashboards for Go programs read",
    registers: [registry],
    collect() {
      this.set(process.memoryUsage().heapUsed);
    },
  });
}

const REQUEST_LABELS = ["webhook", "operation", "decision", "reason", "dry_run"] as const;

function admissionMetrics(registry: Registry): AdmissionMetrics {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const requests = counter("sluice_admission_requests_total", "Reviews answered", REQUEST_LABELS);
  const duration = new Histogram({
    name: "sluice_admission_duration_seconds",
    help: "From the arrival of a review's headers to its answer",
    labelNames: ["webhook"],
    buckets: DURATION_BUCKETS,
    registers,
  });
  const durations = { mutate: duration.labels("mutate"), validate: duration.labels("validate") };
  const denials = counter("sluice_admission_denials_total", "Objects refused, once for each rule that did", ["rule"]);
  const exemptions = counter("sluice_admission_exemptions_total", "Rules silenced by an exemption", ["rule"]);
  const rejected = counter("sluice_admission_rejected_requests_total", "Requests that are no review", ["status"]);
  const dropped = counter("sluice_admission_dropped_keys_total", "Keys that could poison a prototype, left out");
  const unchecked = counter("sluice_admission_patch_check_failures_total", "Patches not sent because a check failed");
  const handshakes = counter("sluice_admission_tls_handshake_errors_total", "TLS connections that failed to start");
  const inFlight = new Gauge({ name: "sluice_admission_in_flight", help: "Requests being served", registers });
  return {
    answered(review) {
      const { webhook, operation, decision, reason, dryRun } = review;
      requests.labels(webhook, operation, decision, reason, String(dryRun)).inc();
      durations[webhook].observe(review.seconds);
      for (const rule of review.deniedBy) denials.labels(rule).inc();
      for (const rule of review.exempted) exemptions.labels(rule).inc();
    },
    rejected: (status) => rejected.labels(String(status)).inc(),
    droppedKeys: (count) => dropped.inc(count),
    patchCheckFailed: () => unchecked.inc(),
    inFlight: (change) => inFlight.inc(change),
    handshakeFailed: () => handshakes.inc(),
  };
}
