import { expect, test } from "vitest";
import { formatCheck, STRING_FORMATS } from "../../src/cel/string-formats.ts";

const U = "01234567-89ab-3def-8123-456789abcDEF";
const version = (digit: string): string => U.replace("-3", `-${digit}`);

test.each<readonly [string, readonly string[], readonly string[]]>([
  [
    "byte",
    ["YQ==", "YWI=", "YWJj", "YWJjYQ==", "YWJjYWI=", "+/09"],
    ["", "a", "YQ=", "YQ", "YWJjY", "=YWJ", "YW J", "YQ==YQ==", "YWJj!"],
  ],
  [
    "cidr",
    ["10.0.0.0/8", "10.0.0.1/0", "10.0.0.0/32", "::/0", "2001:db8::/128"],
    [
      "10.0.0.0",
      "10.0.0.0/33",
      "::/129",
      "x/8",
      "10.0.0.0/",
      "10.0.0.0/x",
      "10.0.0.0/8/8",
      "10.0.0.0/a8",
      "10.0.0.0/8a",
      "",
    ],
  ],
  [
    "date",
    ["2026-02-28", "2024-02-29"],
    ["2026-02-30", "2026-2-28", "26-02-28", "2026-02-8", "x2026-02-28", "2026-02-28x", "2026-13-01", ""],
  ],
  ["date-time", ["2026-02-03T04:05:06Z", "2026-02-03T04:05:06.5+01:00"], ["2026-02-03", "2026-02-30T00:00:00Z", ""]],
  [
    "duration",
    ["1s", "1h30m", "1.5h", "1.h", ".5s", "-1s", "+1s", "3 days", "1 h 2 m", "5µs", `${"1s".repeat(100)}`],
    ["", "1", "s", "s1", "1s!", "!1s", "1..5s", ".s", "*1s", "1 abcdefghijklm", `${"1s".repeat(100)} `],
  ],
  [
    "email",
    ["a@b", "a.b+c@d.example", `${"a".repeat(64)}@b`, `a@${"b".repeat(255)}`],
    ["a", "@b", "a@", "a b@c", "a@b c", "a@b@c", "<a@b", "a@b>", `${"a".repeat(65)}@b`, `a@${"b".repeat(256)}`],
  ],
  [
    "hostname",
    ["a", "a.b", "a-b.c1", "A1", `${"a".repeat(63)}.b`, `${"a.".repeat(127)}a`],
    ["", ".", "a.", "-a", "a-", "a_b", "a..b", `${"a".repeat(64)}`, `${"a.".repeat(127)}aa`],
  ],
  ["ipv4", ["10.0.0.1"], ["10.0.0", "010.0.0.1", "::1", "10.0.0.256", ""]],
  ["ipv6", ["::1", "2001:DB8::1"], ["10.0.0.1", "::g", ":", ""]],
  [
    "mac",
    ["01:23:45:67:89:aB", "01-23-45-67-89-ab", "0123.4567.89ab"],
    [
      "",
      "01:23:45:67:89",
      "01:23:45:67:89:ab:cd",
      "x01:23:45:67:89:ab",
      "01:23:45:67:89:abx",
      "1:23:45:67:89:ab",
      "01:2:45:67:89:ab",
      "gg:23:45:67:89:ab",
      "01:gg:45:67:89:ab",
      "0123.4567",
      "0123.4567.89ab.cdef",
      "123.4567.89ab",
      "0123.456.89ab",
      "x0123.4567.89ab",
      "0123.4567.89gh",
      "01.23.45.67.89.ab",
    ],
  ],
  ["uri", ["https://a/b", "/a"], ["a b", "a", ""]],
  ["uuid", [U, U.replaceAll("-", ""), version("0")], ["", U.slice(1), `${U}0`, `0${U}`, version("g")]],
  ["uuid3", [U], [version("4"), ""]],
  ["uuid4", [version("4"), version("4").replaceAll("-", "")], [U, version("5")]],
  ["uuid5", [version("5")], [U, version("4")]],
])("%s: texts that have it and texts that do not", (format, good, bad) => {
  const check = formatCheck(format);
  expect([...good, ...bad].filter((text) => check?.(text) === true)).toEqual(good);
});

test("every format that an API server checks has cases above, and no other is checked", () => {
  expect(Object.keys(STRING_FORMATS).toSorted()).toEqual(
    "byte cidr date datetime duration email hostname ipv4 ipv6 mac uri uuid uuid3 uuid4 uuid5".split(" "),
  );
  for (const format of ["int32", "password", "constructor", "toString", ""])
    expect(formatCheck(format)).toBeUndefined();
  expect(formatCheck("date-time")).toBe(formatCheck("datetime"));
});
