import type { MetricSample } from "./sample.ts";

/** Exposition format 0.0.4: backslash, line feed and, in values, the double quote are escaped. */
const escapeHelp = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
const escapeValue = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Alphabetical, as every client of Prometheus prints them. */
const labelPairs = (labels: MetricSample["labels"]): readonly string[] =>
  Object.keys(labels)
    .sort()
    .map((key) => `${key}="${escapeValue(labels[key] ?? "")}"`);

const numberText = (value: number): string =>
  Number.isFinite(value) || Number.isNaN(value) ? String(value) : value > 0 ? "+Inf" : "-Inf";

const line = (name: string, pairs: readonly string[], value: number): string =>
  `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${numberText(value)}`;

/** The lines of one series. `le` stands behind all other labels, as in Go's client: whoever compares text wants it so. */
function seriesLines(sample: MetricSample): readonly string[] {
  const { name, value } = sample;
  const pairs = labelPairs(sample.labels);
  if (sample.type !== "histogram") return [line(name, pairs, value)];
  const bucket = (upTo: string, count: number) => line(`${name}_bucket`, [...pairs, `le="${upTo}"`], count);
  return [
    ...sample.buckets.map(({ upTo, count }) => bucket(numberText(upTo), count)),
    bucket("+Inf", value),
    line(`${name}_sum`, pairs, sample.sum),
    line(`${name}_count`, pairs, value),
  ];
}

/** Samples of one name under one heading, names and series in a stable order; labels alphabetical. */
export function renderSamples(samples: readonly MetricSample[]): string {
  const byName = Map.groupBy(samples, ({ name }) => name);
  const blocks = [...byName]
    .sort(([a], [b]) => compareText(a, b))
    .map(([name, series]) => {
      const [first] = series;
      const lines = series
        .map(seriesLines)
        .sort(([a = ""], [b = ""]) => compareText(a, b))
        .flat();
      return `# HELP ${name} ${escapeHelp(first?.help ?? "")}\n# TYPE ${name} ${first?.type ?? "gauge"}\n${lines.join("\n")}\n`;
    });
  return blocks.join("");
}
