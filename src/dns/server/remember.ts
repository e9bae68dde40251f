/** Entries of one memory. Sources of datagrams can be forged, so any number of addresses may turn up. */
const MAX_REMEMBERED = 10_000;

/** `find` with its results kept by text. All are forgotten when they are too many: finding again costs little. */
export function remembering<Found>(find: (text: string) => Found): (text: string) => Found {
  const known = new Map<string, Found>();
  return (text) => {
    const remembered = known.get(text);
    if (remembered !== undefined) return remembered;
    const found = find(text);
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(text, found);
    return found;
  };
}
