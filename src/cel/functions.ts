import { nearestName } from "../model/nearest-name.ts";

/** The three implementations of CEL that an expression may meet. gjson selectors have no functions. */
export type CelEngine = "wasm" | "operator" | "authorino";

/** Functions whose first word is a namespace and no value: `optional.of(x)` reads nothing called `optional`. */
export const NAMESPACES: ReadonlySet<string> = new Set([
  "optional",
  "math",
  "strings",
  "sets",
  "base64",
  "lists",
  "regex",
  "cel",
]);

/** `arguments` in all, of which the first `variables` are names that the macro binds. */
export type MacroForm = { readonly arguments: number; readonly variables: number };

const oneName = [{ arguments: 2, variables: 1 }] as const;
/** The second form is that of cel-go's two-variable comprehensions. */
const quantifier = [...oneName, { arguments: 3, variables: 2 }] as const;

/** Macros that bind names, of every known dialect, so that a bound name is never taken for an attribute. */
export const MACROS: Readonly<Record<string, readonly MacroForm[]>> = {
  all: quantifier,
  exists: quantifier,
  exists_one: quantifier,
  existsOne: quantifier,
  filter: oneName,
  map: [...oneName, { arguments: 3, variables: 1 }],
  transformList: [
    { arguments: 3, variables: 2 },
    { arguments: 4, variables: 2 },
  ],
  transformMap: [
    { arguments: 3, variables: 2 },
    { arguments: 4, variables: 2 },
  ],
  optMap: oneName,
  optFlatMap: oneName,
  "cel.bind": [{ arguments: 3, variables: 1 }],
};

/** How a function is called: `name(x)`, `x.name()`, or both. */
export type CallStyle = "global" | "receiver" | "both";

type Availability = { readonly style: CallStyle } & { readonly [E in CelEngine]: boolean };

const row = (style: CallStyle, engines: string): Availability => ({
  style,
  wasm: engines.includes("w"),
  operator: engines.includes("o"),
  authorino: engines.includes("a"),
});

/** One entry per name: w = the gateway, o = the operator's validator, a = Authorino. */
const table = (style: CallStyle, engines: string, names: string): readonly (readonly [string, Availability])[] =>
  names.split(" ").map((name) => [name, row(style, engines)] as const);

/**
 * Which function exists where. Read from wasm-shim af0f9b4 (`data/cel.rs`, `data/cel/strings.rs`, cel-rust d23d0a7),
 * kuadrant-operator ae698811 (`internal/cel`) and authorino 58fecc6c (`pkg/expressions/cel`), and compared with what
 * cel-go v0.31.0 declares; versions move, so this is data. A name that is absent exists in none of them.
 */
export const FUNCTIONS: ReadonlyMap<string, Availability> = new Map([
  ...table("global", "woa", "has int uint double bytes duration timestamp string"),
  ...table("global", "oa", "bool type dyn"),
  ...table("receiver", "woa", "all exists exists_one map filter contains startsWith endsWith"),
  // cel-go's parser knows the newer spelling of exists_one; its standard environment leaves it out.
  ...table("receiver", "w", "existsOne"),
  ...table("both", "woa", "size matches"),
  ...table("receiver", "woa", "getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear"),
  ...table("receiver", "woa", "getHours getMinutes getSeconds getMilliseconds"),
  ...table("receiver", "woa", "charAt indexOf lastIndexOf lowerAscii upperAscii trim replace split substring join"),
  ...table("receiver", "oa", "format reverse"),
  ...table("global", "oa", "strings.quote"),
  ...table("global", "wa", "optional.of optional.none optional.ofNonZeroValue"),
  ...table("receiver", "wa", "hasValue value or orValue"),
  ...table("receiver", "a", "optMap optFlatMap unwrapOpt first last"),
  ...table("global", "a", "optional.unwrap"),
  ...table("global", "wo", "requestBodyJSON responseBodyJSON"),
]);

/** Whether an engine has a function of that name, whatever its arguments. */
export const hasFunction = (engine: CelEngine, name: string): boolean => FUNCTIONS.get(name)?.[engine] ?? false;

/** The function of the engine that a misspelt name most likely means; letter case does not count. */
export const nearestFunction = (engine: CelEngine, name: string): string | undefined =>
  nearestName(
    name,
    [...FUNCTIONS.keys()].filter((candidate) => hasFunction(engine, candidate)),
  );
