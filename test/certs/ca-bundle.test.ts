import fc from "fast-check";
import { generate } from "selfsigned";
import { beforeAll, describe, expect, test } from "vitest";
import { makeAuthority } from "../../src/certs/authority.ts";
import { newestGeneration, sameBundle, unionOfBundles } from "../../src/certs/ca-bundle.ts";
import { splitBundle } from "../../src/certs/inspect.ts";

const certificates: string[] = [];
let foreign = "";

beforeAll(async () => {
  for (const generation of [1, 2, 2, 10]) {
    certificates.push((await makeAuthority({ generation, now: Date.now() })).cert);
  }
  const made = await generate([{ name: "commonName", value: "somebody-else" }], { keyType: "ec", algorithm: "sha256" });
  foreign = `${made.cert}\n`;
});

const bundles = () =>
  fc.array(
    fc.subarray(certificates).map((members) => members.join("")),
    { maxLength: 4 },
  );

describe("unionOfBundles", () => {
  test("orders by generation number, not by text", () => {
    const [first = "", second = "", third = "", tenth = ""] = certificates;
    const union = splitBundle(unionOfBundles([tenth, third + second, first]));
    expect(union[0]).toBe(first);
    expect(union[3]).toBe(tenth);
    expect(union).toHaveLength(4);
  });

  test("leaves out what is not ours and what is broken", () => {
    const [first = ""] = certificates;
    const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    expect(unionOfBundles([foreign + broken + first, "rubbish", ""])).toBe(first);
  });

  test("takes nothing away, gives one text for one set, and changes nothing the second time", () => {
    fc.assert(
      fc.property(bundles(), (list) => {
        const union = unionOfBundles(list);
        const members = new Set(splitBundle(union));
        expect(members).toEqual(new Set(list.flatMap((bundle) => splitBundle(bundle))));
        expect(unionOfBundles([...list].reverse())).toBe(union);
        expect(unionOfBundles([union])).toBe(union);
      }),
    );
  });
});

test.each<[string, () => string[], number]>([
  ["nothing", () => [], 0],
  ["foreign certificates", () => [foreign], 0],
  ["generations 1, 2 and 10", () => [certificates.join("")], 10],
])("the newest generation of %s is known", (_title, list, expected) => {
  expect(newestGeneration(list())).toBe(expected);
});

test("bundles are compared as sets", () => {
  const [first = "", second = ""] = certificates;
  expect(sameBundle(first + second, `# comment\n${second}\n${first}`)).toBe(true);
  expect(sameBundle(first, first + second)).toBe(false);
  expect(sameBundle("", first)).toBe(false);
});

test("a hostile bundle costs no more than its length", () => {
  const started = performance.now();
  splitBundle("-----BEGIN CERTIFICATE-----\n".repeat(50_000));
  splitBundle(`-----BEGIN CERTIFICATE-----${"A ".repeat(700_000)}`);
  expect(performance.now() - started).toBeLessThan(2000);
});
