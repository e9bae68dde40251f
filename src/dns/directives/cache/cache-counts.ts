import type { Counter, Gauge, Meter } from "../../metrics/meter.ts";

/** What is counted of one half. */
export type PartCounts = { readonly hits: Counter; readonly evictions: Counter; readonly entries: Gauge };

/** CoreDNS's series (plugin/cache, 1.14). */
export type CacheCounts = {
  readonly requests: Counter;
  readonly misses: Counter;
  /** Renewals in the background, of popular and of stale entries. */
  readonly renewals: Counter;
  /** Answers to another question than the one that was asked. */
  readonly drops: Counter;
  readonly servedStale: Counter;
  readonly success: PartCounts;
  readonly denial: PartCounts;
};

/** `view` is empty: there are no views here. */
export function createCacheCounts(meter: Meter, server: string, zones: string): CacheCounts {
  const labels = { server, view: "", zones };
  const part = (type: string): PartCounts => ({
    hits: meter.counter("coredns_cache_hits_total", { ...labels, type }),
    evictions: meter.counter("coredns_cache_evictions_total", { ...labels, type }),
    entries: meter.gauge("coredns_cache_entries", { ...labels, type }),
  });
  return {
    requests: meter.counter("coredns_cache_requests_total", labels),
    misses: meter.counter("coredns_cache_misses_total", labels),
    renewals: meter.counter("coredns_cache_prefetch_total", labels),
    drops: meter.counter("coredns_cache_drops_total", labels),
    servedStale: meter.counter("coredns_cache_served_stale_total", labels),
    success: part("success"),
    denial: part("denial"),
  };
}
