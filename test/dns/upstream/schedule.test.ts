import { expect, test } from "vitest";
import { DEFAULT_SCHEDULE, stepsOf } from "../../../src/dns/upstream/schedule.ts";

test.each([
  [2_000, [800, 2_000, 4_500]],
  [5_000, [800, 2_000, 4_500]],
  [1_900, [800, 2_000, 3_900]],
  [500, [500, 1_000, 1_500]],
])("with read_timeout %i ms attempts start and end at %j", (readTimeout, steps) => {
  expect(stepsOf(DEFAULT_SCHEDULE, readTimeout)).toEqual(steps);
});
