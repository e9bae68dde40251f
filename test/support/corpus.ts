import fc from "fast-check";
import { rules } from "../../src/lint/rules/index.ts";
import type { Decoded } from "../../src/model/decode.ts";
import { identityOf } from "../../src/model/object-ref.ts";
import { buildTopology, type Topology } from "../../src/model/topology.ts";
import { topologyOf } from "./topology-of.ts";

/** One object of a rule's example, and the rest of the example as the cluster that it comes into. */
export type CorpusCase = { readonly title: string; readonly written: Decoded; readonly cluster: Topology };

const KINDS_AT_ADMISSION = /kuadrant|gateway\.networking|istio/;

/** Every object of every rule's examples that the validating webhook may be asked about, bad examples first. */
export function corpus(): readonly CorpusCase[] {
  return rules.flatMap((rule) =>
    [...rule.bad, ...rule.good].flatMap(({ name, yaml }) => {
      const { decoded } = topologyOf(yaml);
      return decoded
        .filter(({ ref }) => KINDS_AT_ADMISSION.test(ref.apiVersion) && ref.kind !== "GatewayClass")
        .map((written) => ({
          title: `${rule.id}: ${name}: ${written.ref.kind} ${written.ref.name}`,
          written,
          cluster: buildTopology(decoded.filter(({ ref }) => identityOf(ref) !== identityOf(written.ref))),
        }));
    }),
  );
}

type Json = Readonly<Record<string, unknown>>;

/** An object with other metadata. */
export const withMetadata = (raw: unknown, changes: Json): Json => ({
  ...(raw as Json),
  metadata: { ...((raw as Json)["metadata"] as Json), ...changes },
});

/** A value with the items of some of its lists in another order; `seed` chooses. */
export function reordered(value: unknown, seed: number): unknown {
  let state = seed + 1;
  const next = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state;
  };
  const walk = (part: unknown): unknown => {
    if (Array.isArray(part)) {
      const items = part.map(walk).map((item) => ({ item, order: next() }));
      return items.sort((a, b) => a.order - b.order).map(({ item }) => item);
    }
    if (part === null || typeof part !== "object") return part;
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, walk(inner)]));
  };
  return walk(value);
}

/** One change somewhere below `spec`: a value is replaced, left out, or doubled in its list. */
export const mutation = fc.record({
  at: fc.nat(200),
  way: fc.constantFrom("replace", "remove", "double"),
  value: fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom("source.address", "", 0, "auth.identity.user.username"),
  ),
});
export type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;

/** The object with the changes made, one after the other; positions count all values of the tree, and start over. */
export function mutated(raw: unknown, mutations: readonly Mutation[]): unknown {
  const copy = structuredClone(raw) as { spec?: unknown };
  for (const { at, way, value } of mutations) {
    const places = placesIn(copy.spec);
    const place = places[at % Math.max(1, places.length)];
    if (place === undefined) continue;
    const { parent, key } = place;
    if (way === "replace") (parent as Record<string | number, unknown>)[key] = value;
    else if (Array.isArray(parent) && typeof key === "number") {
      if (way === "double") parent.push(structuredClone(parent[key]));
      else parent.splice(key, 1);
    } else if (way === "remove") delete (parent as Record<string, unknown>)[key];
  }
  return copy;
}

type Place = { readonly parent: object; readonly key: string | number };

function placesIn(value: unknown): readonly Place[] {
  if (value === null || typeof value !== "object") return [];
  const keys = Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value);
  return keys.flatMap((key) => [{ parent: value, key }, ...placesIn((value as Record<string | number, unknown>)[key])]);
}
