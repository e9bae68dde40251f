import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { askDns } from "../support/dns-process.ts";
import { serversOf, startTestResolver, type TestResolver } from "../support/resolver.ts";
import { startTestUpstream } from "../support/test-upstream.ts";
import { claim, ready, viewOf } from "../support/views.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const NAME = "api.openai.com";
const VIEW = viewOf(claim(NAME));

/** A resolver with one block, and a Corefile in which that block comes second, behind one that takes a while to start. */
async function servingBefore(workers: number): Promise<{ resolver: TestResolver; next: string }> {
  const upstream = await startTestUpstream({ zone: [`${NAME}. 60 A 6.6.6.6`] });
  cleanups.push(() => upstream.close());
  const folder = await mkdtemp(join(tmpdir(), "sluice-hosts-"));
  cleanups.push(() => rm(folder, { recursive: true }));
  const hosts = join(folder, "hosts");
  await writeFile(hosts, Array.from({ length: 60_000 }, (_, line) => `10.0.0.1 h${line}.a.test\n`).join(""));
  const own = `. {\nsluice\nforward . 127.0.0.1:${upstream.port}\n}`;
  const resolver = await startTestResolver([], { corefile: own, view: VIEW, workers });
  cleanups.push(() => resolver.close());
  return { resolver, next: `a.test {\nhosts ${hosts} a.test\nwhoami\n}\n${own}` };
}

const answerOf = async ({ port }: TestResolver, name = NAME): Promise<readonly string[]> =>
  (await askDns({ name }, { port })).answer;

test.each([1, 2])("while a reload is under way egress names are steered as before (%i workers)", async (workers) => {
  const { resolver, next } = await servingBefore(workers);
  let reloading = true;
  const reloaded = resolver.reload(serversOf(next)).finally(() => {
    reloading = false;
  });
  const seen = new Set<string>();
  let questions = 0;
  for (; reloading; questions++) for (const record of await answerOf(resolver)) seen.add(record);
  await reloaded;
  expect(questions).toBeGreaterThan(1);
  expect([...seen]).toEqual([`${NAME}. 5 A 10.96.10.10`]);
  expect(await answerOf(resolver, "h7.a.test")).toEqual(["h7.a.test. 3600 A 10.0.0.1"]);
});

test.each([1, 2])(
  "a question that is under way over a reload is judged by what is known behind it (%i workers)",
  async (workers) => {
    const name = "slow.example";
    const upstream = await startTestUpstream({
      zone: [`${name}. 60 A 6.6.6.6`],
      behaviours: { [`${name}.`]: { delay: 0.6 } },
    });
    cleanups.push(() => upstream.close());
    const own = `. {\nsluice\nforward . 127.0.0.1:${upstream.port}\n}`;
    const resolver = await startTestResolver([], { corefile: own, view: VIEW, workers });
    cleanups.push(() => resolver.close());
    const answer = answerOf(resolver, name);
    await expect.poll(() => upstream.seen.length).toBe(1);
    await resolver.reload(serversOf(`a.test {\nwhoami\n}\n${own}`));
    await resolver.update(viewOf(claim(NAME), claim(name)));
    expect(await answer).toEqual([`${name}. 5 A 10.96.10.10`]);
  },
);

test("objects that change while a reload is under way are answered from behind it", async () => {
  const { resolver, next } = await servingBefore(2);
  const reloaded = resolver.reload(serversOf(next));
  await resolver.update(viewOf(claim(NAME, ready("10.96.10.99"))));
  expect(await answerOf(resolver)).toEqual([`${NAME}. 5 A 10.96.10.99`]);
  await reloaded;
  expect(await answerOf(resolver)).toEqual([`${NAME}. 5 A 10.96.10.99`]);
});
