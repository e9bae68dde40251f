import fc from "fast-check";
import { expect, test } from "vitest";
import { compileFormat } from "../../../../src/dns/directives/log/format.ts";
import { refusal } from "../../../../src/dns/pipeline/answer.ts";
import type { Exchange } from "../../../../src/dns/pipeline/exchange.ts";
import { gate } from "../../../../src/dns/wire/gate.ts";
import { encodeQuery } from "../../support/dns-client.ts";
import { exchangeOf } from "../../support/exchange.ts";

const answer = refusal("acl", 5);
const lineOf = compileFormat("{name} {type} {class} {size} {>bufsize} {>do} {>opcode} {remote}");

/** The size that is logged of a message that the gate lets pass; undefined for others. */
function sizeOf(message: Buffer): number | undefined {
  const gated = gate(message);
  if (gated.verdict !== "question") return undefined;
  const { key, type, class: klass } = gated.query;
  const asked = { key, type, class: klass };
  const exchange: Exchange = { ...exchangeOf({ name: "x" }), message, query: gated.query, asked };
  const size = lineOf({ exchange, answer, bytes: undefined, seconds: 0 }).fields?.["size"];
  return Number(size);
}

test("the size is that of what was read: octets behind the last record do not count", () => {
  const message = encodeQuery({ name: "example.org", edns: { options: [{ code: 10, data: "0011" }] } });
  expect(sizeOf(message)).toBe(message.length);
  expect(sizeOf(Buffer.concat([message, Buffer.alloc(7)]))).toBe(message.length);
  expect(sizeOf(Buffer.concat([encodeQuery({ name: "example.org" }), Buffer.alloc(7)]))).toBe(29);
});

test("whatever the gate lets pass can be logged, on one line of bounded length", () => {
  const counts = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3));
  const labels = fc.array(fc.uint8Array({ minLength: 1, maxLength: 63 }), { maxLength: 3 });
  fc.assert(
    fc.property(counts, labels, fc.uint8Array({ maxLength: 80 }), (sections, name, tail) => {
      const head = Buffer.alloc(12);
      head.writeUInt16BE(1, 4);
      sections.forEach((count, index) => {
        head.writeUInt16BE(count, 6 + 2 * index);
      });
      const owner = name.flatMap((label) => [label.length, ...label]);
      const message = Buffer.concat([head, Buffer.from([...owner, 0, 0, 1, 0, 1]), tail]);
      const size = sizeOf(message);
      if (size !== undefined) expect(size).toBeLessThanOrEqual(message.length);
    }),
  );
});

test("a name cannot end the line", () => {
  const gated = exchangeOf({ name: "a" });
  const exchange = { ...gated, asked: { ...gated.asked, key: "\x08a\n[INFO]" } };
  expect(lineOf({ exchange, answer, bytes: undefined, seconds: 0 }).text).toMatch(/^a\\010\[INFO\]\. A IN 19 /);
});
