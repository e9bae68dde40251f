import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/route-match-breaks-wasm.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { COMPONENTS, type Component, type Release } from "../../src/model/engine-versions.ts";
import { formatPath } from "../../src/model/field-path.ts";
import { buildTopology, DEFAULT_TOPOLOGY_SETTINGS } from "../../src/model/topology.ts";
import { topologyOf } from "../support/topology-of.ts";

/** Every bad example of the rule, with the releases of a cluster. */
const reported = (name: string, engines: ReadonlyMap<Component, Release>): readonly string[] => {
  const example = rule.bad.find((each) => each.name === name);
  const { decoded } = topologyOf(example?.yaml ?? "");
  const topology = buildTopology(decoded, { ...DEFAULT_TOPOLOGY_SETTINGS, engines });
  return lintTopology(topology, { rules: [rule], profile: "strict" }).map(({ path }) => formatPath(path));
};
const QUERY = "a match of a query parameter";

describe("engine versions", () => {
  test("wasm-shim before v0.12.0 has the function of query matches", () => {
    expect(reported(QUERY, new Map([["wasm-shim", [0, 11, 9]]]))).toEqual([]);
    expect(reported(QUERY, new Map([["wasm-shim", [0, 12, 0]]]))).toEqual(["spec.rules[0].matches[0].queryParams"]);
  });

  test("of other components change nothing about it", () => {
    const others = COMPONENTS.filter((name) => name !== "wasm-shim");
    expect(reported(QUERY, new Map(others.map((name) => [name, [0, 1, 0] as const])))).toHaveLength(1);
  });

  test("leave alone what no release is known to have mended", () => {
    expect(reported("a quote in a header's value", new Map([["wasm-shim", [0, 11, 9]]]))).toHaveLength(1);
  });
});
