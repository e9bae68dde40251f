import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { typeName } from "../../../src/dns/wire/codes.ts";
import { foldKey, parseName } from "../../../src/dns/wire/name.ts";
import { corednsName, parseRecord } from "../../../src/dns/wire/presentation.ts";
import { parseRecord as parseZoneLine } from "../support/zone.ts";

const hexOf = (text: string): string => {
  const record = parseRecord(text);
  if (!record.ok) throw new Error(record.problems.join("; "));
  return Buffer.from(record.value.data).toString("hex");
};

const problemOf = (text: string): string => {
  const record = parseRecord(text);
  return record.ok ? "" : record.problems.join("; ");
};

describe("the data of a record:", () => {
  test.each([
    ["x. A 192.0.2.1", "c0000201"],
    ["x. AAAA 2001:db8::1", "20010db8000000000000000000000001"],
    ["x. AAAA ::ffff:192.0.2.1", "00000000000000000000ffffc0000201"],
    ["x. AAAA ::", "0".repeat(32)],
    ["x. NS ns", "026e7300"],
    ["x. CNAME Ab.c.", "024162016300"],
    ["x. CNAME @", "00"],
    ["x. CNAME .", "00"],
    [String.raw`x. CNAME a\.b\032`, "04612e622000"],
    ["x. MX 10 mail.", "000a046d61696c00"],
    ['x. TXT "a b" c', "0361206201 63".replaceAll(" ", "")],
    ['x. TXT ""', "00"],
    [String.raw`x. TXT "q\"\065\\;("`, "067122415c3b28"],
    ["x. TXT é", "02c3a9"],
    ["x. SRV 1 2 443 t.", "0001000201bb017400"],
    [
      "x. SOA a. b. (1 1h 2m ; comment )\n 3 4)",
      "016100016200000000010000 0e10000000780000000300000004".replaceAll(" ", ""),
    ],
    ['x. HINFO "PDP 11" UNIX', "065044502031310455 4e4958".replaceAll(" ", "")],
    ['x. CAA 128 issue "ca.test"', `80056973737565${Buffer.from("ca.test").toString("hex")}`],
    [
      'x. NAPTR 1 2 "u" "E2U+sip" "!^.*$!sip:a!" .',
      "00010002017507453255 2b7369700c215e2e2a24217369703a612100".replaceAll(" ", ""),
    ],
    ["x. HTTPS 0 a.", "0000016100"],
    ["x. SVCB 1 . port=853 alpn=h3,h2", "0001000001000602683302683200030002 0355".replaceAll(" ", "")],
    ['x. HTTPS 1 . alpn="h2" no-default-alpn', "00010000010003026832 00020000".replaceAll(" ", "")],
    [
      "x. HTTPS 1 . mandatory=port,alpn port=1 alpn=a",
      "000100000000040001000300010002 0161 000300020001".replaceAll(" ", ""),
    ],
    ["x. HTTPS 1 . ipv4hint=1.2.3.4,5.6.7.8 ipv6hint=::1", `000100000400080102030405060708000600100${"0".repeat(30)}1`],
    ["x. HTTPS 1 . ech=AAEC", "00010000050003000102"],
    ["x. SVCB 1 . dohpath=/q{?dns}", `00010000070008${Buffer.from("/q{?dns}").toString("hex")}`],
    [String.raw`x. SVCB 1 . key667="hel\210qoo"`, "000100029b000768656cd2716f6f"],
    [String.raw`x. SVCB 1 . alpn="f\\\\oo\\,bar,h2"`, "00010000010 00c08665c6f6f2c626172026832".replaceAll(" ", "")],
    [String.raw`x. TYPE731 \# 6 abcd ( ef 01 23 45 )`, "abcdef012345"],
    [String.raw`x. A \# 4 0a000001`, "0a000001"],
    [String.raw`x. TYPE65280 \# 0`, ""],
  ])("%s", (text, hex) => {
    expect(hexOf(text)).toBe(hex);
  });

  test("a text too long for one string becomes several", () => {
    expect(hexOf(`x. TXT ${"a".repeat(300)}`)).toBe(`ff${"61".repeat(255)}2d${"61".repeat(45)}`);
  });
});

describe("TTL, class and type come in either order:", () => {
  test.each([
    ["x. 60 IN A 1.1.1.1", 60, 1],
    ["x. IN 60 A 1.1.1.1", 60, 1],
    ["x. in a 1.1.1.1", 3600, 1],
    ["x. 0 A 1.1.1.1", 0, 1],
    ["x. A 1.1.1.1", 3600, 1],
    ["x. CH 1h30m A 1.1.1.1", 5400, 3],
    ["x. CLASS32 1w A 1.1.1.1", 604800, 32],
  ])("%s", (text, ttlSeconds, klass) => {
    expect(parseRecord(text)).toMatchObject({ ok: true, value: { owner: "\x01x", type: 1, ttlSeconds, class: klass } });
  });
});

