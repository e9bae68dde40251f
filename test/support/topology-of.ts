import { parseAllDocuments } from "yaml";
import { exampleText } from "../../src/lint/example-text.ts";
import { decodeObject } from "../../src/model/decode.ts";
import { buildTopology, type Topology } from "../../src/model/topology.ts";

/** The untyped objects of a YAML text, indentation of template literals removed. */
export function objectsOf(yaml: string): readonly unknown[] {
  return parseAllDocuments(exampleText(yaml), { uniqueKeys: false })
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
