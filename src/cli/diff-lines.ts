/** Lines `from` to `to` (exclusive, from 0) of the old text give way to lines `newFrom` to `newTo` of the new. */
export type LineChange = {
  readonly from: number;
  readonly to: number;
  readonly newFrom: number;
  readonly newTo: number;
};

/** Steps of one search; beyond them the best way so far is taken, and the search goes on from its end. */
const SEARCH_DEPTH = 400;

type Point = { readonly x: number; readonly y: number };

/** The line pairs that one search finds to be equal, and where it stopped. */
type Found = { readonly matches: readonly Point[]; readonly end: Point };

type Lines = readonly string[];

/** Moves on over equal lines. */
function slide(a: Lines, b: Lines, x: number, y: number): number {
  let at = x;
  while (at < a.length && y + at - x < b.length && a[at] === b[y + at - x]) at++;
  return at;
}

/** Goes back from a point through the fronts of a search and collects the equal lines on the way. */
function trace(fronts: readonly ReadonlyMap<number, number>[], start: Point, end: Point): readonly Point[] {
  const matches: Point[] = [];
  let { x, y } = end;
  for (let depth = fronts.length - 1; depth >= 0; depth--) {
    const before = fronts[depth - 1];
    const k = x - y;
    const down = (before?.get(k + 1) ?? -1) > (before?.get(k - 1) ?? -2);
    const previousX = before === undefined ? start.x : down ? (before.get(k + 1) ?? 0) : (before.get(k - 1) ?? 0);
    const previousY = before === undefined ? start.y : previousX - (down ? k + 1 : k - 1);
    while (x > previousX && y > previousY) {
      x--;
      y--;
      matches.push({ x, y });
    }
    x = previousX;
    y = previousY;
  }
  return matches.reverse();
}

/**
 * The shortest way from `start` towards the ends of both texts. SOURCE: E. Myers, "An O(ND) Difference Algorithm and
 * Its Variations", 1986, the greedy algorithm of section 4.
 */
function search(a: Lines, b: Lines, start: Point): Found {
  const fronts: Map<number, number>[] = [];
  const origin = start.x - start.y;
  let best: Point = start;
  for (let depth = 0; depth <= SEARCH_DEPTH; depth++) {
    const before = fronts[depth - 1];
    const front = new Map<number, number>();
    fronts.push(front);
    for (let k = origin - depth; k <= origin + depth; k += 2) {
      const down = (before?.get(k + 1) ?? -1) > (before?.get(k - 1) ?? -2);
      const from = before === undefined ? start.x : down ? (before.get(k + 1) ?? -1) : (before.get(k - 1) ?? -2) + 1;
      if (from < start.x || from > a.length || from - k > b.length || from - k < start.y) continue;
      const x = slide(a, b, from, from - k);
      front.set(k, x);
      if (x + x - k > best.x + best.y) best = { x, y: x - k };
      if (x === a.length && x - k === b.length) return { matches: trace(fronts, start, { x, y: x - k }), end: best };
    }
  }
  const reached = fronts.findIndex((front) => front.get(best.x - best.y) === best.x);
  return { matches: trace(fronts.slice(0, reached + 1), start, best), end: best };
}

/** What has to change in the lines `a` to give `b`, in order. */
export function diffLines(a: Lines, b: Lines): readonly LineChange[] {
  const changes: LineChange[] = [];
  let last: Point = { x: 0, y: 0 };
  const upTo = ({ x, y }: Point): void => {
    if (x > last.x || y > last.y) changes.push({ from: last.x, to: x, newFrom: last.y, newTo: y });
    last = { x: x + 1, y: y + 1 };
  };
  let at: Point = { x: 0, y: 0 };
  while (at.x < a.length && at.y < b.length) {
    const found = search(a, b, at);
    for (const match of found.matches) upTo(match);
    at = found.end;
  }
  upTo({ x: a.length, y: b.length });
  return changes;
}
