import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exampleText } from "../../../src/lint/example-text.ts";
import { rules } from "../../../src/lint/rules/index.ts";
import { decodeObject } from "../../../src/model/decode.ts";
import { KINDS, type Kind } from "../../../src/model/kinds.ts";
import { buildTopology } from "../../../src/model/topology.ts";
import { readManifests } from "../../../src/sources/manifests.ts";
import { mutated, mutation } from "../../support/corpus.ts";
import { allFindings, decodedOf, exampleSets } from "../../support/example-sets.ts";
import { authPattern, authWhen, counting, labelled, limitedWhen, planWhen } from "../../support/expression-policies.ts";
import { yamlOf } from "../../support/rule-findings.ts";
import { objectsOf } from "../../support/topology-of.ts";

const sets = exampleSets();
const someSet = fc.constantFrom(...sets);
const kinds = Object.keys(KINDS) as Kind[];

/** Lints whatever can be decoded; fails when anything throws. */
const lintRaws = (raws: readonly unknown[]): number => allFindings(decodedOf(raws)).length;

/** Words that rules look for, so that arbitrary objects are not all alike. */
const word = fc.constantFrom(
  "spec",
  "rules",
  "name",
  "namespace",
  "hosts",
  "limits",
  "when",
  "targetRef",
  "ports",
  "a",
);
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constantFrom(null, true, 0, -1, 1e300, "", "*", "a.example", "source.address", "auth.identity.user.username"),
    fc.string({ maxLength: 10 }),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(word, tie("value"), { maxKeys: 4 }),
  ),
})).value;

describe("lint never throws", () => {
  test.each(kinds)("on a %s with anything in it", (kind) => {
    const { group, versions } = KINDS[kind];
    const apiVersion = group === "" ? versions[0] : `${group}/${versions[0]}`;
    fc.assert(
      fc.property(json, json, fc.dictionary(word, json, { maxKeys: 3 }), (spec, status, more) => {
        const metadata = { name: "a", namespace: "b" };
        lintRaws([
          { ...more, apiVersion, kind, metadata, spec, status },
          { apiVersion, kind, metadata: more, spec },
        ]);
      }),
      { numRuns: 30 },
    );
  });

  test("on examples and guides of which any object has any change", () => {
    fc.assert(
      fc.property(someSet, fc.nat(), fc.array(mutation, { minLength: 1, maxLength: 5 }), (set, at, changes) => {
        const raws = set.objects.map(({ raw }) => raw);
        const chosen = at % Math.max(1, raws.length);
        lintRaws(raws.map((raw, index) => (index === chosen ? mutated(raw, changes) : raw)));
      }),
      { numRuns: 250 },
    );
  }, 60_000);

  test("on an example with each of its fields left out or of another type", () => {
    for (const { objects } of sets.filter((_, at) => at % 8 === 0)) {
      for (const [index, { raw }] of objects.entries()) {
        for (let at = 0; at < 15; at++) {
          const value = [7, "", null][at % 3] ?? null;
          for (const way of ["replace", "remove"] as const) {
            const changed = mutated(raw, [{ at, way, value }]);
            lintRaws(objects.map((object, place) => (place === index ? changed : object.raw)));
          }
        }
      }
    }
  }, 60_000);

  test("on any CEL text, wherever CEL stands", () => {
    const part = fc.constantFrom(
      ..."request.headers request source.address auth.identity ['x'] . .? [? ] ( ) { } , : ? ! && || == in + - ' \" r' b\" ''' \\ 1 .5 0x -9223372036854775808 true null // \n has( .all(x, .map(x, cel.bind( \u00e9 \ud83d ` @".split(
        " ",
      ),
    );
    const cel = fc.oneof(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.array(part, { maxLength: 20 }).map((parts) => parts.join("")),
    );
    const policies = [
      counting,
      limitedWhen,
      authWhen,
      planWhen,
      labelled,
      (text: string) => authPattern({ predicate: text }),
    ];
    fc.assert(
      fc.property(cel, (text) => {
        for (const policy of policies) expect(lintRaws(objectsOf(yamlOf(policy(text))))).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 250 },
    );
  }, 60_000);
});

describe("reading and linting never throws", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-arbitrary-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const texts = [
    ...rules.flatMap(({ bad }) => bad.map(({ yaml }) => exampleText(yaml))),
    readFileSync("test/fixtures/manifests/000-egress-gateway/infrastructure.yaml", "utf8"),
    readFileSync("test/fixtures/manifests/001-openai/access-control.yaml", "utf8"),
  ];
  const piece = fc.oneof(
    fc.constantFrom(
      "\t",
      "\n",
      "---\n",
      "...\n",
      "&a ",
      "*a",
      "!x ",
      "<<: *a\n",
      "- ",
      "? ",
      ": ",
      "{",
      "}",
      "[",
      "]",
      "|\n",
      ">-\n",
      "'",
      '"',
      "#",
      "\0",
      "\ufeff",
      "\u2028",
      "\r",
      "%YAML 1.1\n",
    ),
    fc.string({ unit: "binary", maxLength: 8 }),
  );
  const edit = fc.record({ at: fc.nat(), length: fc.nat(12), text: piece });

  test("on any change of the text of manifests", async () => {
    const file = join(folder, "manifests.yaml");
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...texts),
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        async (text, edits) => {
          let changed = text;
          for (const { at, length, text: inserted } of edits) {
            const from = at % (changed.length + 1);
            changed = changed.slice(0, from) + inserted + changed.slice(from + length);
          }
          writeFileSync(file, changed);
          const { decoded, problems } = await readManifests({ paths: [file] });
          expect(allFindings(decoded).length + problems.length).toBeGreaterThanOrEqual(0);
        },
      ),
      { numRuns: 300 },
    );
  }, 60_000);

  test("and every object of the examples is of a known kind", () => {
    const unknown = sets.flatMap(({ objects }) => objects).filter(({ raw }) => decodeObject(raw).status !== "decoded");
    expect(unknown).toEqual([]);
    expect(buildTopology(sets[0]?.objects ?? []).decoded.length).toBeGreaterThan(0);
  });
});
