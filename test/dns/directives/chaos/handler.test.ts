import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { describe, expect, test } from "vitest";
import { createChaosHandler } from "../../../../src/dns/directives/chaos/handler.ts";
import type { ChaosSettings } from "../../../../src/dns/directives/chaos/setup.ts";
import { refusal } from "../../../../src/dns/pipeline/answer.ts";
import { deliver } from "../../../../src/dns/pipeline/deliver.ts";
import { VERSION } from "../../../../src/model/version.ts";
import { atOnce, serveThrough } from "../../support/answers.ts";
import { delivered, exchangeOf } from "../../support/exchange.ts";

const NEXT = refusal("next", 3);

async function ask(
  name: string,
  { type = "TXT", klass = "CH", ...settings }: Partial<ChaosSettings> & { type?: string; klass?: string } = {},
) {
  const line = { version: undefined, authors: [], ...settings };
  const serve = await serveThrough(createChaosHandler, [line], () => NEXT);
  const exchange = exchangeOf({ name, type, class: klass });
  const answer = atOnce(serve(exchange));
  return { exchange, answer, reply: delivered(exchange, answer) };
}

describe("questions about the server are answered:", () => {
  test.each([
    ["version.bind.", { version: "Sluice-test" }, '"Sluice-test"'],
    ["Version.Server.", { version: "Sluice-test" }, '"Sluice-test"'],
    ["version.bind.", {}, `"Sluice-${VERSION}"`],
    ["hostname.bind.", {}, `"${hostname()}"`],
    ["id.server.", {}, `"${hostname()}"`],
    ["authors.bind.", { authors: ["Ada"] }, '"Ada"'],
  ])("%s %j", async (name, settings, text) => {
    const { reply } = await ask(name, settings);
    expect(reply).toMatchObject({ rcode: "NOERROR", answer: [`${name} 0 TXT ${text}`] });
    expect(reply?.flags).toContain("aa");
  });

  test("in class CH", async () => {
    const { exchange, answer } = await ask("version.bind.");
    const bytes = deliver(exchange, answer, Buffer.alloc(512), 0) as Buffer;
    expect(bytes.readUInt16BE(exchange.query.questionEnd + 4)).toBe(3);
  });
});

test("authors are told in an order by chance, none left out", async () => {
  const authors = ["a", "b", "c", "d", "e"];
  const orders = new Set<string>();
  for (let round = 0; round < 50; round += 1) {
    const texts = (await ask("authors.bind.", { authors })).reply?.answer.map((record) => record.split('"')[1] ?? "");
    expect(texts?.toSorted()).toEqual(authors);
    orders.add(texts?.join("") ?? "");
  }
  expect(orders.size).toBeGreaterThan(1);
});

test.each([
  ["example.org.", "TXT"],
  ["version.bind.", "A"],
])("%s %s of class CH is refused", async (name, type) => {
  expect((await ask(name, { type })).reply).toMatchObject({ rcode: "REFUSED", answer: [] });
});

test("class IN goes on", async () => {
  expect((await ask("version.bind.", { klass: "IN" })).answer).toBe(NEXT);
});

test("the version is that of the package", () => {
  expect(JSON.parse(readFileSync("package.json", "utf8"))).toMatchObject({ version: VERSION });
});
