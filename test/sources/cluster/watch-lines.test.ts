import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBackOff, createPause } from "../../../src/sources/cluster/pause.ts";
import { watchLines } from "../../../src/sources/cluster/watch-lines.ts";

async function* chunksOf(bytes: Uint8Array, cuts: readonly number[]) {
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    yield bytes.subarray(from, Math.max(from, cut));
    from = Math.max(from, cut);
  }
  yield bytes.subarray(from);
}

describe("lines of a watch", () => {
  test("are the same however the bytes are cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: "grapheme" }).map((line) => line.replaceAll("\n", " "))),
        fc.string(),
        fc.array(fc.nat({ max: 400 })),
        async (lines, rest, cuts) => {
          const bytes = Buffer.from(`${lines.map((line) => `${line}\n`).join("")}${rest.replaceAll("\n", " ")}`);
          const read: string[] = [];
          for await (const line of watchLines(chunksOf(bytes, cuts), 10_000)) read.push(line);
          expect(read).toEqual(lines.filter((line) => line !== ""));
        },
      ),
    );
  });

  test.each([
    ["in one chunk", [20]],
    ["over chunks", [5, 10, 15]],
  ])("beyond the limit are refused, %s", async (_title, cuts) => {
    const bytes = Buffer.from(`ok\n${"x".repeat(20)}\n`);
    const lines = watchLines(chunksOf(bytes, cuts), 10);
    expect((await lines.next()).value).toBe("ok");
    await expect(lines.next()).rejects.toThrow("longer than 10 bytes");
  });
});

describe("back-off", () => {
  test("doubles up to its limit, with full jitter, and starts anew after a reset", () => {
    const backOff = createBackOff({ initialMs: 250, maxMs: 30_000, random: () => 0.5 });
    const waits = Array.from({ length: 9 }, () => backOff.nextMs());
    expect(waits).toEqual([125, 250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
    backOff.reset();
    expect(backOff.nextMs()).toBe(125);
  });
});

describe("a pause", () => {
  test.each<readonly [string, (pause: ReturnType<typeof createPause>, stop: AbortController) => void]>([
    ["wake", (pause) => pause.wake()],
    ["stop", (_pause, stop) => stop.abort()],
  ])("ends early on %s and leaves no timer", async (_title, end) => {
    const pause = createPause();
    const stop = new AbortController();
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    const waiting = pause.wait(3_600_000, stop.signal);
    expect(timers()).toBe(before + 1);
    end(pause, stop);
    await waiting;
    expect(timers()).toBe(before);
  });

  test("does not begin when all has ended", async () => {
    await createPause().wait(3_600_000, AbortSignal.abort());
  });
});
