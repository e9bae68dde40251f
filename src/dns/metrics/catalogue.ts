/** What a metric is, whatever its labels. */
export type MetricDefinition = {
  readonly name: string;
  readonly help: string;
} & (
  | {
      readonly type: "counter";
      /** Shown at zero before anything is counted: a counter without labels that alerts look at. */
      readonly fromStart?: boolean;
    }
  | {
      readonly type: "gauge";
      /** How several workers make one number; default `sum`. `largest` is for what every worker finds for itself. */
      readonly combine?: "sum" | "largest";
    }
  | {
      readonly type: "histogram";
      /** Upper bounds, rising; the last bucket, without a bound, is not listed. */
      readonly buckets: readonly number[];
    }
);

/** Seconds of a question or an exchange with an upstream: doubling from a quarter of a millisecond (CoreDNS). */
const TIME_BUCKETS: readonly number[] = [
  ...[0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032],
  ...[0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192],
];
/** Octets of a message (CoreDNS). */
const SIZE_BUCKETS: readonly number[] = [
  ...[0, 100, 200, 300, 400, 511, 1023],
  ...[2047, 4095, 8291, 16_000, 32_000, 48_000, 64_000],
];
/** Seconds of a health check by ourselves (CoreDNS). */
const HEALTH_BUCKETS: readonly number[] = [0.00025, 0.0025, 0.025, 0.25, 2.5];

const counter = (name: string, help: string): MetricDefinition => ({ name, help, type: "counter" });
const zeroCounter = (name: string, help: string): MetricDefinition => ({
  name,
  help,
  type: "counter",
  fromStart: true,
});
const gauge = (name: string, help: string): MetricDefinition => ({ name, help, type: "gauge" });
const largestGauge = (name: string, help: string): MetricDefinition => ({
  name,
  help,
  type: "gauge",
  combine: "largest",
});
const histogram = (name: string, help: string, buckets: readonly number[]): MetricDefinition => ({
  name,
  help,
  type: "histogram",
  buckets,
});

/** Names, labels and buckets of these are CoreDNS 1.14.7's, so that its dashboards and alerts work. */
const SERVER: readonly MetricDefinition[] = [
  gauge("coredns_build_info", "1; the labels say what runs."),
  gauge("coredns_plugin_enabled", "1 for each directive that answers or changes answers in a server block."),
  zeroCounter("coredns_panics_total", "Faults of the resolver, each of which cost one answer."),
  zeroCounter("coredns_reload_failed_total", "Corefiles that were not taken because of an error."),
  gauge("coredns_reload_version_info", "1; the labels hold the hash of the Corefile in use."),
  zeroCounter("coredns_health_request_failures_total", "Health checks by ourselves that failed."),
  histogram("coredns_health_request_duration_seconds", "Duration of health checks by ourselves.", HEALTH_BUCKETS),
  counter("coredns_dns_requests_total", "Questions, by address family, transport, server, type and zone."),
  counter("coredns_dns_do_requests_total", "Questions with the DNSSEC OK bit."),
  counter("coredns_dns_responses_total", "Answers, by response code and the directive that answered."),
  histogram("coredns_dns_request_duration_seconds", "From the arrival of a question to its answer.", TIME_BUCKETS),
  histogram("coredns_dns_request_size_bytes", "Octets of questions.", SIZE_BUCKETS),
  histogram("coredns_dns_response_size_bytes", "Octets of answers.", SIZE_BUCKETS),
];

