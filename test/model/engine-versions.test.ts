import { describe, expect, test } from "vitest";
import { type Component, isBefore, parseRelease, type Release } from "../../src/model/engine-versions.ts";

const isOlder = (component: Component, text: string, release: Release): boolean | string => {
  const parsed = parseRelease(component, text);
  if (!parsed.ok) return parsed.problems.join();
  return isBefore(new Map(parsed.value === undefined ? [] : [[component, parsed.value]]), component, release);
};

describe("a release", () => {
  test.each<[string, boolean]>([
    ["v0.11.4", true],
    ["0.11", true],
    ["v0.12.0-rc1", false],
    ["v0.12.0", false],
    ["v0.12.1", false],
    ["v1.0.0", false],
    ["head", false],
  ])("%s is before v0.12.0: %s", (text, expected) => {
    expect(isOlder("wasm-shim", text, [0, 12, 0])).toBe(expected);
  });

  test.each(["", "latest", "v1", "1.2.3.4", "v0.12.0 ", "v99999.0.0"])("is not written as %j", (text) => {
    expect(isOlder("istio", text, [1, 0, 0])).toContain("a release such as v0.11.0, or head");
  });

  test("of wasm-shim from before the tables begin is not known", () => {
    expect(isOlder("wasm-shim", "v0.7.0", [0, 12, 0])).toBe("the rules know wasm-shim from v0.8.0 on, not v0.7.0");
  });

  test("that nobody names is the newest", () => {
    expect(isBefore(undefined, "istio", [99, 0, 0])).toBe(false);
  });
});
