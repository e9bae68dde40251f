import type { CorefileLine, ServerBlock } from "../../dns/corefile/corefile.ts";
import { createReport } from "../../dns/corefile/diagnostic.ts";
import { parseCorefile } from "../../dns/corefile/parse-corefile.ts";
import { isInZone, parseZones } from "../../dns/corefile/zone.ts";
import type { FieldPath } from "../../model/field-path.ts";
import { normalizeHostname } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";
import type { Place, TextRange } from "../../model/place.ts";
import { fail } from "../../model/result.ts";

/** Where a ConfigMap holds a Corefile. */
export const COREFILE_PATH: FieldPath = ["data", "Corefile"];

/** A zone of a `kuadrant` directive, absolute and in lower case, with the word that names it. */
export type KuadrantZone = {
  readonly zone: string;
  readonly port: number;
  readonly range: TextRange;
};

/** The Corefile of Kuadrant's CoreDNS: one in which `kuadrant` answers for something. */
export type KuadrantCorefile = {
  readonly configMap: Kinds["ConfigMap"];
  readonly servers: readonly ServerBlock[];
  readonly zones: readonly KuadrantZone[];
  /** Where a word of it stands in the text. */
  rangeOf(place: Place): TextRange;
};

/** Objects are immutable, and several rules ask. */
const known = new WeakMap<Kinds["ConfigMap"], readonly ServerBlock[] | undefined>();

/** The server blocks of a ConfigMap's Corefile; undefined without one, and where a part of it is not in view. */
export function serversOf(configMap: Kinds["ConfigMap"]): readonly ServerBlock[] | undefined {
  if (known.has(configMap)) return known.get(configMap);
  const servers = readServers(configMap.data?.Corefile ?? "");
  known.set(configMap, servers);
  return servers;
}

function readServers(text: string): readonly ServerBlock[] | undefined {
  if (text.trim() === "") return undefined;
  const report = createReport();
  let partial = false;
  const files = {
    read: () => {
      partial = true;
      return fail("it is not in view");
    },
    glob: () => {
      partial = true;
      return [];
    },
  };
  const { servers } = parseCorefile({ file: "Corefile", text, environment: {}, files, report });
  return partial || report.hasErrors() ? undefined : servers;
}

/** The same when `kuadrant` is among its directives. */
export function kuadrantCorefile(configMap: Kinds["ConfigMap"]): KuadrantCorefile | undefined {
  const text = configMap.data?.Corefile ?? "";
  const servers = text.includes("kuadrant") ? (serversOf(configMap) ?? []) : [];
  const rangeOf = rangesIn(text);
  const zones = servers.flatMap((server) =>
    directives(server, "kuadrant").flatMap((line) => zonesOf(line, server, rangeOf)),
  );
  return zones.length === 0 ? undefined : { configMap, servers, zones, rangeOf };
}

export const directives = (server: ServerBlock, name: string): readonly CorefileLine[] =>
  server.directives.filter((line) => line.name.text === name);

/** The zones of a directive, else those of its server block. */
function zonesOf(
  { args }: CorefileLine,
  { keys }: ServerBlock,
  rangeOf: (place: Place) => TextRange,
): readonly KuadrantZone[] {
  if (args.length === 0) return keys.map(({ zone, port, place }) => ({ zone, port, range: rangeOf(place) }));
  const port = keys[0]?.port ?? 0;
  return args.flatMap(({ text, place }) => {
    const read = parseZones(text);
    return read.ok ? read.value.map((zone) => ({ zone, port, range: rangeOf(place) })) : [];
  });
}

/** Turns lines and columns into positions of a text. */
function rangesIn(text: string): (place: Place) => TextRange {
  const starts = [0];
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", end + 1)) starts.push(end + 1);
  const offset = (line: number, column: number): number => (starts[line - 1] ?? 0) + column - 1;
  return ({ line, column, endLine, endColumn }) => ({ start: offset(line, column), end: offset(endLine, endColumn) });
}

/** Whether a zone holds a host name in comparable form, or a wildcard's base. */
export const holdsHost = (zone: string, host: string): boolean =>
  isInZone(`${host.startsWith("*.") ? host.slice(2) : host}.`, zone);

/** A zone as people write it; undefined for the root and for what is no host name. */
export const zoneName = (zone: string): string | undefined => normalizeHostname(zone.replace(/\.$/, ""));
