import { describe, expect, test } from "vitest";
import { dnsProblem, isSearchDomain, SEARCH_LIMITS } from "../../src/inject/limits.ts";

const config = (changes: object = {}) => ({ nameservers: ["10.0.0.1"], searches: [], options: [], ...changes });
const reasonOf = (changes: object, limits = SEARCH_LIMITS.expanded) => dnsProblem(config(changes), limits)?.reason;
const searches = (count: number, length = 5) =>
  Array.from({ length: count }, (_, at) => String(at).padStart(length, "a"));

describe("Kubernetes' own limits", () => {
  test("three nameservers pass, four and none do not", () => {
    const addresses = ["10.0.0.1", "10.0.0.2", "fd00::1", "10.0.0.4"];
    expect([1, 3].map((count) => reasonOf({ nameservers: addresses.slice(0, count) }))).toEqual([undefined, undefined]);
    expect([0, 4].map((count) => reasonOf({ nameservers: addresses.slice(0, count) }))).toEqual([
      "invalid-dns",
      "invalid-dns",
    ]);
  });

  test.each(["x", "", "10.0.0", "010.0.0.1", "fe80::1%eth0"])("%s is no nameserver", (address) => {
    expect(reasonOf({ nameservers: [address] })).toBe("invalid-dns");
  });

  test("32 search domains pass, 33 do not", () => {
    expect([32, 33].map((count) => reasonOf({ searches: searches(count) }))).toEqual([undefined, "search-limit"]);
  });

  test("2048 characters with the spaces between pass, 2049 do not", () => {
    const list = searches(16, 127);
    expect(list.join(" ")).toHaveLength(2047);
    expect(reasonOf({ searches: [...list.slice(1), `${list[0]}a`] })).toBeUndefined();
    expect(reasonOf({ searches: [...list.slice(1), `${list[0]}aa`] })).toBe("search-limit");
  });

  test("the limits before expanded DNS are 6 and 256", () => {
    expect([6, 7].map((count) => reasonOf({ searches: searches(count) }, SEARCH_LIMITS.legacy))).toEqual([
      undefined,
      "search-limit",
    ]);
    expect(reasonOf({ searches: searches(2, 128) }, SEARCH_LIMITS.legacy)).toBe("search-limit");
  });

  test("an option needs a name", () => expect(reasonOf({ options: [{ value: "5" }] })).toBe("invalid-dns"));

  test.each([
    "corp.example",
    "a_b.example",
    "_tcp.example",
    "example.",
    ".",
    "x",
    "a".repeat(253),
    `${"a".repeat(253)}.`,
  ])("%s is a search domain", (name) => expect(isSearchDomain(name)).toBe(true));
  test.each(["", "..", "a..b", "-a", "a-", "A", "a b", "ä", "a/b", "a".repeat(254)])("%s is none", (name) => {
    expect(isSearchDomain(name)).toBe(false);
  });
});
