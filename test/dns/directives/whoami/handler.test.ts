import { describe, expect, test } from "vitest";
import { createWhoamiHandler } from "../../../../src/dns/directives/whoami/handler.ts";
import { refusal } from "../../../../src/dns/pipeline/answer.ts";
import { clientOf } from "../../../../src/dns/server/client.ts";
import { atOnce, serveThrough } from "../../support/answers.ts";
import { delivered, exchangeOf } from "../../support/exchange.ts";

const NEXT = refusal("next", 3);
const serve = await serveThrough(createWhoamiHandler, [{}], () => NEXT);

const LONG = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(60)}.`;

describe("a client is told who it is:", () => {
  test.each([
    ["x.example.org.", "10.0.0.1", "udp", ["x.example.org. 0 A 10.0.0.1", "_udp.x.example.org. 0 SRV 0 0 4242 ."]],
    [
      "x.example.org.",
      "::ffff:10.0.0.1",
      "udp",
      ["x.example.org. 0 A 10.0.0.1", "_udp.x.example.org. 0 SRV 0 0 4242 ."],
    ],
    [
      "X.example.org.",
      "2001:db8::1",
      "tcp",
      ["X.example.org. 0 AAAA 2001:db8::1", "_tcp.X.example.org. 0 SRV 0 0 4242 ."],
    ],
    [".", "10.0.0.1", "udp", [". 0 A 10.0.0.1", "_udp. 0 SRV 0 0 4242 ."]],
    [LONG, "10.0.0.1", "udp", [`${LONG} 0 A 10.0.0.1`]],
  ] as const)("%s from %s over %s", (name, address, protocol, additional) => {
    const client = clientOf(address, 4242, protocol, "127.0.0.1");
    const exchange = exchangeOf({ name, type: "MX" }, { client });
    const reply = delivered(exchange, atOnce(serve(exchange)));
    expect(reply).toMatchObject({ rcode: "NOERROR", answer: [], authority: [], additional });
    expect(reply?.flags).toContain("aa");
  });
});

test("questions of other classes go on", () => {
  expect(serve(exchangeOf({ name: "version.bind.", type: "TXT", class: "CH" }))).toBe(NEXT);
});
