/** Names are compared up to here; the API allows 253, and a suggestion for a longer one helps nobody. */
const MAX_COMPARED = 64;

/** How many names are compared: each costs up to 64 × 64 steps, and this is asked in the path of an admission. */
const MAX_CANDIDATES = 50;

/** How many letters may differ: a third of the name, so that short names are not mistaken for each other. */
const MAX_WRONG_SHARE = 1 / 3;

/** How many letters must be changed, added or taken away to turn one text into the other. */
function distance(a: string, b: string): number {
  let row = [...b, ""].map((_, column) => column);
  for (const [line, letter] of [...a].entries()) {
    const next = [line + 1];
    for (const [column, other] of [...b].entries()) {
      const changed = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(changed, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The name that a misspelt one most likely means; letter case and the kind of dash do not count. */
export function nearestName(name: string, known: readonly { readonly name: string }[]): string | undefined {
  const plain = (text: string): string => text.slice(0, MAX_COMPARED).toLowerCase().replaceAll("-", "_");
  const [best] = known
    .slice(0, MAX_CANDIDATES)
    .map(({ name: candidate }) => ({ candidate, wrong: distance(plain(name), plain(candidate)) }))
    .filter(({ candidate, wrong }) => wrong <= plain(candidate).length * MAX_WRONG_SHARE)
    .toSorted((a, b) => a.wrong - b.wrong);
  return best?.candidate;
}
