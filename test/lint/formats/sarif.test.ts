import fc from "fast-check";
import type { Log, Result } from "sarif";
import { describe, expect, test } from "vitest";
import { sarifFormat } from "../../../src/lint/formats/sarif.ts";
import { familyOf } from "../../../src/lint/rule-family.ts";
import { rules } from "../../../src/lint/rules/index.ts";
import {
  findingWith,
  type Linted,
  lintTexts,
  optionsOf,
  policyCounting,
  policyWithSecret,
  reportOf,
  SECRET,
} from "./linted-texts.ts";

const runOf = ({ report, options }: Linted) => {
  const log = JSON.parse(sarifFormat(report, options)) as Log;
  const [run] = log.runs;
  if (run === undefined || run.results === undefined) throw new Error("no run, or no results");
  return { log, run, results: run.results };
};
const printsOf = (results: readonly Result[]): readonly string[] =>
  results.map(({ partialFingerprints }) => partialFingerprints?.["sluiceFinding/v1"] ?? "");

const linted = lintTexts({ "policies/a b.yaml": policyCounting("one", "two"), "auth.yaml": policyWithSecret });
const { log, run, results } = runOf(linted);

describe("the log", () => {
  test("says its version, its schema and how columns count", () => {
    expect([log.version, log.$schema, run.columnKind]).toEqual([
      "2.1.0",
      "https://json.schemastore.org/sarif-2.1.0.json",
      "utf16CodeUnits",
    ]);
  });

  test("describes every rule that ran, in full", () => {
    const described = run.tool.driver.rules ?? [];
    expect(described.slice(0, rules.length).map(({ id }) => id)).toEqual(rules.map(({ id }) => id));
    for (const { id, name, shortDescription, fullDescription, help, defaultConfiguration, properties } of described) {
      expect([id, name]).toEqual([id, expect.stringMatching(/^(?:[A-Z0-9][a-z0-9]*)+$/)]);
      expect([shortDescription?.text, fullDescription?.text, help?.text, help?.markdown]).not.toContain("");
      expect(["error", "warning", "note"]).toContain(defaultConfiguration?.level);
      expect(properties?.tags?.length).toBeLessThanOrEqual(20);
      expect(properties?.["problem.severity"]).toMatch(/^(?:error|warning|recommendation)$/);
    }
    expect(new Set(described.map(({ name }) => name)).size).toBe(described.length);
  });

  test("says how the run ended, and which input could not be read", () => {
    expect(run.invocations).toEqual([{ executionSuccessful: true, exitCode: 1 }]);
    const broken = runOf(lintTexts({ "x.yaml": "a: [1\nb: 2\n" }));
    expect(broken.run.invocations?.[0]).toMatchObject({
      executionSuccessful: false,
      exitCode: 2,
      toolExecutionNotifications: [
        { level: "error", locations: [{ physicalLocation: { artifactLocation: { uri: "x.yaml" } } }] },
      ],
    });
  });
});

