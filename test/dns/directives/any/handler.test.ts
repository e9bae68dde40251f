import { expect, test } from "vitest";
import { createAnyHandler } from "../../../../src/dns/directives/any/handler.ts";
import { refusal } from "../../../../src/dns/pipeline/answer.ts";
import { atOnce, serveThrough } from "../../support/answers.ts";
import { delivered, exchangeOf } from "../../support/exchange.ts";

const NEXT = refusal("next", 3);
const serve = await serveThrough(createAnyHandler, [{}], () => NEXT);

test("ANY gets one HINFO record in the words of CoreDNS", () => {
  const exchange = exchangeOf({ name: "Example.org.", type: "ANY" });
  const answer = atOnce(serve(exchange));
  expect(answer.by).toBe("any");
  expect(delivered(exchange, answer)).toMatchObject({
    rcode: "NOERROR",
    answer: ['Example.org. 8482 HINFO "ANY obsoleted" "See RFC 8482"'],
    authority: [],
  });
});

test.each([
  { name: "example.org.", type: "A" },
  { name: "example.org.", type: "ANY", class: "CH" },
])("$type $class goes on", (query) => {
  expect(serve(exchangeOf(query))).toBe(NEXT);
});
