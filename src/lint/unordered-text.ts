/** A text of a JSON value that does not depend on the order of members of maps, nor on that of items of lists. */
export function unorderedText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(unorderedText).sort().join()}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "";
  const members = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${unorderedText(inner)}`);
  return `{${members.sort().join()}}`;
}

/** The words of a sentence, sorted and without numbers: lists are told in their order, and counted. */
export const unorderedWords = (sentence: string): string =>
  sentence
    .split(/[\s,;:.()]+/)
    .filter((word) => !/^\d+$/.test(word))
    .sort()
    .join(" ");
