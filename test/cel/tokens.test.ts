import { describe, expect, test } from "vitest";
import { firstComment } from "../../src/cel/tokens.ts";

describe("the first comment of a text", () => {
  test.each([
    ["a == 'b' // why", "// why"],
    ["// why\na == 'b'", "// why"],
    ["a // one \n && b // two", "// one"],
    ["a == 'http://x' // why", "// why"],
    ["//", "//"],
  ])("%j", (text, comment) => {
    const found = firstComment(text);
    expect(found === undefined ? undefined : text.slice(found.start, found.end)).toBe(comment);
  });

  test.each(["a / b", "a == 'http://x'", 'a == "//"', "", "'// never closed"])("is none in %j", (text) => {
    expect(firstComment(text)).toBeUndefined();
  });
});
