import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createConsolidation } from "../../../../src/dns/directives/errors/consolidate.ts";
import type { AlikeLines } from "../../../../src/dns/pipeline/serve.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const group = (key: string, change: Partial<AlikeLines> = {}): AlikeLines => ({
  key,
  level: "warning",
  pattern: "timeout",
  periodMs: 30_000,
  showFirst: false,
  ...change,
});

function started() {
  const logged: string[] = [];
  const consolidation = createConsolidation(({ level, text }) => logged.push(`${level} ${text}`));
  const count = (one: AlikeLines, times: number, text = "first") => consolidation.count(one, times, { text });
  return { logged, count, consolidation };
}

const summary = (times: number): string => `warning plugin/errors: ${times} errors like 'timeout' occurred in last 30s`;

test("what several threads count of one group is one summary, at the end of the period that the first has begun", () => {
  const { logged, count } = started();
  count(group("a"), 3);
  vi.advanceTimersByTime(20_000);
  count(group("a"), 4);
  vi.advanceTimersByTime(9_999);
  expect(logged).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(logged).toEqual([summary(7)]);
  vi.advanceTimersByTime(90_000);
  expect(logged).toHaveLength(1);
});

test("groups are told apart by their key", () => {
  const { logged, count } = started();
  count(group("a"), 1);
  count(group("b"), 2);
  vi.advanceTimersByTime(30_000);
  expect(logged).toEqual([summary(1), summary(2)]);
});

test("of several threads' first lines the first is logged", () => {
  const { logged, count } = started();
  const shown = group("a", { showFirst: true });
  count(shown, 1, "mine");
  count(shown, 1, "theirs");
  expect(logged).toEqual(["warning mine"]);
  vi.advanceTimersByTime(30_000);
  expect(logged).toEqual(["warning mine", summary(2)]);
});

test("at the end of the process it says what it has counted, and nothing afterwards", () => {
  const { logged, count, consolidation } = started();
  count(group("a"), 2);
  consolidation.flush();
  expect(logged).toEqual([summary(2)]);
  vi.advanceTimersByTime(60_000);
  expect(logged).toHaveLength(1);
});
