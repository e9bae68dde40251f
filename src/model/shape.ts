import type { FieldPath } from "./field-path.ts";

/** A field whose type is not what its kind says. */
export type ShapeProblem = { readonly path: FieldPath; readonly message: string };

/**
 * How to read one type out of untyped JSON. Reading never throws: a wrong type is reported and replaced by
 * `fallback` where leaving it out would move its neighbours (lists), and left out elsewhere. Unknown fields are
 * passed over, so objects of later versions can be read.
 */
export type Shape<T> = {
  readonly expects: string;
  readonly fallback: T;
  read(value: unknown, path: FieldPath, problems: ShapeProblem[]): T | undefined;
};

/** The type that a shape reads. */
export type Read<S> = S extends Shape<infer T> ? T : never;

const describe = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "a list" : typeof value === "object" ? "a map" : `a ${typeof value}`;

function wrongType(value: unknown, expects: string, path: FieldPath, problems: ShapeProblem[]): undefined {
  problems.push({ path, message: `must be ${expects}, got ${describe(value)}` });
  return undefined;
}

function primitive<T>(expects: string, fallback: T, is: (value: unknown) => value is T): Shape<T> {
  return {
    expects,
    fallback,
    read: (value, path, problems) => (is(value) ? value : wrongType(value, expects, path, problems)),
  };
}

export const text = primitive("a string", "", (value) => typeof value === "string");
export const flag = primitive("true or false", false, (value) => typeof value === "boolean");
export const integer = primitive("a whole number", 0, (value): value is number => Number.isInteger(value));

/** A port or a percentage: Kubernetes' IntOrString. */
export const integerOrText = primitive<number | string>(
  "a whole number or a string",
  0,
  (value): value is number | string => typeof value === "string" || Number.isInteger(value),
);

/** Any JSON; for constants whose type the API leaves open. */
export const anything: Shape<unknown> = { expects: "anything", fallback: null, read: (value) => value };

/** A list. An item of a wrong type becomes the item shape's fallback, so that positions stay true. */
export function listOf<T>(item: Shape<T>): Shape<readonly T[]> {
  return {
    expects: "a list",
    fallback: [],
    read(value, path, problems) {
      if (!Array.isArray(value)) return wrongType(value, "a list", path, problems);
      return value.map((entry, index) => item.read(entry, [...path, index], problems) ?? item.fallback);
    },
  };
}

/** A map with free keys. Entries of a wrong type are left out. Has no prototype, so any key is just a key. */
export function mapOf<T>(item: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return {
    expects: "a map",
    fallback: {},
    read(value, path, problems) {
      if (value === null || typeof value !== "object" || Array.isArray(value)) {
        return wrongType(value, "a map", path, problems);
      }
      const result: Record<string, T> = Object.create(null);
      for (const [key, entry] of Object.entries(value)) {
        const read = item.read(entry, [...path, key], problems);
        if (read !== undefined) result[key] = read;
      }
      return result;
    },
  };
}

type Fields = Readonly<Record<string, Shape<unknown>>>;
type ReadFields<F extends Fields> = { readonly [K in keyof F]?: Read<F[K]> };

/** A map with known fields, every one optional (Kubernetes drops empty fields); an explicit null counts as absent. */
export function fields<F extends Fields>(shapes: F): Shape<ReadFields<F>> {
  const entries = Object.entries(shapes);
  return {
    expects: "a map",
    fallback: {},
    read(value, path, problems) {
      if (value === null || typeof value !== "object" || Array.isArray(value)) {
        return wrongType(value, "a map", path, problems);
      }
      const result: Record<string, unknown> = {};
      for (const [key, shape] of entries) {
        if (!Object.hasOwn(value, key)) continue;
        const field: unknown = (value as Record<string, unknown>)[key];
        if (field === null || field === undefined) continue;
        const read = shape.read(field, [...path, key], problems);
        if (read !== undefined) result[key] = read;
      }
      return result as ReadFields<F>;
    },
  };
}

/** A shape that contains itself, such as nested patterns. Depth is bounded by the parser that made the JSON. */
export function lazy<T>(make: () => Shape<T>, fallback: T): Shape<T> {
  return { expects: "a map", fallback, read: (value, path, problems) => make().read(value, path, problems) };
}
