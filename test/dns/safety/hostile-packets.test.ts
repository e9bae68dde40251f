import { expect, test } from "vitest";
import { fuzzResolver } from "../support/fuzz.ts";
import { createChance, hostilePacket } from "../support/packets.ts";
import { referenceGate } from "../support/reference-gate.ts";

/** `node scripts/fuzz-dns.ts --packets 1000000` sends many more. */
const PACKETS = 30_000;

test("hostile packets over UDP and TCP break nothing, and each gets one answer at most, of an allowed size", async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const { sent, replies, panics, problems, memory } = await fuzzResolver({ packets: PACKETS, seed });
  expect(problems, `--seed ${seed}`).toEqual([]);
  expect(panics).toBe(0);
  expect(sent).toBe(PACKETS);
  expect(replies).toBeGreaterThan(PACKETS / 2);
  // What the caches and the buffers of a young process take is less than half of that.
  expect(memory[2] - memory[0]).toBeLessThan(256);
}, 60_000);

test("the packets are hostile in all the ways that the gate tells apart", () => {
  const chance = createChance(1);
  const verdicts = new Map<string, number>();
  for (let index = 0; index < 20_000; index++) {
    const { verdict, rcode } = referenceGate(hostilePacket(chance));
    const kind = `${verdict} ${rcode ?? ""}`.trim();
    verdicts.set(kind, (verdicts.get(kind) ?? 0) + 1);
  }
  for (const kind of ["drop", "question", "refuse 1", "refuse 4", "refuse 5", "refuse 16"]) {
    expect([kind, verdicts.get(kind) ?? 0]).toEqual([kind, expect.toSatisfy((count: number) => count > 200)]);
  }
});
