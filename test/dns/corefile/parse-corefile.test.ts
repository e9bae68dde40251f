import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createReport, formatDiagnostic } from "../../../src/dns/corefile/diagnostic.ts";
import { parseCorefile } from "../../../src/dns/corefile/parse-corefile.ts";
import { corefileLike } from "./corefile-like.ts";
import { memoryFiles } from "./memory-files.ts";

const parse = (text: string, files: Readonly<Record<string, string>> = {}, environment = {}) => {
  const report = createReport();
  const corefile = parseCorefile({ file: "Corefile", text, environment, files: memoryFiles(files), report });
  return { corefile, problems: report.diagnostics().map(formatDiagnostic), diagnostics: report.diagnostics() };
};

const keysOf = (text: string) =>
  parse(text).corefile.servers.map(({ keys }) => keys.map(({ zone, port }) => `${zone}:${port}`).join(" "));

describe("the keys of a server block", () => {
  test.each([
    [". {\n}", [".:53"]],
    [".:5300 {\n}", [".:5300"]],
    ["Example.ORG. {\n}", ["example.org.:53"]],
    ["a.test b.test:54 {\n}", ["a.test.:53 b.test.:54"]],
    ["a.test,\nb.test {\n}", ["a.test.:53 b.test.:53"]],
    ["dns://a.test {\n}", ["a.test.:53"]],
    ["bücher.example {\n}", ["xn--bcher-kva.example.:53"]],
    ["10.1.2.0/24 {\n}", ["2.1.10.in-addr.arpa.:53"]],
    ["10.0.0.9/31:54 {\n}", ["8.0.0.10.in-addr.arpa.:54 9.0.0.10.in-addr.arpa.:54"]],
    ["0.0.0.0/0 {\n}", ["in-addr.arpa.:53"]],
    ["2001:db8::/32 {\n}", ["8.b.d.0.1.0.0.2.ip6.arpa.:53"]],
    ["2001:db8::/31:54 {\n}", ["8.b.d.0.1.0.0.2.ip6.arpa.:54 9.b.d.0.1.0.0.2.ip6.arpa.:54"]],
    ["a.test\n{\n}", ["a.test.:53"]],
    ["a.test {\n} b.test {\n}", ["a.test.:53", "b.test.:53"]],
    [".\nwhoami", [".:53"]],
  ])("%j", (text, expected) => {
    expect(parse(text).problems).toEqual([]);
    expect(keysOf(text)).toEqual(expected);
  });

  test.each([
    ["*.a.test {\n}", "Corefile:1 - Error during parsing: '*.a.test' has a wildcard"],
    ["a..b {\n}", "zone is not a valid domain name: a..b"],
    ["a.test{\n}", "put a space before '{'"],
    ["a.test,b.test {\n}", "put a space behind ','"],
    ["tls://. {\n}", "scheme 'tls://' is not served"],
    [".:0 {\n}", "port of '.:0' must be from 1 to 65535"],
    [".:99999 {\n}", "must be from 1 to 65535"],
    ["10.0.0.0/33 {\n}", "illegal CIDR notation '10.0.0.0/33'"],
    ["{\nwhoami\n}", "has no zone"],
    [". {\n}\nwhoami\n", "Corefile:3 - Error during parsing: 'whoami' starts a server block without '{'"],
    [".:{$PORT} {\n}", "environment variable PORT is empty or not set"],
    ["{$ZONE} {\n}", "environment variable ZONE is empty or not set"],
  ])("%j is refused", (text, expected) => {
    expect(parse(text).problems.join("\n")).toContain(expected);
  });
});

describe("blocks", () => {
  test("nest, and keep the words of their lines", () => {
    const [server] = parse('. {\n  health :80 {\n    lameduck "5 s"\n  }\n  errors {\n  }\n}').corefile.servers;
    const [health, errors] = server?.directives ?? [];
    expect(health?.args.map(({ text }) => text)).toEqual([":80"]);
    expect(health?.block?.[0]).toMatchObject({ name: { text: "lameduck" }, args: [{ text: "5 s" }] });
    expect(errors?.block).toEqual([]);
  });

  test("may hold a quoted brace", () => {
    expect(parse('. {\n  chaos "{" "}"\n}').problems).toEqual([]);
  });

  test.each([
    [
      ". {\n  health { lameduck 5s }\n  whoami\n}",
      ["2 - Error during parsing: '{' must be", "2 - Error during parsing: unexpected '}'"],
    ],
    [". {\n  whoami }\n}", ["2 - Error during parsing: unexpected '}'"]],
    [". {\n  health {\n  } x\n}", ["3 - Error during parsing: unexpected 'x' behind '}'"]],
    [". {\n}\n}", ["3 - Error during parsing: unexpected '}'"]],
    [".\nwhoami\n}", ["3 - Error during parsing: unexpected '}'"]],
    [". {\n  cache {\n", ["Unexpected EOF: the block of 'cache', line 2"]],
    [`. {\n${"a {\n".repeat(12)}${"}\n".repeat(12)}}`, ["nested more than 10 deep"]],
    [
      ". {\n  forward . {$A}\n  bogus {$B}\n}",
      ["2 - Error during parsing: environment variable A", "3 - Error during parsing: environment variable B"],
    ],
  ])("%j: every problem is named, none twice", (text, expected) => {
    const { problems } = parse(text);
    expect(problems).toHaveLength(expected.length);
    for (const [index, fragment] of expected.entries()) expect(problems[index]).toContain(fragment);
  });
});

