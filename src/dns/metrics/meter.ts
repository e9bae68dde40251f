/** Labels of one series; values never hold a name that was asked for. */
export type Labels = Readonly<Record<string, string>>;

export type Counter = { add(amount?: number): void };
export type Gauge = { set(value: number): void; add(amount: number): void };
/** Observes seconds, or octets; the buckets are those of the metric's entry in the catalogue. */
export type Histogram = { observe(value: number): void };

/**
 * Where a worker counts. Asking twice for one name and one set of labels gives the same series. Make series when a
 * handler is created, not for each question: making one posts a message, counting is one addition in shared memory.
 * Throws for a name that the catalogue (`metrics/catalogue.ts`) does not have.
 */
export type Meter = {
  counter(name: string, labels?: Labels): Counter;
  /** Gauges of several workers are added up, unless the catalogue says that the largest counts. */
  gauge(name: string, labels?: Labels): Gauge;
  histogram(name: string, labels?: Labels): Histogram;
};
