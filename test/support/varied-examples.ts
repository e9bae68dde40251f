import type { Rule } from "../../src/lint/rule.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { type Decoded, decodeObject } from "../../src/model/decode.ts";
import { formatPath } from "../../src/model/field-path.ts";
import { buildTopology } from "../../src/model/topology.ts";
import { toldFinding } from "./told-findings.ts";
import { topologyOf } from "./topology-of.ts";

type Path = readonly (string | number)[];

/** One field that is left out, or that reads otherwise. */
type Change = { readonly path: Path; readonly to?: unknown };

const isTree = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === "object";

/** Other values of the same type, near it. */
function othersThan(value: unknown): readonly unknown[] {
  if (typeof value === "string") return [`${value}x`];
  if (typeof value === "number") return [value + 1, value - 1];
  return typeof value === "boolean" ? [!value] : [];
}

/** Each field below a value on its own: left out, with other values, and a tree without anything in it. */
function changesOf(value: unknown, path: Path): readonly Change[] {
  if (!isTree(value)) return [];
  return Object.keys(value).flatMap((name): readonly Change[] => {
    const below = [...path, Array.isArray(value) ? Number(name) : name];
    const others = isTree(value[name]) ? [Array.isArray(value[name]) ? [] : {}] : othersThan(value[name]);
    return [{ path: below }, ...others.map((to) => ({ path: below, to })), ...changesOf(value[name], below)];
  });
}

/** What a rule may depend on: the identity of the object stays, since other objects name it. */
const PARTS = ["spec", "metadata", "status", "data", "type", "from", "to", "endpoints"];
const IDENTITY = new Set(["metadata", "metadata.name"]);

function changed(value: unknown, [name, ...rest]: Path, to: unknown): unknown {
  if (name === undefined) return to;
  if (Array.isArray(value)) {
    if (rest.length === 0 && to === undefined) return value.toSpliced(Number(name), 1);
    return value.with(Number(name), changed(value[Number(name)], rest, to));
  }
  const { [name]: inner, ...others } = value as Record<string, unknown>;
  return rest.length === 0 && to === undefined ? others : { ...others, [name]: changed(inner, rest, to) };
}

/** A policy whose rules are its defaults, or its overrides, and the same the other way round. */
function layersOf(raw: unknown): readonly (readonly [string, unknown])[] {
  const { spec, ...rest } = raw as { readonly spec?: Readonly<Record<string, unknown>> };
  if (spec?.["targetRef"] === undefined) return [];
  const { targetRef, sectionName, defaults, overrides, ...own } = spec;
  const layer = { ...own, ...(defaults as object), ...(overrides as object) };
  return [
    ["bare", { ...rest, spec: { targetRef, ...layer } }],
    ["defaults", { ...rest, spec: { targetRef, defaults: layer } }],
    ["overrides", { ...rest, spec: { targetRef, overrides: layer } }],
  ];
}

function decodedOf(raw: unknown): Decoded | undefined {
  const outcome = decodeObject(raw);
  return outcome.status === "decoded" ? outcome.decoded : undefined;
}

/** Findings in full, each with a number by which lines about changes name it. */
type Legend = Map<string, number>;

function told(rule: Rule, decoded: readonly Decoded[], legend: Legend): readonly number[] {
  const topology = buildTopology(decoded);
  return lintTopology(topology, { rules: [rule], profile: "strict" }).map((finding) => {
    const line = toldFinding(finding, topology).replaceAll("\n", "\n    ");
    const number = legend.get(line) ?? legend.size + 1;
    legend.set(line, number);
    return number;
  });
}

const difference = (before: readonly number[], after: readonly number[]): readonly string[] => [
  ...before.filter((number) => !after.includes(number)).map((number) => `-${number}`),
  ...after.filter((number) => !before.includes(number)).map((number) => `+${number}`),
];

type Variant = { readonly what: string; readonly raw: unknown };

/** One object with each change on its own; undefined stands for no object. */
const variantsOf = ({ raw }: Decoded): readonly Variant[] => [
  { what: "none", raw: undefined },
  ...layersOf(raw).map(([layer, varied]) => ({ what: layer, raw: varied })),
  ...PARTS.flatMap((part) => changesOf((raw as Readonly<Record<string, unknown>>)[part], [part]))
    .filter(({ path }) => !IDENTITY.has(path.join(".")))
    .map(({ path, to }) => ({
      what: `${formatPath(path)}${to === undefined ? " left out" : ` = ${JSON.stringify(to)}`}`,
      raw: changed(raw, path, to),
    })),
];

/** What becomes of the findings of an example with each change; nothing where it is the same. */
function dependences(rule: Rule, yaml: string, legend: Legend): readonly string[] {
  const { decoded } = topologyOf(yaml);
  const before = told(rule, decoded, legend);
  const lines = decoded.flatMap((one, index) =>
    variantsOf(one).flatMap(({ what, raw }) => {
      const varied = raw === undefined ? [] : decodedOf(raw);
      if (varied === undefined) return [];
      const effect = difference(before, told(rule, decoded.toSpliced(index, 1, ...[varied].flat()), legend));
      return effect.length === 0 ? [] : [`${effect.join(" ")}: ${one.ref.kind} ${one.ref.name}: ${what}`];
    }),
  );
  return [before.length === 0 ? "nothing" : before.join(" "), ...lines];
}

/**
 * What a rule says of its examples, and how that changes with every single field: left out, or with another value.
 * First the findings of all of these in full, then the changes that make a difference.
 */
export function dependencesOf(rule: Rule): string {
  const legend: Legend = new Map();
  const examples = [...rule.bad, ...rule.good].map(({ name, yaml }) =>
    [`# ${name}`, ...dependences(rule, yaml, legend)].join("\n"),
  );
  const findings = [...legend].map(([line, number]) => `${number} = ${line}`);
  return `${[findings.join("\n"), ...examples].join("\n\n")}\n`;
}
