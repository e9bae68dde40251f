import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  expandName,
  foldKey,
  isAtOrBelow,
  nameText,
  parentKey,
  parseName,
  skipName,
} from "../../../src/dns/wire/name.ts";

const label = fc
  .uint8Array({ minLength: 1, maxLength: 20 })
  .map((octets) => String.fromCharCode(octets.length) + Buffer.from(octets).toString("latin1"));
const rawName = fc.array(label, { maxLength: 8 }).map((labels) => labels.join(""));

describe("presentation form", () => {
  test.each([
    ["api.openai.com", "\x03api\x06openai\x03com", "api.openai.com."],
    ["API.openai.com.", "\x03API\x06openai\x03com", "API.openai.com."],
    ["api\\.openai.com", "\x0aapi.openai\x03com", "api\\.openai.com."],
    ["a\\000b", "\x03a\0b", "a\\000b."],
    ["*.x", "\x01*\x01x", "*.x."],
    [".", "", "."],
  ])("'%s' is read and written", (text, raw, written) => {
    expect(parseName(text)).toBe(raw);
    expect(nameText(raw)).toBe(written);
  });

  test.each([
    ["an empty text", ""],
    ["an empty label", "a..b"],
    ["a leading dot", ".a"],
    ["a label of 64 octets", "a".repeat(64)],
    ["a name of 256 octets", Array(64).fill("abc").join(".")],
    ["a character outside latin1", "b\u{1f600}cher"],
    ["an escape above 255", "\\256"],
    ["an escape at the end", "abc\\"],
  ])("%s is no name", (_what, text) => {
    expect(parseName(text)).toBeUndefined();
  });

  test("a label of 63 and a name of 255 octets are names", () => {
    expect(parseName("a".repeat(63))).toHaveLength(64);
    expect(parseName(`${Array(63).fill("abc").join(".")}.a`)).toHaveLength(254);
  });

  test("writing and reading gives the same octets", () => {
    fc.assert(
      fc.property(rawName, (raw) => {
        expect(parseName(nameText(raw))).toBe(raw);
      }),
    );
  });
});

describe("comparison", () => {
  test("only ASCII letters are folded", () => {
    expect(foldKey("\x04AZ\xc4\xd6")).toBe("\x04az\xc4\xd6");
  });

  test.each([
    ["\x01a\x03com", "\x03com", true],
    ["\x03com", "\x03com", true],
    ["\x04acom", "\x03com", false],
    ["\x03com", "\x01a\x03com", false],
    ["\x03com", "", true],
  ])("a name is at or below another at label boundaries only (%#)", (key, ancestor, expected) => {
    expect(isAtOrBelow(key, ancestor)).toBe(expected);
  });

  test("a name is below each of its parents", () => {
    fc.assert(
      fc.property(rawName, (raw) => {
        expect(isAtOrBelow(raw, parentKey(raw))).toBe(true);
      }),
    );
  });
});

describe("names in messages", () => {
  const at = (hex: string, offset = 0) => expandName(Buffer.from(hex, "hex"), offset);

  test("a pointer leads to a name before it, and the name ends behind the pointer", () => {
    expect(at("03636f6d0003616263c000", 5)).toEqual({ raw: "\x03abc\x03com", end: 11 });
  });

  test.each([
    ["a pointer to itself", "c000"],
    ["a forward pointer", "c002036162630"],
    ["a loop of two pointers", "c002c000"],
    ["a reserved label type", "4161626300"],
    ["a label beyond the end", "0561"],
    ["a name without end", "0161"],
    ["a pointer without its second octet", "c0"],
  ])("%s is refused", (_what, hex) => {
    expect(at(hex.length % 2 === 0 ? hex : `${hex}0`)).toBeUndefined();
  });

  test("a staircase of pointers ends", () => {
    const stairs = Buffer.alloc(2_000);
    for (let offset = 2; offset < stairs.length; offset += 2) stairs.writeUInt16BE(0xc000 | (offset - 2), offset);
    expect(expandName(stairs, 1_998)).toBeUndefined();
  });

  test("any octets give a name or nothing, and skipping agrees with reading", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (octets, offset) => {
        const message = Buffer.from(octets);
        const name = expandName(message, offset);
        if (name === undefined) return;
        expect(name.raw.length).toBeLessThan(255);
        expect(skipName(message, offset)).toBe(name.end);
      }),
      { numRuns: 500 },
    );
  });
});