describe("a record that cannot be read says why:", () => {
  test.each([
    ["", "record is empty"],
    ["; only a comment", "record is empty"],
    ["x..y A 1.1.1.1", "'x..y' is no name"],
    ["x.", "'' is no type of a record"],
    ["x. 60 60 A 1.1.1.1", "'60' is no type of a record"],
    ["x. 4294967295 A 1.1.1.1", "'4294967295' is no type of a record"],
    ["x. ANY 1", "'ANY' is no type of a record"],
    ["x. DS 1 2 3 4", "type DS has no text form here"],
    ["x. A", "A lacks a address"],
    ["x. A 1.2.3", "'1.2.3' is no address"],
    ["x. AAAA 1.2.3.4", "'1.2.3.4' is no IPv6 address"],
    ["x. AAAA fe80::1%eth0", "is no IPv6 address"],
    ["x. A 1.2.3.4 5", "'5' stands behind the record"],
    ["x. MX 65536 a.", "'65536' is no number up to 65535"],
    ["x. CAA 256 issue a", "'256' is no number up to 255"],
    ["x. TXT", "TXT lacks a text"],
    ['x. TXT "a', "quote is not closed"],
    ["x. TXT a\\", "backslash at the end"],
    [String.raw`x. TXT \256`, "is no text"],
    [`x. HINFO ${"a".repeat(256)} b`, "is no text"],
    ["x. TXT (a", "parenthesis is not closed"],
    ["x. TXT a)", "parenthesis closed that was not opened"],
    [String.raw`x. TYPE1 \# 3 0a0001ff`, String.raw`\# says 3, the data has 4 octets`],
    [String.raw`x. TYPE1 \# 1 0`, "not in pairs of hex digits"],
    ["x. HTTPS 1 . alpn=h2 alpn=h3", "a service parameter stands twice"],
    ["x. HTTPS 1 . no-default-alpn", "no-default-alpn needs alpn"],
    ["x. HTTPS 1 . mandatory=port", "a mandatory service parameter is missing"],
    ["x. HTTPS 1 . port=65536", "'port=65536' is not valid"],
    ["x. HTTPS 1 . ipv4hint=::1", "is not valid"],
    ["x. HTTPS 1 . alpn", "is not valid"],
    ["x. HTTPS 1 . wrong=1", "is not valid"],
    ["x. HTTPS 1 . mandatory=mandatory", "is not valid"],
    [`x. TXT ${"a".repeat(70_000)}`, "data is longer than 65535 octets"],
    [`x. TXT ${"a".repeat(300_000)}`, "record is longer than 300000 characters"],
  ])("%s", (text, problem) => {
    expect(problemOf(text)).toContain(problem);
  });
});

const label = fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/);
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => `${labels.join(".")}.`);
const number = fc.integer({ min: 0, max: 65535 });
const words = fc.array(fc.stringMatching(/^[a-z =;()]{0,20}$/), { minLength: 1, maxLength: 3 });
const zoneData = fc.oneof(
  fc.ipV4().map((address) => `A ${address}`),
  fc.tuple(fc.constantFrom("CNAME", "DNAME", "NS", "PTR"), name).map((parts) => parts.join(" ")),
  fc.tuple(number, name).map((parts) => `MX ${parts.join(" ")}`),
  words.map((texts) => `TXT ${texts.map((text) => `"${text}"`).join(" ")}`),
  fc.tuple(number, number, number, name).map((parts) => `SRV ${parts.join(" ")}`),
  fc.tuple(name, name, number, number, number, number, number).map((parts) => `SOA ${parts.join(" ")}`),
  fc
    .tuple(number, name, number)
    .map(([priority, target, port]) => `HTTPS ${priority} ${target} alpn=h2,h3 port=${port}`),
);

test("a record of a test zone reads as the test's own reader has it", () => {
  fc.assert(
    fc.property(name, number, zoneData, (owner, ttl, data) => {
      const line = `${owner} ${ttl} ${data}`;
      const expected = parseZoneLine(line);
      expect(parseRecord(line)).toEqual({
        ok: true,
        value: { owner: expected.owner, type: expected.type, class: 1, ttlSeconds: ttl, data: expected.data },
      });
    }),
  );
});

test("any data survives its generic form", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 1, max: 40 }), (data, type) => {
      const hex = Buffer.from(data).toString("hex");
      expect(hexOf(String.raw`x. ${typeName(type)} \# ${data.length} ${hex}`)).toBe(hex);
    }),
  );
});

test("any text gives a record or a problem, never an exception", () => {
  const soup = fc.array(
    fc.constantFrom("a", ".", '"', "\\", "(", ")", ";", " ", "TXT", "SVCB 1 .", "IN", "60", "=", "é", "\n", "256"),
  );
  fc.assert(
    fc.property(soup, (parts) => {
      const record = parseRecord(`x. ${parts.join("")}`);
      expect(record.ok || record.problems[0] !== "").toBe(true);
    }),
  );
});

describe("a name is shown as CoreDNS shows it:", () => {
  test.each([
    ["\x03api\x04test", "api.test."],
    ["", "."],
    ["\x03a.b", String.raw`a\.b.`],
    ["\x04 '@$", String.raw`\ \'\@$.`],
    ["\x02\x00\xff", String.raw`\000\255.`],
    ["\x01*\x02_x", "*._x."],
  ])("%j", (key, text) => {
    expect(corednsName(key)).toBe(text);
  });

  test("and reads back as the same name", () => {
    const octets = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(fc.array(octets, { maxLength: 4 }), (labels) => {
        const key = labels.map((one) => String.fromCharCode(one.length) + one).join("");
        expect(parseName(corednsName(key))).toBe(key);
        expect(foldKey(key)).toBe(parseName(corednsName(foldKey(key))));
      }),
    );
  });
});
