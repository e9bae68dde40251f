import { afterEach, describe, expect, test, vi } from "vitest";
import { type Election, startElection } from "../../src/certs/lease.ts";
import { createLog } from "../../src/observe/log.ts";
import { type FakeApi, fakeApi } from "./fake-api.ts";

const LEASE = "sluice-certs";
const TIMING = { durationMs: 1000, renewDeadlineMs: 600, retryMs: 2 };
const log = createLog("silent");
const running: Election[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((election) => election.close()));
});

/** A candidate with a monotonic clock of its own, which only the test moves. */
async function candidate(api: FakeApi, identity: string) {
  const clock = { now: Math.random() * 1_000_000 };
  const election = await startElection({ api, name: LEASE, identity, log, timing: TIMING, monotonic: () => clock.now });
  running.push(election);
  return { clock, ...election };
}

const holder = (api: FakeApi): string | undefined => api.leases.get(LEASE)?.holder;

/** Until at least `n` more requests have come in: every candidate has looked again. */
async function rounds(api: FakeApi, n: number): Promise<void> {
  let seen = 0;
  const before = api.before;
  api.before = (call) => {
    seen += 1;
    before(call);
  };
  await vi.waitFor(() => expect(seen).toBeGreaterThanOrEqual(n));
  api.before = before;
}

describe("startElection", () => {
  test("one of several candidates leads", async () => {
    const api = fakeApi();
    const candidates = await Promise.all(["a", "b", "c"].map((identity) => candidate(api, identity)));
    await vi.waitFor(() => expect(candidates.filter((one) => one.leading())).toHaveLength(1));
    await rounds(api, 20);
    expect(candidates.filter((one) => one.leading())).toHaveLength(1);
  });

  test("a lease is taken over only after it has not changed for its duration, by the observer's own clock", async () => {
    const api = fakeApi();
    api.leases.set(LEASE, { resourceVersion: "1", holder: "gone", durationSeconds: 1, transitions: 4 });
    const one = await candidate(api, "a");
    await rounds(api, 5);
    one.clock.now += 999;
    await rounds(api, 5);
    expect(one.leading()).toBe(false);
    one.clock.now += 2;
    await vi.waitFor(() => expect(one.leading()).toBe(true));
    expect(api.leases.get(LEASE)).toMatchObject({ holder: "a", transitions: 5 });
  });

  test("a leader that is cut off steps down at the renew deadline, before anybody may take over", async () => {
    const api = fakeApi();
    const one = await candidate(api, "a");
    await vi.waitFor(() => expect(one.leading()).toBe(true));
    api.before = () => {
      throw new Error("unreachable");
    };
    await rounds(api, 3);
    one.clock.now += TIMING.renewDeadlineMs - 1;
    expect(one.leading()).toBe(true);
    one.clock.now += 1;
    expect(one.leading()).toBe(false);
    api.before = () => {};
    await vi.waitFor(() => expect(one.leading()).toBe(true));
  });

  test("a leader that was asleep does not lead when it wakes, without having asked anybody", async () => {
    const api = fakeApi();
    const one = await candidate(api, "a");
    await vi.waitFor(() => expect(one.leading()).toBe(true));
    one.clock.now += 3_600_000;
    expect(one.leading()).toBe(false);
  });

  test("a leader whose lease somebody else has taken stops at once", async () => {
    const api = fakeApi();
    const one = await candidate(api, "a");
    await vi.waitFor(() => expect(one.leading()).toBe(true));
    api.leases.set(LEASE, { resourceVersion: "taken", holder: "b", durationSeconds: 3600, transitions: 9 });
    await vi.waitFor(() => expect(one.leading()).toBe(false));
    expect(holder(api)).toBe("b");
  });

  test("gives the lease back when it ends, and the next candidate need not wait", async () => {
    const api = fakeApi();
    const one = await candidate(api, "a");
    await vi.waitFor(() => expect(one.leading()).toBe(true));
    const two = await candidate(api, "b");
    await one.close();
    expect(one.leading()).toBe(false);
    await vi.waitFor(() => expect(two.leading()).toBe(true));
    expect(holder(api)).toBe("b");
  });

  test("does not give back a lease that is another's", async () => {
    const api = fakeApi();
    api.leases.set(LEASE, { resourceVersion: "1", holder: "other", durationSeconds: 3600, transitions: 0 });
    const one = await candidate(api, "a");
    await rounds(api, 2);
    await one.close();
    expect(holder(api)).toBe("other");
    expect(api.writes).toEqual([]);
  });
});
