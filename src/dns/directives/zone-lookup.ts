import { foldKey, isAtOrBelow, type NameKey, parseName } from "../wire/name.ts";

/** Gives the longest zone that a name lies in, as text; undefined for none. */
export type ZoneLookup = (key: NameKey) => string | undefined;

/** The key of a name that was checked when the settings were read. Throws for one that is none. */
export function settingKey(name: string): NameKey {
  const raw = parseName(name);
  if (raw === undefined) throw new Error(`the settings hold a name that is none: ${name}`);
  return foldKey(raw);
}

/** For zones as settings have them: absolute, lower case. */
export function createZoneLookup(zones: readonly string[]): ZoneLookup {
  const found = zones
    .map((text) => ({ text, key: settingKey(text) }))
    .toSorted((one, two) => two.key.length - one.key.length);
  const [first] = found;
  if (first === undefined) return () => undefined;
  // By far the most frequent case, and no comparison at all.
  if (first.key === "") return () => first.text;
  return (key) => found.find((zone) => key.endsWith(zone.key) && isAtOrBelow(key, zone.key))?.text;
}
