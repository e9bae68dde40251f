/** One series that is kept outside the metrics registry and read when it is scraped. */
export type MetricSample = {
  readonly name: string;
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of a histogram: the number of observations. */
  readonly value: number;
} & (
  | { readonly type: "counter" | "gauge" }
  | {
      readonly type: "histogram";
      readonly sum: number;
      /** By upper bound, rising, each count with those below; the bucket without a bound is `value`. */
      readonly buckets: readonly { readonly upTo: number; readonly count: number }[];
    }
);

/** Gives the series of one part of the program, summed at the moment of the call. */
export type SampleSource = () => readonly MetricSample[];
