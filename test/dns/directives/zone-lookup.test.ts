import { describe, expect, test } from "vitest";
import { createZoneLookup, settingKey } from "../../../src/dns/directives/zone-lookup.ts";

describe("the longest zone counts, at a label boundary:", () => {
  test.each([
    ["a.example.org.", ["example.org.", "org.", "."], "example.org."],
    ["example.org.", ["org.", "example.org."], "example.org."],
    ["badexample.org.", ["example.org."], undefined],
    ["org.", ["example.org."], undefined],
    ["example.net.", ["example.org.", "."], "."],
    [".", ["."], "."],
    ["example.net.", [], undefined],
  ])("%s in %j", (name, zones, found) => {
    expect(createZoneLookup(zones)(settingKey(name))).toBe(found);
  });
});

test("a name that the settings cannot have is a fault", () => {
  expect(() => settingKey("a..b")).toThrow("a..b");
});
