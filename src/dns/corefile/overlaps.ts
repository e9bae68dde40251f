import type { ServerBlock, ServerKey } from "./corefile.ts";
import type { Report } from "./diagnostic.ts";

type Taken = { readonly key: ServerKey; readonly address: string };

/** The addresses that a block's `bind` lines name; one empty text stands for all addresses. */
function addressesOf({ directives }: ServerBlock): readonly string[] {
  const bound = directives
    .filter(({ name }) => name.text === "bind")
    .flatMap(({ args }) => args.map(({ text }) => text));
  return bound.length === 0 ? [""] : bound;
}

const describe = ({ zone, port }: ServerKey, address: string): string =>
  `dns://${zone}:${port}${address === "" ? "" : ` on ${address}`}`;

/**
 * Refuses a zone and port that two blocks answer for: at the same address, or at one address and at all of them
 * (CoreDNS core/dnsserver/address.go).
 */
export function reportOverlaps(servers: readonly ServerBlock[], report: Report): void {
  const taken = new Map<string, Map<string, Taken>>();
  for (const server of servers) {
    const addresses = addressesOf(server);
    for (const key of server.keys) {
      const id = `${key.zone} ${key.port}`;
      const others = taken.get(id) ?? new Map<string, Taken>();
      taken.set(id, others);
      for (const address of addresses) {
        reportOverlap({ key, address }, others, report);
        others.set(address, others.get(address) ?? { key, address });
      }
    }
  }
}

function reportOverlap({ key, address }: Taken, others: ReadonlyMap<string, Taken>, report: Report): void {
  const same = others.get(address);
  const [first] = others.values();
  const other = same ?? (address === "" ? first : others.get(""));
  if (other === undefined) return;
  const seen = `, see ${other.key.place.file}:${other.key.place.line}`;
  const problem =
    same === undefined
      ? `zone overlap listener capacity with ${describe(other.key, other.address)}`
      : "it is already defined";
  report.error(key.place, `cannot serve ${describe(key, address)} - ${problem}${seen}`);
}
