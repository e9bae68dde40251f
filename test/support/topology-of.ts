import { parseAllDocuments } from "yaml";
import { decodeObject } from "../../src/model/decode.ts";
import { buildTopology, type Topology } from "../../src/model/topology.ts";

/** The untyped objects of a YAML text, indentation of template literals removed. */
export function objectsOf(yaml: string): readonly unknown[] {
  const lines = yaml
    .split("\n")
    .filter((line, index, all) => line.trim() !== "" || (index > 0 && index < all.length - 1));
  const indent = Math.min(
    ...lines.filter((line) => line.trim() !== "").map((line) => line.length - line.trimStart().length),
  );
  const text = lines.map((line) => line.slice(indent)).join("\n");
  return parseAllDocuments(text, { uniqueKeys: false })
    .map((document) => {
      const [error] = document.errors;
      if (error !== undefined) throw error;
      return document.toJS() as unknown;
    })
    .filter((raw) => raw !== null);
}

/** A Topology of the objects in a YAML text. Fails on anything that is no object of a known kind or has a wrong type. */
export function topologyOf(yaml: string): Topology {
  const decoded = objectsOf(yaml).map((raw) => {
    const outcome = decodeObject(raw);
    if (outcome.status !== "decoded") throw new Error(`not a known object: ${JSON.stringify(raw)}`);
    if (outcome.decoded.problems.length > 0) throw new Error(JSON.stringify(outcome.decoded.problems));
    return outcome.decoded;
  });
  return buildTopology(decoded);
}
