import { describe, expect, test } from "vitest";
import { formatUpstream, parseUpstream } from "../../../src/dns/upstream/address.ts";
import { parseResolvConf } from "../../../src/dns/upstream/resolv-conf.ts";

describe("upstream addresses", () => {
  test.each([
    ["10.96.0.10", "10.96.0.10:53"],
    ["10.96.0.10:5353", "10.96.0.10:5353"],
    ["dns://10.96.0.10", "10.96.0.10:53"],
    ["fd00::10", "[fd00::10]:53"],
    ["[fd00::10]", "[fd00::10]:53"],
    ["[fd00::10]:5353", "[fd00::10]:5353"],
  ])("'%s' is %s", (text, formatted) => {
    const parsed = parseUpstream(text);
    expect(parsed.ok && formatUpstream(parsed.value)).toBe(formatted);
  });

  test.each([
    "",
    "dns.example.org",
    "10.0.0.1:0",
    "10.0.0.1:65536",
    "10.0.0.1:53:53",
    "10.0.0",
    "[fd00::10",
    "tls://1.1.1.1",
  ])("'%s' is refused with its text in the message", (text) => {
    const parsed = parseUpstream(text);
    expect(parsed.ok ? "" : parsed.problems.join()).toContain(`'${text}'`);
  });
});

describe("resolv.conf", () => {
  const addresses = (text: string): string[] => parseResolvConf(text).nameservers.map(formatUpstream);

  test("nameservers, search list and ndots are read", () => {
    const text =
      "# made by hand\nnameserver 10.0.0.2\nnameserver fd00::2 \nsearch a.example b.example\noptions ndots:5 edns0\n";
    expect(parseResolvConf(text)).toMatchObject({ searches: ["a.example", "b.example"], ndots: 5 });
    expect(addresses(text)).toEqual(["10.0.0.2:53", "[fd00::2]:53"]);
  });

  test.each([
    ["no lines", "", []],
    ["a comment", ";nameserver 10.0.0.2\n #nameserver 10.0.0.3", []],
    ["a nameserver that is no address", "nameserver dns.example.org\nnameserver 10.0.0.2", ["10.0.0.2:53"]],
    ["a nameserver without value", "nameserver\nnameserver\t10.0.0.2", ["10.0.0.2:53"]],
    ["a nameserver with a port", "nameserver 10.0.0.2:5353", []],
    ["a zone", "nameserver fe80::1%eth0", []],
    [
      "more than three",
      "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4",
      ["10.0.0.1:53", "10.0.0.2:53", "10.0.0.3:53"],
    ],
    ["Windows line ends", "nameserver 10.0.0.2\r\nsearch x\r\n", ["10.0.0.2:53"]],
  ])("%s", (_what, text, expected) => {
    expect(addresses(text)).toEqual(expected);
  });

  test("the last of search and domain counts, and ndots is capped", () => {
    expect(parseResolvConf("search a b\ndomain c d\noptions ndots:99")).toMatchObject({ searches: ["c"], ndots: 15 });
  });
});
