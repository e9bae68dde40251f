import { expect, test } from "vitest";
import { createOutbox } from "../../../src/dns/server/outbox.ts";

/** Keeps datagrams of which the kernel takes none, or all, as `waiting` says. */
function createKept() {
  let waiting = 0;
  const keep = createOutbox(() => waiting);
  const kept: (Buffer | undefined)[] = [];
  return {
    kept,
    put: (text: string) => void kept.push(keep(Buffer.from(text))),
    wait: (count: number) => {
      waiting = count;
    },
  };
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => `answer ${index}`);

test("what waits for the kernel is never written over, whatever its length", () => {
  const { kept, put, wait } = createKept();
  const texts = [...numbers(500), "x".repeat(1_232), "y".repeat(4_096), ...numbers(500)];
  for (const [index, text] of texts.entries()) {
    wait(index);
    put(text);
  }
  expect(kept.map(String)).toEqual(texts);
});

test("while the kernel takes all at once, few pieces of memory serve any number of datagrams", () => {
  const { kept, put } = createKept();
  for (let index = 0; index < 1_000; index++) put("same length");
  expect(new Set(kept.map((view) => view?.buffer)).size).toBeLessThan(10);
});

test("datagrams are lost while very many wait, and no longer than that", () => {
  const { kept, put, wait } = createKept();
  wait(2_000);
  for (const text of numbers(16)) put(text);
  expect(kept.slice(8)).toEqual(Array(8).fill(undefined));
  wait(0);
  for (const text of numbers(16)) put(text);
  expect(kept.slice(-8).map(String)).toEqual(numbers(16).slice(-8));
});
