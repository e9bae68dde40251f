/** Names are compared up to here; Kubernetes allows 253, and a suggestion for a longer one helps nobody. */
const MAX_COMPARED = 64;

/** How many names are compared: each costs up to 64 × 64 steps, and this is asked in the path of an admission. */
const MAX_CANDIDATES = 100;

/** How many letters may differ: a third of the name, so that short names are not mistaken for each other. */
const MAX_WRONG_SHARE = 1 / 3;

/** How many letters must be changed, added or taken away to turn one text into the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let line = 1; line <= a.length; line += 1) {
    const next = [line];
    for (let column = 1; column <= b.length; column += 1) {
      const changed = (row[column - 1] ?? 0) + (a[line - 1] === b[column - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

const plain = (text: string): string => text.slice(0, MAX_COMPARED).toLowerCase().replaceAll("-", "_");

/** The name that a misspelt one most likely means; letter case and the kind of dash do not count. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const [best] = known
    .slice(0, MAX_CANDIDATES)
    .map((candidate) => ({ candidate, wrong: distance(plain(name), plain(candidate)) }))
    .filter(({ candidate, wrong }) => wrong <= plain(candidate).length * MAX_WRONG_SHARE)
    .toSorted((a, b) => a.wrong - b.wrong || (a.candidate < b.candidate ? -1 : 1));
  return best?.candidate;
}
