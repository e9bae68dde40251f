/** One series of a counter or gauge that is kept outside the metrics registry and read when it is scraped. */
export type MetricSample = {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};

/** Gives the series of one part of the program, summed at the moment of the call. */
export type SampleSource = () => readonly MetricSample[];
