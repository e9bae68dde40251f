import { describe, expect, test } from "vitest";
import { formatDiagnostic } from "../../../src/dns/corefile/diagnostic.ts";
import { lintCorefile } from "../../../src/dns/corefile/lint.ts";
import { DEFAULT_COREFILE } from "../../../src/dns/directives/default-corefile.ts";
import { loadCorefile } from "../../../src/dns/directives/load-corefile.ts";
import { memoryFiles } from "./memory-files.ts";

function lint(text: string): readonly string[] {
  const environment = { SLUICE_DNS_PORT: "53", SLUICE_CLUSTER_DNS: "10.96.0.10" };
  const files = memoryFiles();
  const loaded = loadCorefile({ file: "Corefile", text, environment, files, compatibility: "strict" });
  expect(loaded.diagnostics.filter(({ severity }) => severity === "error").map(formatDiagnostic)).toEqual([]);
  return lintCorefile(loaded.corefile).map(formatDiagnostic);
}

const END = "sluice\nforward . 10.0.0.1";

describe("nothing is said of", () => {
  test.each([
    ["the default Corefile", DEFAULT_COREFILE],
    ["a block that forwards", `. {\n${END}\n}`],
    ["a block that tells who asks", ". {\nsluice\nwhoami\n}"],
    ["a Kuadrant Corefile", "k.test {\nkuadrant\n}\n. {\nforward . 10.0.0.1\n}"],
    ["forwards from the narrow to the wide", `. {\nforward a.test 10.0.0.2\n${END}\n}`],
    ["a forward behind one that hands on", `. {\nforward . 10.0.0.2 {\nnext NXDOMAIN\n}\n${END}\n}`],
    ["hosts above forward", `. {\nhosts {\n10.0.0.9 a.test\nfallthrough\n}\n${END}\n}`],
    ["a template behind sluice", `. {\ntemplate IN A a.test {\nfallthrough\n}\n${END}\n}`],
    ["acl rules that end in block", `. {\nacl {\nallow net 10.0.0.0/8\nblock\n}\n${END}\n}`],
    [
      "an acl that decides on everybody, by stars too",
      `. {\nacl {\nblock type ANY\n}\nacl . {\nallow type * net *\n}\n${END}\n}`,
    ],
    ["zones inside and above the block's", `a.test {\ncache 30 b.a.test\nacl test {\nblock\n}\n${END}\n}`],
  ])("%s", (_title, text) => {
    expect(lint(text)).toEqual([]);
  });
});

describe("a block that ends nowhere", () => {
  test.each([
    [
      "is an error for all names",
      ". {\nsluice\ncache\n}",
      "Corefile:2 - the block of '.' ends without 'forward' or 'whoami'",
    ],
    [
      "is an error where nothing answers",
      "a.test {\nsluice\n}\n. {\nwhoami\n}\nb.test {\nerrors\n}",
      "Corefile:8 - the block of 'b.test.' ends",
    ],
    [
      "is a warning where something does",
      `a.test {\nhosts {\n10.0.0.1 b.a.test\n}\n}\n. {\n${END}\n}`,
      "Corefile:2 - Warning: the block of 'a.test.' ends",
    ],
    [
      "is a warning where it is empty",
      `a.test {\n}\n. {\n${END}\n}`,
      "Corefile:1 - Warning: the block of 'a.test.' is empty",
    ],
  ])("%s", (_title, text, expected) => {
    expect(lint(text)).toContainEqual(expect.stringContaining(expected));
  });
});

describe("what is never reached is told:", () => {
  test.each([
    [
      "a forward behind a wider one",
      `. {\n${END}\nforward a.test 10.0.0.2\n}`,
      "Corefile:4 - Warning: this forward is shadowed: the one in line 3",
    ],
    [
      "a directive outside of its block",
      `a.test {\ncache 30 b.test\n${END}\n}`,
      "Corefile:2 - Warning: 'cache' never acts on 'b.test'",
    ],
    [
      "a forward outside of its block",
      "a.test {\nsluice\nforward b.test 10.0.0.2\nwhoami\n}",
      "Corefile:3 - Warning: 'forward' never acts on 'b.test'",
    ],
    [
      "an acl that decides on some types only",
      `. {\nacl {\nblock type ANY\n}\n${END}\n}`,
      "Corefile:2 - Warning: this acl leaves the resolver open",
    ],
    [
      "an acl that decides on some names only",
      `. {\nacl a.test {\nblock\n}\n${END}\n}`,
      "Corefile:2 - Warning: this acl leaves the resolver open",
    ],
    [
      "an acl rule behind one for all",
      `. {\nacl {\nblock\nallow net 10.0.0.0/8\n}\n${END}\n}`,
      "Corefile:4 - Warning: this rule is shadowed: line 3",
    ],
  ])("%s", (_title, text, expected) => {
    expect(lint(text)).toEqual([expect.stringContaining(expected)]);
  });
});

describe("options of sluice that hold for the whole process", () => {
  const twice = (first: string, second: string) =>
    `a.test {\nsluice {\n${first}\n}\nwhoami\n}\n. {\nsluice {\n${second}\n}\nwhoami\n}`;

  test("are told where the first sluice decides otherwise", () => {
    expect(lint(twice("ttl 5", "conflict merge"))).toEqual([
      "Corefile:9 - Warning: 'conflict' has no effect here: it holds for all server blocks, and the first 'sluice' of the file decides",
    ]);
  });

  test.each([
    ["that are the same in both", twice("conflict merge", "conflict merge")],
    ["of one block only", twice("conflict merge", "ttl 5")],
  ])("%s are not", (_title, text) => {
    expect(lint(text)).toEqual([]);
  });
});

describe("a way past the gateway is told:", () => {
  test.each([
    ["no sluice at all", ". {\nforward . 10.0.0.1\n}", "Corefile:2 - Warning: no block has 'sluice'"],
    [
      "a block beside sluice that forwards",
      `. {\n${END}\n}\na.test {\nforward . 10.0.0.1\n}`,
      "Corefile:6 - Warning: the block of 'a.test.' has no 'sluice'",
    ],
    [
      "pinned names whose HTTPS is forwarded",
      `. {\nhosts {\n10.0.0.9 a.test\nfallthrough\nfallthrough_unsupported\n}\n${END}\n}`,
      "Corefile:5 - Warning: fallthrough_unsupported forwards HTTPS",
    ],
    [
      "aliases that are not guarded",
      ". {\nsluice {\ncname_guard off\n}\nforward . 10.0.0.1\n}",
      "Corefile:3 - Warning: cname_guard off",
    ],
  ])("%s", (_title, text, expected) => {
    expect(lint(text)).toEqual([expect.stringContaining(expected)]);
  });

  test("a template for A alone in a block without sluice", () => {
    const open = lint(". {\ntemplate IN A a.test {\nfallthrough\n}\ntemplate IN AAAA a.test\nforward . 10.0.0.1\n}");
    expect(open).toContainEqual(
      expect.stringContaining("Corefile:2 - Warning: names of this template leak: HTTPS questions fall through"),
    );
    const closed = lint(". {\ntemplate IN A a.test\ntemplate IN ANY a.test\nforward . 10.0.0.1\n}");
    expect(closed.filter((line) => line.includes("leak"))).toEqual([]);
  });
});
