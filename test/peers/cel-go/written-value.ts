import { evaluate } from "../../../src/cel/evaluate.ts";
import { type CelTagged, type CelValue, celOf, isList, isMap } from "../../../src/cel/evaluate-values.ts";
import { parseExpression } from "../../../src/cel/parse.ts";
import { createPatterns } from "../../../src/cel/patterns.ts";

const patterns = createPatterns();

/** Go's shortest form with an exponent of at least two digits. */
function writtenDouble(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const text = Object.is(value, -0) ? "-0e+0" : value.toExponential();
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

function writtenTagged(value: CelTagged): unknown {
  switch (value.type) {
    case "uint":
      return { uint: `${value.value}` };
    case "bytes":
      return { bytes: Buffer.from(value.value).toString("base64") };
    case "timestamp": {
      const seconds = (value.ns - (((value.ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)) / 1_000_000_000n;
      return { timestamp: `${seconds}.${`${value.ns - seconds * 1_000_000_000n}`.padStart(9, "0")}` };
    }
    case "duration":
      return { duration: `${value.ns}` };
    case "optional":
      return { optional: value.value === undefined ? [] : [written(value.value)] };
    case "type":
      return { type: value.name };
    default:
      return { other: value.type };
  }
}

/** A value with its type, as `main.go` writes it. */
function written(value: CelValue): unknown {
  if (value === null) return { null: true };
  if (typeof value === "boolean") return { bool: value };
  if (typeof value === "bigint") return { int: `${value}` };
  if (typeof value === "number") return { double: writtenDouble(value) };
  if (typeof value === "string") return { string: value };
  if (isList(value)) return { list: value.map(written) };
  if (!isMap(value)) return writtenTagged(value);
  const pairs = [...value].map(([key, item]) => [written(key), written(item)] as const);
  const order = ([key]: readonly [unknown, unknown]): string => JSON.stringify(key);
  return { map: pairs.sort((a, b) => (order(a) < order(b) ? -1 : 1)) };
}

/** What our evaluation gives: a value as cel-go's is written, `failed`, or `unchecked` where nothing is concluded. */
export function evaluated(text: string, bindings: Readonly<Record<string, unknown>>): unknown {
  const parsed = parseExpression(text);
  if (!parsed.ok) return parsed.problems[0]?.certainty === "unchecked" ? "unchecked" : "refused";
  const variables = new Map(Object.entries(bindings).map(([name, value]) => [name, celOf(value)]));
  const outcome = evaluate(parsed.value, { variables, budget: { steps: 100_000 }, patterns });
  if (outcome.status === "value") return written(outcome.value);
  return outcome.status === "error" ? "failed" : "unchecked";
}
