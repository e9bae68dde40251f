import fc from "fast-check";
import { expect, test } from "vitest";
import { knownName } from "../../../src/dns/wire/known-names.ts";

test("the text is that of the octets, whatever was asked before with the same hash", () => {
  const octets = fc.uint8Array({ maxLength: 4 });
  fc.assert(
    fc.property(fc.array(fc.tuple(octets, fc.constantFrom(0, 1, 16_385, -1)), { maxLength: 50 }), (asked) => {
      for (const [name, hash] of asked) {
        const text = Buffer.from(name).toString("latin1");
        expect(knownName(Buffer.concat([name, Buffer.from("rest")]), name.length, hash)).toBe(text);
      }
    }),
  );
});
