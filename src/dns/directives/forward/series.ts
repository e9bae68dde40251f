import type { Counter, Histogram, Meter } from "../../metrics/meter.ts";
import type { RetryReason } from "../../upstream/attempts.ts";
import type { UpstreamObserver, UpstreamProtocol } from "../../upstream/upstream.ts";
import { rcodeName } from "../../wire/codes.ts";

const PROXY = { proxy_name: "forward" } as const;

/** Response codes without a name in `wire/codes.ts`, as CoreDNS labels them; others stand as their number. */
const MORE_RCODES: Readonly<Record<number, string>> = {
  6: "YXDOMAIN",
  7: "YXRRSET",
  8: "NXRRSET",
  9: "NOTAUTH",
  10: "NOTZONE",
};

const rcodeLabel = (rcode: number): string => MORE_RCODES[rcode] ?? rcodeName(rcode).replace(/^RCODE/, "");

type RcodeSeries = { readonly durations: readonly Histogram[]; readonly responses: Counter };

/** One of a few, made when it is first needed. Replies have codes below 16: there are no more than 16 of each. */
function lazily<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>();
  return (key) => {
    const found = made.get(key);
    if (found !== undefined) return found;
    const fresh = make(key);
    made.set(key, fresh);
    return fresh;
  };
}

/** Counts what happens at one upstream, `to` as `10.96.0.10:53`: CoreDNS's series, and those that it has dropped. */
export function upstreamSeries(meter: Meter, to: string): UpstreamObserver {
  const requests = meter.counter("coredns_forward_requests_total", { to });
  const rcodes = lazily((rcode: number): RcodeSeries => {
    const labels = { rcode: rcodeLabel(rcode), to };
    return {
      durations: [
        meter.histogram("coredns_proxy_request_duration_seconds", { ...PROXY, ...labels }),
        meter.histogram("coredns_forward_request_duration_seconds", labels),
      ],
      responses: meter.counter("coredns_forward_responses_total", labels),
    };
  });
  const uses = (open: boolean) =>
    lazily((proto: UpstreamProtocol): readonly Counter[] => {
      const what = open ? "hits" : "misses";
      return [
        meter.counter(`coredns_proxy_conn_cache_${what}_total`, { ...PROXY, proto, to }),
        meter.counter(`coredns_forward_conn_cache_${what}_total`, { proto, to }),
      ];
    });
  const [hits, misses] = [uses(true), uses(false)];
  const probes = lazily((_: 0) => meter.counter("coredns_proxy_healthcheck_failures_total", { ...PROXY, to }));
  return {
    onReply(rcode, seconds) {
      const series = rcodes(rcode);
      requests.add();
      series.responses.add();
      for (const histogram of series.durations) histogram.observe(seconds);
    },
    onUse(protocol, open) {
      for (const counter of (open ? hits : misses)(protocol)) counter.add();
    },
    onProbeFailed: () => probes(0).add(),
  };
}

/** Counts what concerns a whole line. The first two are shown at zero from the start. */
export type ForwardSeries = {
  readonly allDown: Counter;
  readonly overload: Counter;
  readonly rateLimited: Counter;
  readonly retry: (reason: RetryReason) => void;
};

export function forwardSeries(meter: Meter): ForwardSeries {
  const retries = lazily((reason: RetryReason) => meter.counter("sluice_dns_upstream_retries_total", { reason }));
  return {
    allDown: meter.counter("coredns_forward_healthcheck_broken_total"),
    overload: meter.counter("coredns_forward_max_concurrent_rejects_total"),
    rateLimited: meter.counter("sluice_dns_rate_limited_total"),
    retry: (reason) => retries(reason).add(),
  };
}