describe("imports", () => {
  const wordsOf = (text: string, files?: Readonly<Record<string, string>>) =>
    parse(text, files).corefile.servers.map(({ directives }) => directives.map(({ name }) => name.text).join(" "));

  test.each([
    ["a snippet", "(s) {\n  errors\n}\n. {\n  import s\n  whoami\n}", {}, ["errors whoami"]],
    ["a snippet in a block", "(s) {\n  ttl 7\n}\n. {\n  sluice {\n    import s\n  }\n}", {}, ["sluice"]],
    ["a snippet in a snippet", "(a) {\nany\n}\n(b) {\nimport a\n}\n. {\nimport b\n}", {}, ["any"]],
    [
      "a file beside the importing one",
      "import d/a.conf",
      { "d/a.conf": "import b.conf", "d/b.conf": ". {\nany\n}" },
      ["any"],
    ],
    ["a glob, sorted", ". {\nimport d/*\n}", { "d/b": "errors", "d/a": "whoami", "d/.c": "any" }, ["whoami errors"]],
    ["snippets of a file", "import s.conf\n. {\nimport s\n}", { "s.conf": "(s) {\nany\n}" }, ["any"]],
  ])("put in %s", (_title, text, files, expected) => {
    expect(parse(text, files).problems).toEqual([]);
    expect(wordsOf(text, files)).toEqual(expected);
  });

  test.each([
    [
      "a snippet that is defined twice",
      "(s) {\n}\n(s) {\n}\n. {\n}",
      {},
      "3 - Error during parsing: redeclaration of previously declared snippet s",
    ],
    ["a snippet without end", "(s) {\nany", {}, "snippet 's' is not closed"],
    [
      "mutual imports",
      ". {\nimport a\n}",
      { a: "import b", b: "import a" },
      "b:1 - Error during parsing: file 'a' imports itself",
    ],
    ["the Corefile itself", "import Corefile", { Corefile: "" }, "imports itself"],
    ["an unset variable", ". {\nimport {$F}\n}", {}, "environment variable F"],
    ["brackets", ". {\nimport [ab]\n}", {}, "one wildcard"],
    ["nothing", ". {\nimport\n}", {}, "one argument"],
  ])("refuse %s", (_title, text, files, expected) => {
    expect(parse(text, files).problems.join("\n")).toContain(expected);
  });

  test("stop where snippets double without end", () => {
    const doubling = Array.from({ length: 40 }, (_, n) => `(s${n + 1}) {\nimport s${n}\nimport s${n}\n}`).join("\n");
    const { problems } = parse(`(s0) {\nany\n}\n${doubling}\n. {\nimport s40\n}`);
    expect(problems).toEqual([expect.stringContaining("more than 10000 imports")]);
  });

  test("stop where they are nested too deep", () => {
    const chain = Array.from({ length: 300 }, (_, n) => `(s${n + 1}) {\nimport s${n}\n}`).join("\n");
    const { problems } = parse(`(s0) {\nany\n}\n${chain}\n. {\nimport s300\n}`);
    expect(problems).toEqual([expect.stringContaining("nested more than 100 deep")]);
  });
});

describe("the same zone and port", () => {
  test.each([
    ["twice in one block", "a.test A.TEST. {\n}", "already defined, see Corefile:1"],
    ["by CIDR and by name", "10.0.0.0/8 {\n}\n10.in-addr.arpa {\n}", "already defined"],
    ["bound after unbound", ". {\n}\n. {\nbind ::1\n}", "on ::1 - zone overlap listener capacity with dns://.:53, see"],
  ])("%s is refused", (_title, text, expected) => {
    expect(parse(text).problems.join("\n")).toContain(expected);
  });

  test.each([
    ["on other ports", ".:53 {\n}\n.:54 {\n}"],
    ["on other addresses", ". {\nbind 127.0.0.1\n}\n. {\nbind 127.0.0.2\n}"],
  ])("%s is not", (_title, text) => {
    expect(parse(text).problems).toEqual([]);
  });
});

test("a file with a hundred thousand mistakes is read to its end, and a thousand are told", () => {
  const { diagnostics } = parse(`. {\n${"a }\n".repeat(100_000)}}`);
  expect(diagnostics).toHaveLength(1001);
  expect(diagnostics.at(-1)?.message).toContain("the rest is not shown");
});

test("a file of networks that split finely is refused, not expanded", () => {
  const networks = Array.from({ length: 200 }, (_, n) => `${n}.0.0.0/9`).join(" ");
  expect(parse(`${networks} ${networks.replaceAll("/9", "/1")} {\n}`).problems.join("\n")).toContain(
    "more than 10000 zones",
  );
});

test("any text is read without a throw, and problems lie inside it", () => {
  fc.assert(
    fc.property(corefileLike, corefileLike, (text, other) => {
      const { diagnostics } = parse(text, { a: other });
      for (const { place, message } of diagnostics) {
        const lines = (place.file === "Corefile" ? text : other).split("\n").length;
        expect(place.line).toBeGreaterThanOrEqual(1);
        expect(place.line).toBeLessThanOrEqual(lines);
        expect(message).not.toBe("");
      }
    }),
    { numRuns: 1000 },
  );
});
