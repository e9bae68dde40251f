import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { followCorefile } from "../../src/cli/follow-corefile.ts";
import type { LoadedText } from "../../src/cli/served-corefile.ts";
import { SluiceError } from "../../src/model/errors.ts";
import { createLog } from "../../src/observe/log.ts";
import { serversOf } from "../dns/support/resolver.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const SERVERS = serversOf(". {\nreload 10s 0s\nwhoami\n}");
const textOf = (hash: string): LoadedText => ({ servers: SERVERS, hash });

/** A file that is looked at every ten seconds, and what comes of it. */
function follow(apply: (next: LoadedText) => Promise<void>) {
  const seen = { file: textOf("a"), failures: 0, applied: [] as string[] };
  const followed = followCorefile({
    corefile: { file: "Corefile", load: () => seen.file },
    current: seen.file,
    async apply(next) {
      seen.applied.push(next.hash);
      await apply(next);
    },
    onFailure() {
      seen.failures++;
    },
    log: createLog("silent"),
  });
  return { seen, followed, look: () => vi.advanceTimersByTimeAsync(10_000) };
}

test("what cannot be served is tried at every look, and told and counted once", async () => {
  let busy = true;
  const { seen, followed, look } = follow(async () => {
    if (busy) throw new SluiceError("SLUICE_LISTEN_FAILED", "the port is taken", "");
  });
  seen.file = textOf("b");
  for (let looks = 0; looks < 4; looks++) await look();
  expect([seen.applied.length, seen.failures]).toEqual([4, 1]);
  busy = false;
  for (let looks = 0; looks < 3; looks++) await look();
  expect([seen.applied.length, seen.failures]).toEqual([5, 1]);
  await followed.close();
});

test("the same mistake is told again after the file was right", async () => {
  const { seen, followed, look } = follow(async () => {
    throw new SluiceError("SLUICE_LISTEN_FAILED", "the port is taken", "");
  });
  for (const hash of ["b", "a", "b"]) {
    seen.file = textOf(hash);
    await look();
  }
  expect(seen.failures).toBe(2);
  await followed.close();
});