const DIRECTIVES: readonly MetricDefinition[] = [
  gauge("coredns_cache_entries", "Answers in the cache."),
  counter("coredns_cache_hits_total", "Questions that the cache answered."),
  counter("coredns_cache_misses_total", "Questions that the cache could not answer."),
  counter("coredns_cache_requests_total", "Questions that came to the cache."),
  counter("coredns_cache_evictions_total", "Answers that made room for others."),
  counter("coredns_cache_prefetch_total", "Answers that were fetched again before they ended."),
  counter("coredns_cache_drops_total", "Answers that were not kept because they do not fit their question."),
  counter("coredns_cache_served_stale_total", "Questions answered with what had ended."),
  histogram("coredns_proxy_request_duration_seconds", "Duration of exchanges with an upstream.", TIME_BUCKETS),
  counter("coredns_proxy_healthcheck_failures_total", "Health checks of an upstream that failed."),
  counter("coredns_proxy_conn_cache_hits_total", "Exchanges over a socket that was open."),
  counter("coredns_proxy_conn_cache_misses_total", "Exchanges that opened a socket."),
  zeroCounter("coredns_forward_healthcheck_broken_total", "Questions for which every upstream was down."),
  zeroCounter("coredns_forward_max_concurrent_rejects_total", "Questions beyond the limit of those under way."),
  counter("coredns_acl_blocked_requests_total", "Questions that were refused."),
  counter("coredns_acl_filtered_requests_total", "Questions that were answered with nothing."),
  counter("coredns_acl_dropped_requests_total", "Questions that were not answered."),
  counter("coredns_acl_allowed_requests_total", "Questions that passed the access list."),
  largestGauge("coredns_hosts_entries", "Names and addresses in the hosts file and the lines of the Corefile."),
  largestGauge("coredns_hosts_reload_timestamp_seconds", "When the hosts file was last read, since the epoch."),
  counter("coredns_local_localhost_requests_total", "Questions for names below localhost with a search domain."),
  counter("coredns_template_matches_total", "Questions that a template answered."),
  counter("coredns_template_template_failures_total", "Templates that could not be filled in."),
  counter("coredns_template_rr_failures_total", "Records of templates that could not be read."),
];

/** Series that CoreDNS has dropped, and that dashboards still ask for. */
const LEGACY: readonly MetricDefinition[] = [
  counter("coredns_forward_requests_total", "Exchanges with an upstream."),
  counter("coredns_forward_responses_total", "Replies of an upstream, by response code."),
  histogram("coredns_forward_request_duration_seconds", "Duration of exchanges with an upstream.", TIME_BUCKETS),
  counter("coredns_forward_conn_cache_hits_total", "Exchanges over a socket that was open."),
  counter("coredns_forward_conn_cache_misses_total", "Exchanges that opened a socket."),
];

/** Names of those. */
export const LEGACY_METRICS: ReadonlySet<string> = new Set(LEGACY.map(({ name }) => name));

const SLUICE: readonly MetricDefinition[] = [
  counter("sluice_dns_egress_total", "Questions for egress hostnames, by gateway, listener and result."),
  counter(
    "sluice_dns_bypass_prevented_total",
    "Answers that would have shown the real address of an egress hostname, by what was held back.",
  ),
  counter("sluice_dns_guard_skipped_total", "Aliases into names that only a wildcard claims, which pass the guard."),
  gauge(
    "sluice_dns_table_names",
    "Egress hostnames: answered, without a usable address, claimed by more than one gateway.",
  ),
  largestGauge("sluice_dns_table_version", "Rises with every replacement of the table."),
  largestGauge("sluice_dns_table_age_seconds", "Time since the table was replaced."),
  gauge("sluice_dns_table_source", "1 for where the table comes from: watch or snapshot."),
  counter("sluice_dns_gateway_client_queries_total", "Questions of gateway pods, which get the real addresses."),
  largestGauge("sluice_dns_loop_detected", "1 while the upstream sends our own questions back."),
  counter("sluice_dns_upstream_retries_total", "Further attempts at an upstream, by reason."),
  counter("sluice_dns_rate_limited_total", "Questions beyond their client's rate, refused or dropped."),
  zeroCounter("sluice_dns_metric_series_dropped_total", "Series that are not shown because too many were made."),
];

/** Every metric of the resolver by its name. */
export const CATALOGUE: ReadonlyMap<string, MetricDefinition> = new Map(
  [...SERVER, ...DIRECTIVES, ...LEGACY, ...SLUICE].map((definition) => [definition.name, definition]),
);

/** The definition of a metric. Throws for a name that is not in the catalogue: that is a mistake of ours. */
export function definitionOf(name: string): MetricDefinition {
  const definition = CATALOGUE.get(name);
  if (definition === undefined) throw new Error(`the catalogue has no metric ${name}`);
  return definition;
}
