/** Hard facts of the API server (endpoints/filters/warning.go): control characters lose a warning, 4096 runes in all. */
const MAX_CHARACTERS = 120;
const MAX_WARNINGS = 8;

const CUT = "...";

/**
 * Text that a warning header can carry: one line of printable ASCII. A person's own words may stand in it, so
 * everything else becomes `?`.
 */
const printable = (text: string): string =>
  text
    .replace(/[\s\p{Cc}]+/gu, " ")
    .replace(/[^ -~]/gu, "?")
    .trim();

/** Cuts at the end, visibly. */
export const clip = (text: string, characters: number): string =>
  text.length <= characters ? text : `${text.slice(0, characters - CUT.length)}${CUT}`;

/**
 * Warnings as the API server passes them on: at most eight of at most 120 characters, each once, without full stop,
 * and a ninth that says how many more there are. The order is kept. The same input gives the same texts, by which the
 * API server recognises repetitions.
 */
export function sanitizeWarnings(warnings: readonly string[]): readonly string[] {
  const clean = warnings.map((warning) => clip(printable(warning).replace(/\.$/, ""), MAX_CHARACTERS));
  const distinct = [...new Set(clean)].filter((warning) => warning !== "");
  const more = distinct.length - MAX_WARNINGS;
  if (more <= 0) return distinct;
  return [...distinct.slice(0, MAX_WARNINGS), `${more} more ${more === 1 ? "warning" : "warnings"}, see sluice lint`];
}

/** Text for a status message or an audit value: one line, any letters. */
export const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, " ").trim();
