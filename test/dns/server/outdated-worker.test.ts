import { afterEach, expect, test } from "vitest";
import { serversOf, startTestResolver } from "../support/resolver.ts";
import { SCRIPTED_WORKERS, type WorkerCue, type WorkerNews } from "../support/scripted-worker-entry.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Two scripted workers; `follow` answers what they say. */
function stage(follow: (news: WorkerNews, cue: (cue: WorkerCue) => void) => void) {
  const channel = new BroadcastChannel(SCRIPTED_WORKERS);
  const heard: WorkerNews[] = [];
  const cue = (one: WorkerCue): void => channel.postMessage(one);
  channel.onmessage = (event) => {
    const { data } = event as { data: WorkerNews | WorkerCue };
    if (!("news" in data)) return;
    heard.push(data);
    follow(data, cue);
  };
  cleanups.push(() => channel.close());
  return { heard, cue };
}

test("a worker that starts again with the blocks of before while the others reload is started with the new ones", async () => {
  let during = false;
  const { heard, cue } = stage((news, say) => {
    const { worker } = news;
    // The second worker dies as soon as the first takes the new blocks up, and is slow to come back.
    if (news.news === "configure") say({ worker: 1, cue: "die" });
    else if (!during || worker === 0 || news.blocks > 1) say({ worker, cue: "listen" });
    else say({ worker: 0, cue: "configured" });
  });
  const resolver = await startTestResolver([], {
    corefile: ". {\nsluice\nwhoami\n}",
    workers: 2,
    workerUrl: new URL("../support/scripted-worker-entry.ts", import.meta.url),
  });
  cleanups.push(() => resolver.close());
  during = true;
  await resolver.reload(serversOf("a.test {\nwhoami\n}\n. {\nsluice\nwhoami\n}"));
  cue({ worker: 1, cue: "listen" });
  const startsOf = (): number[] =>
    heard.filter(({ worker, news }) => worker === 1 && news === "started").map(({ blocks }) => blocks);
  await expect.poll(startsOf, { timeout: 5_000 }).toEqual([1, 1, 3]);
  await expect.poll(() => resolver.notReady(), { timeout: 5_000 }).toEqual([]);
});
