import { describe, expect, test } from "vitest";
import { refusal } from "../../../src/dns/pipeline/answer.ts";
import type { Serve } from "../../../src/dns/pipeline/serve.ts";
import { createTraceRecorder, type TraceStep } from "../../../src/dns/pipeline/trace.ts";
import { describeSteps } from "../../../src/dns/pipeline/trace-steps.ts";
import { RCODE } from "../../../src/dns/wire/codes.ts";
import { exchangeOf } from "../support/exchange.ts";

const exchange = exchangeOf({ name: "example.org", type: "A" });
const REFUSED = refusal("last", RCODE.REFUSED);

/** Directives in a row, each watched. */
function chain(serves: Readonly<Record<string, (next: Serve) => Serve>>, now: () => number) {
  const recorder = createTraceRecorder(now);
  let serve: Serve = () => REFUSED;
  for (const [place, [name, wrap]] of [...Object.entries(serves).entries()].toReversed()) {
    const own = wrap(serve);
    serve = (asked) => recorder.trace({ name, place }, asked, own);
  }
  return { serve, recorder };
}

const shape = (steps: readonly TraceStep[]): readonly unknown[] =>
  steps.map(({ directive, below }) => [directive.name, ...shape(below)]);

const pass = (next: Serve): Serve => next;

describe("a trace", () => {
  test("stays synchronous where nothing is waited for", () => {
    const { serve } = chain({ one: pass, two: pass }, () => 0);
    expect(serve(exchange)).toBe(REFUSED);
  });

  test("shows who asked whom, twice where a directive asks twice", async () => {
    const twice =
      (next: Serve): Serve =>
      (asked) =>
        Promise.all([next(asked), next(asked)]).then(([, second]) => second);
    const later =
      (next: Serve): Serve =>
      async (asked) =>
        next(asked);
    const { serve, recorder } = chain({ one: twice, two: later, three: pass }, () => 0);
    await serve(exchange);
    expect(shape(recorder.steps)).toEqual([["one", ["two", ["three"]], ["two", ["three"]]]]);
  });

  test("puts a directive that the server is asked anew for behind the one that asks", () => {
    const recorder = createTraceRecorder(() => 0);
    const first: Serve = (asked) =>
      recorder.trace({ name: "errors", place: 0 }, asked, () =>
        recorder.trace({ name: "kuadrant", place: 1 }, asked, () =>
          recorder.trace({ name: "errors", place: 0 }, asked, () => REFUSED),
        ),
      );
    first(exchange);
    expect(shape(recorder.steps)).toEqual([["errors", ["kuadrant", ["errors"]]]]);
  });

  test("passes a failure on and notes it", async () => {
    const failing = (): Serve => () => Promise.reject(new Error("broken"));
    const { serve, recorder } = chain({ one: pass, two: failing }, () => 0);
    await expect(serve(exchange)).rejects.toThrow("broken");
    expect(describeSteps(recorder.steps).map(({ directive, action }) => [directive, action])).toEqual([
      ["one", "failed"],
      ["two", "failed"],
    ]);
  });

  test("gives each directive its own time", () => {
    let clock = 0;
    const takes =
      (milliseconds: number) =>
      (next: Serve): Serve =>
      (asked) => {
        clock += milliseconds;
        return next(asked);
      };
    const { serve, recorder } = chain({ one: takes(3), two: takes(5) }, () => clock);
    void serve(exchange);
    expect(describeSteps(recorder.steps).map(({ milliseconds }) => milliseconds)).toEqual([3, 5]);
  });

  test("tells what a directive changed in an answer", () => {
    const worsen =
      (next: Serve): Serve =>
      (asked) => ({ ...(next(asked) as typeof REFUSED), rcode: RCODE.SERVFAIL });
    const { serve, recorder } = chain({ one: worsen, two: pass }, () => 0);
    void serve(exchange);
    expect(describeSteps(recorder.steps).map(({ directive, action, changes }) => [directive, action, changes])).toEqual(
      [
        ["one", "changed", ["REFUSED → SERVFAIL"]],
        ["two", "answered", []],
      ],
    );
  });
});
