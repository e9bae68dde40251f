import { rules } from "../../src/lint/rules/index.ts";
import type { Decoded } from "../../src/model/decode.ts";
import type { Kind, Kinds } from "../../src/model/kinds.ts";
import { buildTopology } from "../../src/model/topology.ts";
import { topologyOf } from "./topology-of.ts";

type Marks = Readonly<Record<string, string>>;

/** Labels or annotations that remember which of them somebody asked for. */
function watched(marks: Marks | undefined, seen: Set<string>): Marks {
  const remember = (key: string | symbol): void => {
    if (typeof key === "string" && key.includes("/")) seen.add(key);
  };
  return new Proxy(marks ?? {}, {
    get(target, key, receiver) {
      remember(key);
      return Reflect.get(target, key, receiver);
    },
    has(target, key) {
      remember(key);
      return Reflect.has(target, key);
    },
    getOwnPropertyDescriptor(target, key) {
      remember(key);
      return Reflect.getOwnPropertyDescriptor(target, key);
    },
  });
}

/** The labels and annotations of objects of some kinds that rules ask for, by running every rule on its examples. */
export function marksRead(kinds: readonly Kind[]): readonly string[] {
  const seen = new Set<string>();
  const watch = (decoded: Decoded): Decoded => {
    if (!kinds.includes(decoded.object.kind)) return decoded;
    const { metadata } = decoded.object;
    const marks = { labels: watched(metadata.labels, seen), annotations: watched(metadata.annotations, seen) };
    return { ...decoded, object: { ...decoded.object, metadata: { ...metadata, ...marks } } as Kinds[Kind] };
  };
  for (const rule of rules) {
    for (const { yaml } of [...rule.bad, ...rule.good]) {
      const topology = buildTopology(topologyOf(yaml).decoded.map(watch));
      for (const { object } of topology.decoded) if (rule.kinds.includes(object.kind)) rule.check(object, topology);
    }
  }
  return [...seen].sort();
}
