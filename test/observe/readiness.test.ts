import { expect, test } from "vitest";
import { monitorReadiness } from "../../src/observe/readiness.ts";

test("continuously, a part may become unready again", () => {
  let parts: readonly string[] = ["sluice"];
  const waiting = monitorReadiness(() => parts, "continuously");
  expect(waiting()).toEqual(["sluice"]);
  parts = [];
  expect(waiting()).toEqual([]);
  parts = ["loop"];
  expect(waiting()).toEqual(["loop"]);
});

test("until ready, a part that was ready is never named again", () => {
  let parts: readonly string[] = ["hosts", "sluice"];
  const waiting = monitorReadiness(() => parts, "until-ready");
  expect(waiting()).toEqual(["hosts", "sluice"]);
  parts = ["sluice", "loop"];
  expect(waiting()).toEqual(["sluice"]);
  parts = ["hosts"];
  expect(waiting()).toEqual([]);
  parts = ["hosts", "sluice"];
  expect(waiting()).toEqual([]);
});
