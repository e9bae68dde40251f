import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createEntry, type Entry } from "../../../../src/dns/directives/cache/entry.ts";
import { createEntryStore } from "../../../../src/dns/directives/cache/entry-store.ts";
import { RCODE } from "../../../../src/dns/wire/codes.ts";

/** An entry that counts as so many octets. */
function entryOf(slot: number, key: string, octets = 1): Entry {
  const answer = { form: "prepared", by: "forward", rcode: RCODE.SERVFAIL } as const;
  return { ...createEntry({ slot, key }, answer, { kind: "failure", ttlMs: 1 }, 0), octets };
}

const operation = fc.oneof(
  fc.record({
    do: fc.constant("put" as const),
    slot: fc.nat(3),
    key: fc.nat(12),
    octets: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({ do: fc.constant("hit" as const), slot: fc.nat(3), key: fc.nat(12) }),
  fc.record({ do: fc.constant("remove" as const), slot: fc.nat(3), key: fc.nat(12) }),
);

describe("the store of entries", () => {
  test("never has more entries or octets than it may, and gives exactly what was put and not dropped", () => {
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 200 }),
        fc.nat(8),
        fc.nat(200),
        (operations, capacity, maxOctets) => {
          const store = createEntryStore(capacity, maxOctets);
          const put = new Map<string, Entry>();
          let size = 0;
          for (const one of operations) {
            const name = `${one.slot} ${one.key}`;
            const before = store.get(one.slot, String(one.key));
            expect(before === undefined || before === put.get(name)).toBe(true);
            if (one.do === "hit" && before !== undefined) before.wanted = true;
            if (one.do === "remove" && before !== undefined) store.remove(before);
            if (one.do === "remove" && before !== undefined) size--;
            if (one.do === "put") {
              const entry = entryOf(one.slot, String(one.key), one.octets);
              const evicted = store.put(entry);
              const fits = capacity > 0 && one.octets <= maxOctets;
              expect(store.get(one.slot, String(one.key))).toBe(fits ? entry : undefined);
              size += (fits ? 1 : 0) - (before === undefined ? 0 : 1) - evicted;
              put.set(name, entry);
            }
            expect(store.size()).toBe(size);
            expect(store.size()).toBeLessThanOrEqual(capacity);
            expect(store.octets()).toBeLessThanOrEqual(maxOctets);
          }
          const left = [...put.values()].filter((entry) => store.get(entry.slot, entry.key) === entry);
          expect(left).toHaveLength(size);
          expect(left.reduce((sum, { octets }) => sum + octets, 0)).toBe(store.octets());
        },
      ),
      { numRuns: 300 },
    );
  });

  test("what is asked for again outlives a flood of what is not", () => {
    const store = createEntryStore(10, 1000);
    for (let index = 0; index < 5; index++) store.put(entryOf(0, `wanted${index}`));
    for (let index = 0; index < 1000; index++) {
      for (let wanted = 0; wanted < 5; wanted++) {
        const entry = store.get(0, `wanted${wanted}`);
        if (entry !== undefined) entry.wanted = true;
      }
      store.put(entryOf(index % 7, `flood${index}`));
    }
    expect([0, 1, 2, 3, 4].map((wanted) => store.get(0, `wanted${wanted}`)?.key)).not.toContain(undefined);
    expect(store.size()).toBe(10);
  });

  test("what is not asked for any more goes in the end", () => {
    const store = createEntryStore(3, 1000);
    const entry = entryOf(0, "once");
    store.put(entry);
    entry.wanted = true;
    for (let index = 0; index < 10; index++) store.put(entryOf(0, `other${index}`));
    expect(store.get(0, "once")).toBeUndefined();
  });

  test("an entry that was replaced is not removed in the place of the new one", () => {
    const store = createEntryStore(3, 1000);
    const [old, fresh] = [entryOf(0, "a"), entryOf(0, "a")];
    store.put(old);
    old.wanted = true;
    store.put(fresh);
    store.remove(old);
    expect(store.get(0, "a")).toBe(fresh);
    expect([store.size(), fresh.wanted]).toEqual([1, true]);
  });
});
