import { describe, expect, test } from "vitest";
import { HEALTH, type HealthState } from "../../../src/dns/upstream/health.ts";
import { createOrder, type Policy } from "../../../src/dns/upstream/order.ts";
import { createRandomInteger } from "../../../src/dns/upstream/random.ts";
import type { Upstream } from "../../../src/dns/upstream/upstream.ts";

const { GOOD, DOUBTFUL, DOWN } = HEALTH;

/** The orders of twenty questions, each as the places of the upstreams in the Corefile. */
function ordersOf(policy: Policy, states: readonly HealthState[]): string[] {
  const upstreams = states.map((state, place) => ({ text: `${place}`, health: { state: () => state } }));
  const order = createOrder(upstreams as unknown as Upstream[], policy, createRandomInteger());
  return Array.from({ length: 20 }, () =>
    order()
      .map(({ text }) => text)
      .join(""),
  );
}

describe("the order of upstreams", () => {
  test.each([
    ["sequential", [GOOD, GOOD, GOOD], ["012"]],
    ["sequential", [DOWN, DOUBTFUL, GOOD], ["210"]],
    ["sequential", [DOUBTFUL, GOOD, DOUBTFUL], ["102"]],
    ["round_robin", [GOOD, GOOD, GOOD], ["012", "120", "201"]],
    ["round_robin", [DOWN, GOOD, GOOD], ["120", "210"]],
    ["random", [DOWN, GOOD, DOUBTFUL], ["120"]],
  ] as const)("%s with %j is one of %j", (policy, states, expected) => {
    expect([...new Set(ordersOf(policy, states))].toSorted()).toEqual(expected);
  });

  test.each(["sequential", "round_robin", "random"] as const)("%s is random when all are down", (policy) => {
    expect(new Set(ordersOf(policy, [DOWN, DOWN, DOWN])).size).toBeGreaterThan(3);
  });

  test("one upstream is asked whatever its health", () => {
    expect(new Set(ordersOf("random", [DOWN]))).toEqual(new Set(["0"]));
  });
});
