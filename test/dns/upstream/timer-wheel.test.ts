import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Clock,
  createTimerWheel,
  TICK_MILLISECONDS,
  type Timed,
  UNARMED,
} from "../../../src/dns/upstream/timer-wheel.ts";

/** Time that passes when it is told to; `waiting` says whether the wheel ticks. */
function fakeClock() {
  let now = 1_000;
  let next: { at: number; call: () => void } | undefined;
  const clock: Clock = {
    now: () => now,
    after(milliseconds, call) {
      const own = { at: now + milliseconds, call };
      next = own;
      return () => {
        if (next === own) next = undefined;
      };
    },
  };
  return {
    clock,
    waiting: () => next !== undefined,
    pass(milliseconds: number) {
      const end = now + milliseconds;
      while (next !== undefined && next.at <= end) {
        const { at, call } = next;
        next = undefined;
        now = Math.max(now, at);
        call();
      }
      now = end;
    },
    /** The process was busy: nothing was called meanwhile. */
    stall(milliseconds: number) {
      now += milliseconds;
    },
  };
}

type Fired = Timed & { firedAt: number | undefined };

function timedOn(clock: Clock, then: (fired: Fired) => void = () => undefined): Fired {
  return {
    ...UNARMED,
    firedAt: undefined,
    onDue(fired: Fired) {
      fired.firedAt = clock.now();
      then(fired);
    },
  };
}

describe("the timer wheel", () => {
  test("calls never early, once, and at most one tick late, whatever was armed", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 40 }), (delays) => {
        const { clock, pass, waiting } = fakeClock();
        const wheel = createTimerWheel(clock);
        let calls = 0;
        const start = clock.now();
        const all = delays.map((delay) => {
          const one = timedOn(clock, () => calls++);
          wheel.arm(one, start + delay);
          return { one, delay };
        });
        pass(31_000);
        for (const { one, delay } of all) {
          expect((one.firedAt ?? 0) - start).toBeGreaterThanOrEqual(delay);
          expect((one.firedAt ?? Number.POSITIVE_INFINITY) - start).toBeLessThanOrEqual(delay + TICK_MILLISECONDS);
        }
        expect(calls).toBe(delays.length);
        expect(waiting()).toBe(false);
      }),
    );
  });

  test("does not call what was removed, and stands still when nothing is left", () => {
    const { clock, pass, waiting } = fakeClock();
    const wheel = createTimerWheel(clock);
    const [one, other] = [timedOn(clock), timedOn(clock)];
    wheel.arm(one, clock.now() + 100);
    wheel.arm(other, clock.now() + 100);
    wheel.remove(one);
    wheel.remove(one);
    expect(waiting()).toBe(true);
    wheel.remove(other);
    expect(waiting()).toBe(false);
    pass(1_000);
    expect([one.firedAt, other.firedAt]).toEqual([undefined, undefined]);
  });

  test("arming again replaces the earlier time", () => {
    const { clock, pass } = fakeClock();
    const wheel = createTimerWheel(clock);
    const one = timedOn(clock);
    wheel.arm(one, clock.now() + 100);
    wheel.arm(one, clock.now() + 900);
    pass(500);
    expect(one.firedAt).toBeUndefined();
    pass(500);
    expect(one.firedAt).toBeDefined();
  });

  test("what is called may remove its neighbour and arm itself", () => {
    const { clock, pass } = fakeClock();
    const wheel = createTimerWheel(clock);
    let calls = 0;
    const neighbours: Fired[] = [];
    for (let index = 0; index < 2; index++) {
      neighbours.push(
        timedOn(clock, (fired) => {
          calls++;
          for (const other of neighbours) if (other !== fired) wheel.remove(other);
          if (calls < 3) wheel.arm(fired, clock.now() + 100);
        }),
      );
    }
    for (const one of neighbours) wheel.arm(one, clock.now() + 100);
    pass(2_000);
    expect(calls).toBe(3);
  });

  test("a stall longer than a turn loses nothing", () => {
    const { clock, pass, stall } = fakeClock();
    const wheel = createTimerWheel(clock);
    const all = [10, 3_000, 6_390, 6_410, 20_000].map((delay) => {
      const one = timedOn(clock);
      wheel.arm(one, clock.now() + delay);
      return one;
    });
    stall(10_000);
    pass(TICK_MILLISECONDS);
    expect(all.map(({ firedAt }) => firedAt !== undefined)).toEqual([true, true, true, true, false]);
    pass(11_000);
    expect(all[4]?.firedAt).toBeDefined();
  });
});
