import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AlikeLines, LogLine } from "../../../src/dns/pipeline/serve.ts";
import { type CountedLines, createLineBatch } from "../../../src/dns/server/line-batch.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function started() {
  const sent: { lines: readonly LogLine[]; alike: readonly CountedLines[] }[] = [];
  return { sent, batch: createLineBatch((lines, alike) => sent.push({ lines, alike })) };
}

const line = (text: string): LogLine => ({ level: "info", text });
const group = (key: string): AlikeLines => ({ key, level: "error", pattern: "x", periodMs: 1_000, showFirst: true });

test("lines wait for others, and are sent in their order", () => {
  const { sent, batch } = started();
  batch.add(line("a"));
  batch.add(line("b"));
  expect(sent).toEqual([]);
  vi.advanceTimersByTime(20);
  expect(sent).toEqual([{ lines: [line("a"), line("b")], alike: [] }]);
});

test("any number of lines that are alike is one, the first, with their number", () => {
  const { sent, batch } = started();
  for (let index = 0; index < 100_000; index++) batch.addAlike(group("a"), { text: `a${index}` });
  batch.addAlike(group("b"), { text: "b" });
  vi.advanceTimersByTime(20);
  expect(sent).toEqual([
    {
      lines: [],
      alike: [
        { group: group("a"), times: 100_000, first: { text: "a0" } },
        { group: group("b"), times: 1, first: { text: "b" } },
      ],
    },
  ]);
  vi.advanceTimersByTime(1_000);
  expect(sent).toHaveLength(1);
});

test("more than the memory should hold are counted", () => {
  const { sent, batch } = started();
  for (let index = 0; index < 10_005; index++) batch.add(line("a"));
  vi.advanceTimersByTime(20);
  const all = sent.flatMap(({ lines }) => lines);
  expect(all).toHaveLength(10_001);
  expect(all.at(-1)).toEqual({ level: "warning", text: "log: 5 lines left out, too many at once" });
});

test("what waits is sent at the end", () => {
  const { sent, batch } = started();
  batch.add(line("a"));
  batch.flush();
  expect(sent).toHaveLength(1);
  vi.advanceTimersByTime(100);
  expect(sent).toHaveLength(1);
});
