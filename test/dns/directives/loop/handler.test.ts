import { describe, expect, test, vi } from "vitest";
import { createLoopHandler } from "../../../../src/dns/directives/loop/handler.ts";
import { refusal } from "../../../../src/dns/pipeline/answer.ts";
import { RCODE } from "../../../../src/dns/wire/codes.ts";
import { atOnce, serveThrough } from "../../support/answers.ts";
import { contextOf, delivered, exchangeOf } from "../../support/exchange.ts";

const NEXT = refusal("forward", RCODE.REFUSED);

async function loopWith(onLoopProbe: () => void) {
  const context = contextOf({ loopProbe: "\x041234\x045678", onLoopProbe });
  return serveThrough(createLoopHandler, [{}], () => NEXT, context);
}

describe("loop", () => {
  test("our own probe is reported, and answered with SERVFAIL that says why", async () => {
    const seen = vi.fn();
    const serve = await loopWith(seen);
    const exchange = exchangeOf({ name: "1234.5678", type: "HINFO", edns: {} });
    const reply = delivered(exchange, atOnce(serve(exchange)));
    expect(seen).toHaveBeenCalledTimes(1);
    expect(reply?.rcode).toBe("SERVFAIL");
    const [, option = ""] = reply?.edns?.options[0] ?? [];
    expect(Buffer.from(option, "hex").subarray(2).toString()).toBe(
      "forwarding loop: the upstream sends our questions back to us",
    );
  });

  test("a probe is known by the name that came in, in any case, whatever it was rewritten to", async () => {
    const seen = vi.fn();
    const serve = await loopWith(seen);
    const exchange = exchangeOf({ name: "1234.5678.", type: "HINFO" });
    serve({ ...exchange, asked: { ...exchange.asked, key: "\x05other", raw: "\x05other" } });
    expect(seen).toHaveBeenCalledTimes(1);
  });

  test.each([
    ["another type", { name: "1234.5678", type: "A" }],
    ["another name", { name: "x.1234.5678", type: "HINFO" }],
  ])("%s is passed on", async (_what, query) => {
    const seen = vi.fn();
    const serve = await loopWith(seen);
    expect(serve(exchangeOf(query))).toBe(NEXT);
    expect(seen).not.toHaveBeenCalled();
  });
});
