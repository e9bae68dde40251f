import fc from "fast-check";
import { expect, test } from "vitest";
import { createFrameReader } from "../../../src/dns/upstream/frame-reader.ts";
import { framed } from "../support/dns-client.ts";

const readAll = (chunks: readonly Buffer[]): string[] => {
  const read: string[] = [];
  const take = createFrameReader((message) => read.push(message.toString("hex")));
  for (const chunk of chunks) take(chunk);
  return read;
};

test("messages come out whole and in order, wherever the stream is cut", () => {
  const messages = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 });
  const cuts = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 12 });
  fc.assert(
    fc.property(messages, cuts, (sent, places) => {
      const stream = Buffer.concat(sent.map((message) => framed(Buffer.from(message))));
      const edges = [0, ...places.filter((place) => place < stream.length), stream.length].toSorted((a, b) => a - b);
      const chunks = edges.slice(1).map((edge, index) => stream.subarray(edges[index], edge));
      expect(readAll(chunks)).toEqual(sent.map((message) => Buffer.from(message).toString("hex")));
    }),
  );
});

test("a message that is cut off is never given", () => {
  expect(readAll([Buffer.from([0, 5, 1, 2, 3])])).toEqual([]);
});
