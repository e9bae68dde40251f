import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fitsGlob, fitsPattern } from "../../src/cli/path-glob.ts";

describe("a pattern of a path", () => {
  test.each([
    ["vendor", "a/vendor/b.yaml", true],
    ["vendor/", "vendor/b.yaml", true],
    ["/vendor", "a/vendor/b.yaml", false],
    ["a/vendor", "a/vendor/b/c.yaml", true],
    ["a/vendor", "b/a/vendor/c.yaml", false],
    ["**/vendor/**", "a/b/vendor/c.yaml", true],
    ["a/**/d.yaml", "a/d.yaml", true],
    ["a/**/d.yaml", "a/b/c/d.yaml", true],
    ["*.gen.yaml", "a/b.gen.yaml", true],
    ["a/*.yaml", "a/b/c.yaml", false],
    ["a/?.yaml", "a/b.yaml", true],
    ["a/?.yaml", "a/bb.yaml", false],
    ["vendor", "vendored/b.yaml", false],
  ])("%s against %s: %s", (glob, path, expected) => {
    expect(fitsGlob(path, glob)).toBe(expected);
  });

  const names = fc.array(fc.stringMatching(/^[ab]{1,3}$/), { minLength: 1, maxLength: 4 });

  test("fits itself, and everything below it", () => {
    fc.assert(fc.property(names, names, (path, below) => fitsGlob([...path, ...below].join("/"), path.join("/"))));
  });

  test("agrees with a regular expression on one name", () => {
    const pattern = fc.stringMatching(/^[ab*?]{1,8}$/);
    const name = fc.stringMatching(/^[ab]{0,10}$/);
    fc.assert(
      fc.property(pattern, name, (wanted, text) => {
        const expected = new RegExp(`^${wanted.replaceAll("*", ".*").replaceAll("?", ".")}$`).test(text);
        expect(fitsPattern(text, wanted)).toBe(expected);
      }),
    );
  });

  test("takes no longer for many stars", () => {
    expect(fitsPattern("a".repeat(5_000), `${"*a".repeat(100)}b`)).toBe(false);
  });
});
