import type { FieldPath } from "../model/field-path.ts";
import { nearestName } from "../model/nearest-name.ts";
import { type ConfigShape, MAX_ITEMS } from "./lint-config-shape.ts";

/** What is wrong with one value or key of a settings file. */
export type ConfigProblem = { readonly path: FieldPath; readonly at: "key" | "value"; readonly message: string };

const describe = (value: unknown): string => {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a map" : `the ${typeof value} ${JSON.stringify(value)}`;
};

/** Names are compared in portions: a comparison takes a bounded number of them. */
const PORTION = 100;

/** The known name that a misspelt one most likely means. */
export function nearestOf(name: string, known: readonly string[]): string | undefined {
  const portions = Array.from({ length: Math.ceil(known.length / PORTION) }, (_, index) =>
    known.slice(index * PORTION, (index + 1) * PORTION),
  );
  return nearestName(
    name,
    portions.flatMap((portion) => nearestName(name, portion) ?? []),
  );
}

const meant = (name: string, known: readonly string[]): string => {
  const near = nearestOf(name, known);
  return near === undefined ? "" : `; did you mean \`${near}\`?`;
};

/** Few enough to be listed; otherwise the list is in the documentation. */
const LISTED = 8;

const oneOf = (known: readonly string[]): string =>
  known.length <= LISTED ? `; it is one of ${known.join(", ")}` : "";

function checkText(value: unknown, shape: ConfigShape & { type: "text" }): string | undefined {
  if (typeof value !== "string") return `must be a text, got ${describe(value)}`;
  const { choices, also, format } = shape;
  if (choices !== undefined && !choices.includes(value) && also?.test(value) !== true) {
    const near = meant(value, choices);
    return `\`${value}\` is not known here${near === "" ? oneOf(choices) : near}`;
  }
  if (format !== undefined && !format.pattern.test(value)) return `must be ${format.expects}, got \`${value}\``;
  return undefined;
}

function checkInteger(value: unknown, { minimum, maximum }: ConfigShape & { type: "integer" }): string | undefined {
  return Number.isSafeInteger(value) && Number(value) >= minimum && Number(value) <= maximum
    ? undefined
    : `must be a whole number from ${minimum} to ${maximum}, got ${describe(value)}`;
}

function checkMap(value: object, shape: ConfigShape & { type: "map" }, path: FieldPath): readonly ConfigProblem[] {
  const known = Object.keys(shape.fields);
  const missing = (shape.required ?? [])
    .filter((key) => !Object.hasOwn(value, key))
    .map((key): ConfigProblem => ({ path, at: "value", message: `\`${key}\` is missing` }));
  return [
    ...missing,
    ...Object.entries(value).flatMap(([key, entry]): readonly ConfigProblem[] => {
      const listed = shape.also?.test(key) === true ? shape.fields[known[0] ?? ""] : undefined;
      const field = Object.hasOwn(shape.fields, key) ? shape.fields[key] : listed;
      if (field !== undefined) return checkConfig(entry, field, [...path, key]);
      const near = meant(key, known);
      const message = `there is no ${shape.keys} \`${key}\`${near === "" ? oneOf(known) : near}`;
      return [{ path: [...path, key], at: "key", message }];
    }),
  ];
}

/** Everything that is wrong with a value, in the order in which it is written. */
export function checkConfig(value: unknown, shape: ConfigShape, path: FieldPath = []): readonly ConfigProblem[] {
  const problem = (message: string): readonly ConfigProblem[] => [{ path, at: "value", message }];
  switch (shape.type) {
    case "text":
    case "integer": {
      const message = shape.type === "text" ? checkText(value, shape) : checkInteger(value, shape);
      return message === undefined ? [] : problem(message);
    }
    case "list":
      if (!Array.isArray(value)) return problem(`must be a list, got ${describe(value)}`);
      if (value.length > MAX_ITEMS) return problem(`may hold ${MAX_ITEMS} items, got ${value.length}`);
      return value.flatMap((item, index) => checkConfig(item, shape.items, [...path, index]));
    case "map":
      if (value === null || typeof value !== "object" || Array.isArray(value)) {
        return problem(`must be a map, got ${describe(value)}`);
      }
      return checkMap(value, shape, path);
  }
}
