import { describe, expect, test } from "vitest";
import { firstOctets } from "../../../src/dns/wire/first-octets.ts";

describe("the first octets", () => {
  test.each([0, 1, 512, 1232, 1233, 2000])("are a view of %i of them", (length) => {
    const bytes = Buffer.alloc(2000, 1);
    const view = firstOctets(bytes, length);
    expect(view).toHaveLength(length);
    bytes.fill(2);
    expect(view.every((octet) => octet === 2)).toBe(true);
  });

  test("are those of the memory that was named, whichever was asked for before", () => {
    const [one, other] = [Buffer.from([1, 1, 1]), Buffer.from([2, 2, 2])];
    const views = [firstOctets(one, 2), firstOctets(other, 2), firstOctets(one, 2), firstOctets(one, 3)];
    expect(views.map((view) => [...view])).toEqual([
      [1, 1],
      [2, 2],
      [1, 1],
      [1, 1, 1],
    ]);
  });
});
