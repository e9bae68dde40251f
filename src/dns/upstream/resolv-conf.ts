import { parseUpstream, type UpstreamAddress } from "./address.ts";

/** What a host's resolver file says (resolv.conf(5)). */
export type ResolvConf = {
  readonly nameservers: readonly UpstreamAddress[];
  readonly searches: readonly string[];
  /** Default 1. */
  readonly ndots: number;
};

/** glibc reads no more (MAXNS in resolv.h). */
const MAX_NAMESERVERS = 3;
const DEFAULT_NDOTS = 1;
/** glibc caps it here (RES_MAXNDOTS). */
const MAX_NDOTS = 15;

/**
 * Reads the text of a resolv.conf as glibc does: unknown lines and nameservers that are no address are passed over, the
 * last `search` or `domain` counts. A nameserver with a zone (`fe80::1%eth0`) is passed over too.
 */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: UpstreamAddress[] = [];
  let searches: readonly string[] = [];
  let ndots = DEFAULT_NDOTS;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*[#;]/.test(line)) continue;
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === "nameserver") {
      const address = parseUpstream(values[0] ?? "");
      const plain = address.ok && !address.value.host.includes("%") && values[0] === address.value.host;
      if (plain && nameservers.length < MAX_NAMESERVERS) nameservers.push(address.value);
    }
    if (keyword === "search" || keyword === "domain") searches = keyword === "domain" ? values.slice(0, 1) : values;
    if (keyword === "options") {
      for (const option of values) {
        const given = /^ndots:(\d{1,4})$/.exec(option);
        if (given !== null) ndots = Math.min(Number(given[1]), MAX_NDOTS);
      }
    }
  }
  return { nameservers, searches, ndots };
}
