import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createCancelHandler } from "../../../../src/dns/directives/cancel/handler.ts";
import { type Answer, refusal } from "../../../../src/dns/pipeline/answer.ts";
import { RCODE } from "../../../../src/dns/wire/codes.ts";
import { atOnce, serveThrough } from "../../support/answers.ts";
import { delivered, exchangeOf } from "../../support/exchange.ts";
import { extendedErrors } from "../../support/reply-text.ts";

const REFUSED = refusal("forward", RCODE.REFUSED);
const exchange = exchangeOf({ name: "example.org", edns: {} });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("cancel", () => {
  test("an answer that is there at once is passed on at once, without a timer", async () => {
    const serve = await serveThrough(createCancelHandler, [{ timeoutMs: 5 }], () => REFUSED);
    expect(atOnce(serve(exchange))).toBe(REFUSED);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("an answer in time is passed on, and its timer is gone", async () => {
    const serve = await serveThrough(createCancelHandler, [{ timeoutMs: 5 }], async () => REFUSED);
    expect(await serve(exchange)).toBe(REFUSED);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("after the limit the client gets SERVFAIL with a reason, whatever comes later", async () => {
    const late = Promise.withResolvers<Answer>();
    const serve = await serveThrough(createCancelHandler, [{ timeoutMs: 2_000 }], () => late.promise);
    const answer = serve(exchange);
    vi.advanceTimersByTime(1_999);
    const settled = vi.fn();
    void Promise.resolve(answer).then(settled);
    await Promise.resolve();
    expect(settled).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    const reply = delivered(exchange, await answer);
    expect(reply?.rcode).toBe("SERVFAIL");
    expect(extendedErrors(reply as NonNullable<typeof reply>)).toEqual([22]);
    late.resolve(REFUSED);
    expect(await answer).toMatchObject({ rcode: RCODE.SERVFAIL, by: "cancel", cause: "context deadline exceeded" });
  });

  test("a fault of ours is passed on, and one after the limit harms nothing", async () => {
    const faults = [Promise.withResolvers<Answer>(), Promise.withResolvers<Answer>()];
    const next = () => (faults.shift() as (typeof faults)[number]).promise;
    const [early, late] = faults as [(typeof faults)[number], (typeof faults)[number]];
    const serve = await serveThrough(createCancelHandler, [{ timeoutMs: 5 }], next);
    const first = serve(exchange);
    early.reject(new Error("a bug"));
    await expect(first).rejects.toThrow("a bug");
    const second = serve(exchange);
    vi.advanceTimersByTime(5);
    late.reject(new Error("a late bug"));
    expect(await second).toMatchObject({ rcode: RCODE.SERVFAIL });
  });
});
