import { describe, expect, test } from "vitest";
import { type ClusterEvent, createEventWriter } from "../../../src/sources/cluster/event-writer.ts";
import type { ApiResponse, RequestExtras } from "../../../src/sources/cluster/transport.ts";
import { recordedLog } from "../recorded-log.ts";

const EVENT: ClusterEvent = {
  regarding: { apiVersion: "gateway.networking.k8s.io/v1", kind: "Gateway", namespace: "g", name: "egress", uid: "u" },
  type: "Warning",
  reason: "HostnameConflict",
  action: "PreferOldest",
  note: "Another Gateway is older",
};

type Request = { readonly method: string; readonly path: string; readonly body: Record<string, unknown> };

const nameOf = ({ body }: Request): string => (body["metadata"] as { readonly name: string }).name;

/** A writer whose requests are noted and answered with the statuses in turn, the last one for all others. */
function writerAnswered(...answers: readonly (number | Error)[]) {
  const requests: Request[] = [];
  const log = recordedLog();
  let now = Date.UTC(2026, 0, 1);
  const request = async (method: string, path: string, extras: RequestExtras = {}): Promise<ApiResponse> => {
    requests.push({ method, path, body: extras.body as Record<string, unknown> });
    const answer = answers[Math.min(requests.length, answers.length) - 1] ?? 201;
    if (answer instanceof Error) throw answer;
    return { status: answer, body: { message: "no room" }, retryAfterSeconds: undefined };
  };
  const pass = (milliseconds: number): void => {
    now += milliseconds;
  };
  const writer = createEventWriter({ transport: { request }, identity: "pod-1", log, now: () => now });
  return { writer, requests, log, pass };
}

const warnings = (log: ReturnType<typeof recordedLog>): unknown[] =>
  log.lines.filter(({ level }) => level === "warn").map(({ fields }) => fields["reason"]);

describe("an event", () => {
  test("is written into the namespace of its object, with who says it and when", async () => {
    const { writer, requests } = writerAnswered(201);
    writer.write(EVENT);
    await expect.poll(() => requests).toHaveLength(1);
    expect(requests[0]).toEqual({
      method: "POST",
      path: "/apis/events.k8s.io/v1/namespaces/g/events",
      body: {
        apiVersion: "events.k8s.io/v1",
        kind: "Event",
        metadata: { name: expect.stringMatching(/^sluice-[0-9a-f]{32}$/), namespace: "g" },
        eventTime: "2026-01-01T00:00:00.000000Z",
        reportingController: "sluice.dev/dns",
        reportingInstance: "pod-1",
        regarding: EVENT.regarding,
        type: "Warning",
        reason: "HostnameConflict",
        action: "PreferOldest",
        note: "Another Gateway is older",
      },
    });
  });

  test("that is there already, from here or from another replica, is a repetition of it", async () => {
    const { writer, requests } = writerAnswered(409, 200);
    writer.write(EVENT);
    await expect.poll(() => requests).toHaveLength(2);
    const name = nameOf(requests[0] as Request);
    expect(requests[1]).toEqual({
      method: "PATCH",
      path: `/apis/events.k8s.io/v1/namespaces/g/events/${name}`,
      body: { series: { count: 2, lastObservedTime: "2026-01-01T00:00:00.000000Z" } },
    });
  });

  test("has another name when it says something else, and a note that fits", async () => {
    const { writer, requests } = writerAnswered(201);
    writer.write(EVENT);
    writer.write({ ...EVENT, note: "\u00e9".repeat(3_000) });
    await expect.poll(() => requests).toHaveLength(2);
    expect(new Set(requests.map(nameOf)).size).toBe(2);
    expect(requests[1]?.body["note"]).toBe("\u00e9".repeat(512));
  });
});

describe("events", () => {
  test("of a flood are left out, and some are written again after a while", async () => {
    const { writer, requests, pass } = writerAnswered(201);
    const flood = () => {
      for (let index = 0; index < 1_000; index++) writer.write({ ...EVENT, note: String(index) });
    };
    flood();
    await expect.poll(() => requests).toHaveLength(25);
    pass(30_000);
    flood();
    await expect.poll(() => requests).toHaveLength(28);
  });

  test.each([
    ["refuses", 403, "HTTP 403: no room"],
    ["is away", new Error("connect ECONNREFUSED"), "connect ECONNREFUSED"],
  ])("cost one warning while the API server %s them, and the next is tried", async (_what, answer, reason) => {
    const { writer, requests, log } = writerAnswered(answer, answer, 201, answer);
    for (let index = 0; index < 4; index++) writer.write({ ...EVENT, note: String(index) });
    await expect.poll(() => requests).toHaveLength(4);
    await expect.poll(() => warnings(log)).toEqual([reason, reason]);
  });

  test("that wait are given up at the end", async () => {
    const { writer, requests } = writerAnswered(201);
    for (let index = 0; index < 5; index++) writer.write({ ...EVENT, note: String(index) });
    writer.close();
    await expect.poll(() => requests).toHaveLength(1);
  });
});
