import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PLACES, placeOf } from "../../../src/dns/upstream/name-place.ts";

describe("the place of a name", () => {
  test("is one of all places, and always the same", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 254 }), (name) => {
        const place = placeOf(name);
        expect(Number.isInteger(place) && place >= 0 && place < PLACES).toBe(true);
        expect(placeOf(`${name}`)).toBe(place);
      }),
    );
  });

  test.each([
    ["names that are counted through", (index: number) => `\x06n${String(index).padStart(5, "0")}\x07example`],
    ["names that differ at their end only", (index: number) => `\x03www\x05x${String(index).padStart(4, "0")}`],
    ["names of two octets in turn", (index: number) => index.toString(2).padStart(32, "0").replaceAll("0", "a")],
  ])("is shared by few: %s", (_what, nameOf) => {
    const counts = new Uint16Array(PLACES);
    for (let index = 0; index < 4 * PLACES; index++) {
      const place = placeOf(nameOf(index));
      counts[place] = (counts[place] ?? 0) + 1;
    }
    expect(Math.max(...counts)).toBeLessThan(PLACES / 2);
  });
});
