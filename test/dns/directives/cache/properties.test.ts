import fc from "fast-check";
import { expect, test } from "vitest";
import type { EntryStore } from "../../../../src/dns/directives/cache/entry-store.ts";
import { RCODE } from "../../../../src/dns/wire/codes.ts";
import { openBed, type Said, SOA, said } from "./cache-bed.ts";

const CAP = 40;
const MINIMUM = 5;
const CAPACITY = 4;

const step = fc.record({
  pauseMs: fc.nat(60_000),
  name: fc.nat(8),
  kind: fc.constantFrom("data", "denial", "failure"),
  ttl: fc.nat(90),
  records: fc.integer({ min: 1, max: 30 }),
});

type Step = { readonly kind: string; readonly name: number; readonly ttl: number; readonly records: number };

function upstreamOf({ kind, name, ttl, records }: Step): Said {
  if (kind === "failure") return { rcode: RCODE.SERVFAIL };
  if (kind === "denial") return { rcode: RCODE.NXDOMAIN, authority: [SOA.replace(" 300 ", ` ${ttl} `)] };
  return { answer: Array.from({ length: records }, (_, index) => `n${name}.example.org. ${ttl} A 192.0.2.${index}`) };
}

type Kept = { readonly stores: Readonly<Record<"success" | "denial", EntryStore>> };

test("no answer lasts longer than its record, its cap or its least allow, nor the cache more than its bounds", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const lines = `cache ${CAP} {\nsuccess ${CAPACITY} ${CAP} ${MINIMUM}\ndenial ${CAPACITY} ${CAP} ${MINIMUM}\n}`;
      const bed = await openBed(lines);
      /** When what was fetched for a name ends, at the latest. */
      const ends = new Map<number, number>();
      let now = 0;
      for (const one of steps) {
        bed.pass(one.pauseMs);
        now += one.pauseMs;
        const before = bed.asked.length;
        bed.say((exchange) => said(exchange, upstreamOf(one)));
        const answer = await bed.ask({ name: `n${one.name}.example.org.` });
        if (bed.asked.length > before) {
          const own = one.kind === "denial" ? Math.min(one.ttl, 60) : one.ttl;
          const allowed = own === 0 ? 0 : Math.min(Math.max(own, MINIMUM), CAP);
          if (one.kind !== "failure") ends.set(one.name, now + allowed * 1000);
          if (answer.form === "message" && one.kind !== "failure") expect(answer.ttlSeconds).toBe(allowed);
        } else if (answer.form === "message") {
          const left = (ends.get(one.name) ?? 0) - now;
          expect(left).toBeGreaterThan(0);
          expect(answer.ttlSeconds).toBe(Math.ceil(left / 1000));
        }
        const { stores } = bed.context.kept.get("cache") as Kept;
        for (const store of [stores.success, stores.denial]) {
          expect(store.size()).toBeLessThanOrEqual(CAPACITY);
          expect(store.octets()).toBeLessThanOrEqual(CAPACITY * 2048);
        }
      }
    }),
    { numRuns: 100 },
  );
});
