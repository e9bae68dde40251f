import { type InNetworks, networksOf } from "../../networks.ts";
import { remembering } from "../../server/remember.ts";
import { createZoneLookup, type ZoneLookup } from "../zone-lookup.ts";
import type { AclRule, AclSettings } from "./setup.ts";

/** A rule without its networks: it is about one client. */
export type ClientRule = { readonly action: AclRule["action"]; readonly types: ReadonlySet<number> | undefined };

/** What one `acl` line says about one client; never empty. */
export type ClientLine = {
  /** Its place among the block's `acl` lines. */
  readonly index: number;
  readonly zoneOf: ZoneLookup;
  readonly rules: readonly ClientRule[];
};

const NO_LINES: readonly ClientLine[] = [];

type Line = {
  readonly zoneOf: ZoneLookup;
  /** Whether it is about every name. */
  readonly everywhere: boolean;
  readonly rules: readonly { readonly rule: ClientRule; readonly matches: InNetworks }[];
};

const lineOf = ({ zones, rules }: AclSettings): Line => ({
  zoneOf: createZoneLookup(zones),
  everywhere: zones.includes("."),
  rules: rules.map(({ action, types, networks }) => ({
    rule: { action, types: types === undefined ? undefined : new Set(types) },
    matches: networksOf(networks),
  })),
});

const allows = ({ action }: ClientRule): boolean => action === "allow";

/** Up to the first rule that holds for every type: those behind it never matter. */
function reachable(rules: readonly ClientRule[]): readonly ClientRule[] {
  const last = rules.findIndex(({ types }) => types === undefined);
  return last === -1 ? rules : rules.slice(0, last + 1);
}

/** The lines that may keep something from a client at `address`; none for one that may ask everything. */
function linesFor(lines: readonly Line[], address: string): readonly ClientLine[] {
  const found: ClientLine[] = [];
  for (const [index, { zoneOf, everywhere, rules }] of lines.entries()) {
    const own = reachable(rules.flatMap(({ rule, matches }) => (matches(address) ? [rule] : [])));
    if (own.length > 0) found.push({ index, zoneOf, rules: own });
    if (everywhere && own.at(-1)?.types === undefined && own.length > 0) break;
  }
  while (found.at(-1)?.rules.every(allows) === true) found.pop();
  return found.length === 0 ? NO_LINES : found;
}

/**
 * What the lines say about a client, remembered by its address: matching networks costs more than all else that happens
 * to a question.
 */
export function createClientLines(settings: readonly AclSettings[]): (address: string) => readonly ClientLine[] {
  const lines = settings.map(lineOf);
  return remembering((address) => linesFor(lines, address));
}
