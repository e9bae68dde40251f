import type { Labels, Meter } from "../metrics/meter.ts";

/** Counts in memory of its own, for one question. */
export type TraceMeter = {
  readonly meter: Meter;
  /** What was counted, by series: `sluice_dns_bypass_prevented_total{kind="cname"}`; of a histogram how often. */
  counts(): Readonly<Record<string, number>>;
};

function seriesText(name: string, labels: Labels): string {
  const pairs = Object.keys(labels)
    .toSorted()
    .map((label) => `${label}=${JSON.stringify(labels[label])}`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
}

export function createTraceMeter(): TraceMeter {
  const counts = new Map<string, number>();
  const adder = (name: string, labels: Labels = {}) => {
    const series = seriesText(name, labels);
    return (amount: number): void => void counts.set(series, (counts.get(series) ?? 0) + amount);
  };
  const nothing = (): void => undefined;
  return {
    meter: {
      counter(name, labels) {
        const add = adder(name, labels);
        return { add: (amount = 1) => add(amount) };
      },
      // A state, which one question does not change for others.
      gauge: () => ({ set: nothing, add: nothing }),
      histogram(name, labels) {
        const add = adder(name, labels);
        return { observe: () => add(1) };
      },
    },
    counts: () => Object.fromEntries([...counts].filter(([, count]) => count > 0)),
  };
}
