import { readFileSync } from "node:fs";
import { expect } from "vitest";

/**
 * What test files import instead of vitest while programs are changed: it only collects the tests of one file, to be run
 * one by one in this very process. Hooks, snapshots and the like are not there; a test file that needs them does not load.
 */
let collected = [];
const suites = [];

/** Slow, and different each time: what notices a change must be a case that is written down. */
const isProperty = (body) => body.toString().includes("fc.assert(");

const each = (declare) => (rows) => (title, body) => {
  for (const row of rows) declare(title, () => body(...(Array.isArray(row) ? row : [row])), isProperty(body));
};

export function describe(title, body) {
  suites.push(title);
  body();
  suites.pop();
}
describe.each = each(describe);

export function test(title, body, leftOut = isProperty(body)) {
  if (leftOut === true) return;
  collected.push({ name: [...suites, title, `#${collected.length}`].join(" > "), body });
}
test.each = each(test);

/** Golden files are only read here: a changed program must not write them. */
expect.extend({
  toMatchFileSnapshot: (received, file) => ({
    pass: readFileSync(file, "utf8") === received,
    message: () => `it is not what ${file} says`,
  }),
});

export { expect };

/** The tests that were declared since the last call. */
export function takeTests() {
  const taken = collected;
  collected = [];
  suites.length = 0;
  return taken;
}
