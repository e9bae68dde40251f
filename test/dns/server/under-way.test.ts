import { expect, test } from "vitest";
import { createRunningLimits, underWayOctets } from "../../../src/dns/server/under-way.ts";

const WORKERS = 2;

function world() {
  const buffer = new SharedArrayBuffer(underWayOctets(WORKERS));
  const start = (worker: number) => createRunningLimits(buffer, worker, WORKERS);
  return { first: start(0), second: start(1), start };
}

test("what one worker has under way counts for all of them", () => {
  const { first, second } = world();
  const [mine, other] = [first(0, 2), second(0, 2)];
  mine.change(1);
  expect([mine.full(), other.full()]).toEqual([false, false]);
  other.change(1);
  expect([mine.full(), other.full()]).toEqual([true, true]);
  mine.change(-1);
  expect([mine.full(), other.full()]).toEqual([false, false]);
});

test("another line is counted apart", () => {
  const { first } = world();
  first(0, 1).change(1);
  expect([first(0, 1).full(), first(1, 1).full()]).toEqual([true, false]);
});

test("a worker that is started again has nothing under way, and the others keep theirs", () => {
  const { first, second, start } = world();
  first(0, 1).change(1);
  second(0, 1).change(1);
  const again = start(0);
  expect(again(0, 2).full()).toBe(false);
  expect(again(0, 1).full()).toBe(true);
});
