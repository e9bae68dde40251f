import { expect, test } from "vitest";
import type { Decoded } from "../../../src/model/decode.ts";
import { identityOf } from "../../../src/model/object-ref.ts";
import { allFindings, exampleSets, rulesIn, TOLD_AT_THE_LAST, wholeText, world } from "../../support/example-sets.ts";

const sets = exampleSets();

/** The items in another order; the same one for the same seed. */
function shuffled<T>(items: readonly T[], seed: number): readonly T[] {
  let state = seed + 1;
  const ordered = items.map((item) => {
    state = (state * 48_271) % 2_147_483_647;
    return { item, at: state };
  });
  return ordered.sort((a, b) => a.at - b.at).map(({ item }) => item);
}

/** What is found about each object, in the order in which it is shown, where order does not say at which one. */
function byObject(objects: readonly Decoded[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const finding of allFindings(objects).filter(({ rule }) => !TOLD_AT_THE_LAST.has(rule))) {
    const key = identityOf(finding.object);
    found.set(key, [...(found.get(key) ?? []), wholeText(finding)]);
  }
  return found;
}

const sorted = (found: ReadonlyMap<string, readonly string[]>) => new Map([...found].sort());

test("the examples and guides are many, and so is what is found in them", () => {
  expect(sets.length).toBeGreaterThan(600);
  expect(sets.flatMap(({ objects }) => allFindings(objects)).length).toBeGreaterThan(800);
});

test("the order of the objects of an example or a guide changes no finding, no word of it, and no order within an object", () => {
  for (const { title, objects } of sets) {
    if (objects.length < 2) continue;
    const expected = sorted(byObject(objects));
    for (const other of [objects.toReversed(), shuffled(objects, 1)]) {
      expect(sorted(byObject(other)), title).toEqual(expected);
      expect(rulesIn(allFindings(other)), title).toEqual(rulesIn(allFindings(objects)));
    }
  }
}, 120_000);

/** Every sixth example and guide: what a rule looks for among all objects grows with their square. */
const everything = world(sets.filter((_, at) => at % 6 === 0));

test("the order of hundreds of them together changes nothing either", () => {
  expect(everything.length).toBeGreaterThan(120);
  const expected = sorted(byObject(everything));
  for (const other of [everything.toReversed(), shuffled(everything, 3)]) {
    expect(sorted(byObject(other))).toEqual(expected);
    expect(rulesIn(allFindings(other))).toEqual(rulesIn(allFindings(everything)));
  }
}, 120_000);

test("objects are shown in the order in which they were read", () => {
  for (const objects of [everything, everything.toReversed()]) {
    const place = new Map(objects.map(({ ref }, at) => [identityOf(ref), at]));
    const places = allFindings(objects).map(({ object }) => place.get(identityOf(object)) ?? -1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  }
}, 60_000);