describe("a result", () => {
  test("refers to its rule, says what happens and what to do, and where", () => {
    const result = results.find(({ ruleId }) => ruleId === "rlp-source-address-counter");
    expect(run.tool.driver.rules?.[result?.ruleIndex ?? -1]?.id).toBe("rlp-source-address-counter");
    expect(result).toMatchObject({
      level: "error",
      message: { text: expect.stringMatching(/^[A-Z'`].+\. .+\.$/) },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: "policies/a%20b.yaml", uriBaseId: "%SRCROOT%" },
            region: { startLine: 9, startColumn: 36, endLine: 9, endColumn: 50 },
          },
          logicalLocations: [
            {
              name: "limits",
              kind: "resource",
              fullyQualifiedName: "RateLimitPolicy gateway-system/limits spec.limits.one.counters[0].expression",
            },
          ],
        },
      ],
    });
  });

  test("tells the places that take part", () => {
    const other = { apiVersion: "v1", kind: "AuthPolicy", namespace: "g", name: "y" };
    const finding = findingWith({ related: [{ object: other, path: ["spec"], message: "the AuthPolicy is here" }] });
    const related = [{ file: "b.yaml", line: 3, column: 1, endLine: 3, endColumn: 5 }];
    const [result] = runOf({ report: reportOf([{ ...finding, related }]), options: optionsOf({}) }).results;
    expect(result?.relatedLocations).toEqual([
      {
        id: 1,
        message: { text: "the AuthPolicy is here: AuthPolicy g/y spec" },
        physicalLocation: {
          artifactLocation: { uri: "b.yaml", uriBaseId: "%SRCROOT%" },
          region: { startLine: 3, startColumn: 1, endLine: 3, endColumn: 5 },
        },
        logicalLocations: [{ name: "y", kind: "resource", fullyQualifiedName: "AuthPolicy g/y spec" }],
      },
    ]);
  });

  test("about the text of a file has the file and no object", () => {
    const { finding } = findingWith({ rule: "yaml-tab", path: [] });
    const { object: _object, ...textual } = finding;
    const broken = runOf({ report: reportOf([{ finding: textual, file: "a.yaml" }]), options: optionsOf({}) });
    expect(broken.results[0]?.locations).toEqual([
      { physicalLocation: { artifactLocation: { uri: "a.yaml", uriBaseId: "%SRCROOT%" } } },
    ]);
    expect(broken.run.tool.driver.rules?.[broken.results[0]?.ruleIndex ?? -1]).toMatchObject({
      id: "yaml-tab",
      name: "YamlTab",
      fullDescription: { text: familyOf("yaml-tab")?.why },
    });
  });

  test("from a cluster has the object and no file, from standard input no base", () => {
    const { finding, place } = findingWith();
    const [cluster] = runOf({ report: reportOf([{ finding }]), options: optionsOf({}) }).results;
    expect(cluster?.locations?.[0]).not.toHaveProperty("physicalLocation");
    expect(cluster?.locations?.[0]?.logicalLocations).toHaveLength(1);
    const piped = place === undefined ? {} : { place: { ...place, file: "<stdin>" } };
    const [stream] = runOf({ report: reportOf([{ finding, ...piped }]), options: optionsOf({}) }).results;
    expect(stream?.locations?.[0]?.physicalLocation?.artifactLocation).toEqual({ uri: "stdin" });
  });

  test("outside of the sources is named by where it is", () => {
    const options = { ...optionsOf({}), fileOf: () => ({ kind: "outside", path: "/srv/a b#.yaml" }) as const };
    const [result] = runOf({ report: reportOf([findingWith()]), options }).results;
    expect(result?.locations?.[0]?.physicalLocation?.artifactLocation).toEqual({ uri: "file:///srv/a%20b%23.yaml" });
  });

  test("with a mend that is text alone carries it as a fix", () => {
    const place = { file: "a.yaml", line: 3, column: 5, endLine: 3, endColumn: 9 };
    const finding = findingWith({ mend: { title: "Write `egress`", edits: [] } });
    const options = { ...optionsOf({}), replacementsOf: () => [{ place, text: "egress" }] };
    const [result] = runOf({ report: reportOf([finding]), options }).results;
    expect(result?.fixes).toEqual([
      {
        description: { text: "Write `egress`." },
        artifactChanges: [
          {
            artifactLocation: { uri: "a.yaml", uriBaseId: "%SRCROOT%" },
            replacements: [
              {
                deletedRegion: { startLine: 3, startColumn: 5, endLine: 3, endColumn: 9 },
                insertedContent: { text: "egress" },
              },
            ],
          },
        ],
      },
    ]);
  });

  test("never shows a credential", () => {
    expect(results.some(({ ruleId }) => ruleId === "auth-literal-credential")).toBe(true);
    expect(JSON.stringify(log)).not.toContain(SECRET);
  });
});

describe("fingerprints", () => {
  test("are unique within a run", () => {
    const twice = runOf({ report: reportOf([findingWith(), findingWith()]), options: optionsOf({}) });
    const [first = "", second = ""] = printsOf(twice.results);
    expect([first.endsWith(":1"), second.endsWith(":2"), first.slice(0, 32) === second.slice(0, 32)]).toEqual([
      true,
      true,
      true,
    ]);
    expect(new Set(printsOf(results)).size).toBe(results.length);
  });

  test("outlive moved lines, renamed files and another order of files", () => {
    const moved = lintTexts({
      "z/auth.yaml": `# a comment\n\n${policyWithSecret}`,
      "renamed.yaml": `---\n${policyCounting("one", "two")}`,
    });
    expect(printsOf(runOf(moved).results).toSorted()).toEqual(printsOf(results).toSorted());
  });

  test("outlive another order of the items of a list", () => {
    const counters = ["source.address", "source.address + 'x'", "source.port"];
    const printsIn = (order: readonly string[]) => {
      const list = order.map((expression) => `        - expression: ${JSON.stringify(expression)}\n`).join("");
      const text = policyCounting("one").replace(/ {8}- expression: .*\n/, list);
      return printsOf(runOf(lintTexts({ "a.yaml": text })).results).toSorted();
    };
    expect(printsIn(counters).length).toBeGreaterThan(1);
    fc.assert(
      fc.property(fc.shuffledSubarray(counters, { minLength: 3 }), (order) => {
        expect(printsIn(order)).toEqual(printsIn(counters));
      }),
      { numRuns: 6 },
    );
  });

  test("change with the rule, the object, the field and the value at fault, and not with a credential", () => {
    const print = (linted: Linted) => printsOf(runOf(linted).results)[0];
    const at = (change: Parameters<typeof findingWith>[0], raw: unknown = { spec: { targetRef: { name: "a" } } }) =>
      print({ report: reportOf([findingWith(change)]), options: { ...optionsOf({}), rawOf: () => raw } });
    const object = { apiVersion: "kuadrant.io/v1", kind: "AuthPolicy", namespace: "g", name: "other" };
    const prints = [
      at({}),
      at({ rule: "policy-shadowed" }),
      at({ object }),
      at({ path: ["spec"] }),
      at({}, { spec: { targetRef: { name: "b" } } }),
    ];
    expect(new Set(prints).size).toBe(prints.length);
    expect(at({ object: { ...object, name: "x", apiVersion: "kuadrant.io/v1beta3" } })).toBe(at({}));
    expect(at({ secret: true }, { spec: { targetRef: { name: "one" } } })).toBe(at({ secret: true }));
  });
});
