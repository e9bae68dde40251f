import { normalizeHostname } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";

/** One zone of a CoreDNS provider as its Secret writes it. */
type ProviderZone = {
  /** As written between two commas, spaces included. */
  readonly written: string;
  /** In comparable form; undefined for what is no host name. */
  readonly zone: string | undefined;
};

/** The zones of a provider, and the field that names them; undefined when the Secret in view names none. */
type ProviderZones = { readonly path: readonly string[]; readonly zones: readonly ProviderZone[] };

/** Reads `ZONES` of a provider's Secret: names between commas, which the provider does not trim. */
export function providerZones({ data, stringData }: Kinds["Secret"]): ProviderZones | undefined {
  if (stringData?.ZONES !== undefined) return { path: ["stringData", "ZONES"], zones: split(stringData.ZONES) };
  if (data?.ZONES === undefined) return undefined;
  return { path: ["data", "ZONES"], zones: split(Buffer.from(data.ZONES, "base64").toString("utf8")) };
}

const split = (text: string): readonly ProviderZone[] =>
  text
    .split(",")
    .filter((written) => written.trim() !== "")
    .map((written) => ({ written, zone: normalizeHostname(written.trim()) }));

/** Whether a name is a zone's own or below it. */
export const isInZone = (name: string, zone: string): boolean => name === zone || name.endsWith(`.${zone}`);
