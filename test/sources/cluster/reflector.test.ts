import { describe, expect, onTestFinished, test, vi } from "vitest";
import { resourceOf } from "../../../src/sources/cluster/api-resource.ts";
import { createObjectStore } from "../../../src/sources/cluster/object-store.ts";
import { createReflector, type ReflectorReport } from "../../../src/sources/cluster/reflector.ts";
import { REFLECTOR_TIMING, type ReflectorTiming } from "../../../src/sources/cluster/reflector-timing.ts";
import { apiStatus, bookmark, eventLine, item, listOf, type PeerRequest, sendJson, startPeer } from "./api-peer.ts";

const FAST: ReflectorTiming = {
  ...REFLECTOR_TIMING,
  backOffInitialMs: 5,
  backOffMaxMs: 40,
  absentMinMs: 10,
  absentMaxMs: 20,
  absentConfirmMs: 100,
  forbiddenMs: 10,
};

type Answer = (request: PeerRequest, count: number) => void;

/** A reflector for Gateways against a peer that answers the nth list and the nth watch as told. */
async function reflect(
  answers: { list: Answer; watch: Answer },
  timing: Partial<ReflectorTiming> = {},
  counts = { list: 0, watch: 0 },
) {
  const watches: PeerRequest[] = [];
  const peer = await startPeer((request) => {
    const way = request.query["watch"] === "true" ? "watch" : "list";
    if (way === "watch") watches.push(request);
    answers[way](request, counts[way]++);
  });
  const reports: ReflectorReport[] = [];
  let changes = 0;
  const store = createObjectStore(() => changes++);
  const reflector = createReflector({
    transport: peer.transport,
    resource: resourceOf("Gateway"),
    metadataOnly: false,
    sink: store,
    report: (report) => reports.push(report),
    now: () => performance.now(),
    random: () => 0.5,
    timing: { ...FAST, ...timing },
  });
  const stop = new AbortController();
  const ended = reflector.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await ended;
  });
  const names = () =>
    store
      .objects()
      .map(({ ref }) => ref.name)
      .sort()
      .join();
  return {
    ...peer,
    reflector,
    reports,
    counts,
    watches,
    store,
    stop,
    ended,
    changes: () => changes,
    until: (check: () => void) => vi.waitFor(check, { timeout: 8_000, interval: 2 }),
    untilNames: (expected: string) => vi.waitFor(() => expect(names()).toBe(expected), { timeout: 8_000, interval: 2 }),
    names,
  };
}

const quiet: Answer = ({ response }) => void response.writeHead(200).flushHeaders();
const listA: Answer = ({ response }) => void sendJson(response, 200, listOf("10", [item("a", "5")]));

describe("list and watch", () => {
  test("pages are put together, and the watch starts where the list ended", async () => {
    const { untilNames, requests, watches, until, reflector } = await reflect({
      list: ({ query, response }) =>
        query["continue"] === "next"
          ? sendJson(response, 200, listOf("10", [item("b", "6")]))
          : sendJson(response, 200, listOf("10", [item("a", "5")], "next")),
      watch: quiet,
    });
    await untilNames("a,b");
    await until(() => expect(watches).toHaveLength(1));
    expect(requests[0]?.query).toEqual({ limit: "500" });
    expect(requests[0]?.headers["authorization"]).toBe("Bearer secret");
    expect(watches[0]?.query).toMatchObject({
      resourceVersion: "10",
      allowWatchBookmarks: "true",
      timeoutSeconds: "108",
    });
    expect(reflector.settled()).toBe(true);
  });

  test("events change the objects; managedFields are dropped; apiVersion and kind are filled in", async () => {
    const { untilNames, store } = await reflect({
      list: listA,
      watch: ({ response }) => {
        response.write(eventLine("ADDED", item("b", "11")) + eventLine("MODIFIED", item("a", "12")));
        response.write(eventLine("DELETED", item("a", "13")));
      },
    });
    await untilNames("b");
    expect(store.objects()[0]?.raw).toEqual({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: "b", namespace: "gw", uid: "uid-b", resourceVersion: "11" },
    });
  });

  test("events that are cut anywhere arrive whole", async () => {
    const text = eventLine("ADDED", item("gräßlich", "11")) + eventLine("ADDED", item("b", "12"));
    const bytes = Buffer.from(text);
    const { untilNames } = await reflect({
      list: ({ response }) => void sendJson(response, 200, listOf("10", [])),
      watch: async ({ response }) => {
        for (let at = 0; at < bytes.length; at += 7) {
          response.write(bytes.subarray(at, at + 7));
          await new Promise((resolve) => setImmediate(resolve));
        }
      },
    });
    await untilNames("b,gräßlich");
  });

  test("a watch that the server ends goes on from the last bookmark, without a list", async () => {
    const { until, watches, counts } = await reflect({
      list: listA,
      watch: ({ response }, count) =>
        void (count < 3 ? response.end(bookmark(`${20 + count}`)) : quiet({ response } as PeerRequest, 0)),
    });
    await until(() => expect(watches.map(({ query }) => query["resourceVersion"])).toEqual(["10", "20", "21", "22"]));
    expect(counts.list).toBe(1);
  });

  test("a list that is due is made although the watch could go on, and changes nothing when nothing changed", async () => {
    const { until, counts, changes } = await reflect(
      { list: listA, watch: ({ response }) => void response.end(bookmark("11")) },
      { relistSeconds: 0.02 },
    );
    await until(() => expect(counts.list).toBeGreaterThan(3));
    expect(changes()).toBe(1);
  });
});

describe("faults of the connection", () => {
  test("a reset in the middle of an event goes on from the last whole one, without a list", async () => {
    const { untilNames, watches, counts } = await reflect({
      list: listA,
      watch: ({ response, socket }, count) => {
        if (count > 0) return void response.write(eventLine("ADDED", item("c", "12")));
        response.write(eventLine("ADDED", item("b", "11")) + eventLine("ADDED", item("c", "12")).slice(0, 40), () =>
          setImmediate(() => socket.resetAndDestroy()),
        );
      },
    });
    await untilNames("a,b,c");
    expect(watches.map(({ query }) => query["resourceVersion"])).toEqual(["10", "11"]);
    expect(counts.list).toBe(1);
  });

  test("a watch that dies silently is noticed", async () => {
    const { until, watches, counts, reports, reflector } = await reflect(
      {
        list: listA,
        watch: ({ response }, count) =>
          void (count === 0 ? response.write(bookmark("15")) : response.write(bookmark("16"))),
      },
      { watchSeconds: 0.05, idleSeconds: 0.1 },
    );
    await until(() => expect(watches.length).toBeGreaterThan(1));
    expect(watches[1]?.query["resourceVersion"]).toBe("15");
    expect(counts.list).toBe(1);
    expect(reports).toContainEqual({ event: "failing", reason: "nothing came for 0.1 s, not even a bookmark" });
    await until(() => expect(reflector.phase()).toBe("current"));
  });

  test("an API server that cannot be reached is asked again, and the objects stay", async () => {
    const { until, untilNames, counts, names, reflector } = await reflect({
      list: ({ response, socket }, count) =>
        void (count === 0 || count > 4
          ? sendJson(response, 200, listOf("10", [item(`a${count}`, `${count}`)]))
          : socket.destroy()),
      watch: ({ response }, count) =>
        void (count === 0
          ? response.end(eventLine("ERROR", apiStatus(410, "too old")))
          : quiet({ response } as PeerRequest, 0)),
    });
    await untilNames("a0");
    await until(() => expect(counts.list).toBeGreaterThan(3));
    expect(["a0", "a5"]).toContain(names());
    await untilNames("a5");
    await until(() => expect(reflector.phase()).toBe("current"));
  });
});

describe("faults of the content", () => {
  test.each<readonly [string, string]>([
    ["410 inside the stream", eventLine("ERROR", apiStatus(410, "too old resource version"))],
    ["a line that is no JSON", "}{ garbage\n"],
    ["an event without a type", '{"object":{}}\n'],
    ["an event of an unknown type", eventLine("PATCHED", item("x", "11"))],
    ["an object without a name", eventLine("ADDED", { metadata: { namespace: "gw" } })],
  ])("%s brings a new list, which alone decides", async (_title, line) => {
    const { untilNames, watches } = await reflect({
      list: ({ response }, count) =>
        void sendJson(response, 200, listOf(`${10 + count}`, [item(count === 0 ? "a" : "b", "5")])),
      watch: ({ response }, count) => void (count === 0 ? response.write(line) : quiet({ response } as PeerRequest, 0)),
    });
    await untilNames("b");
    await vi.waitFor(() => expect(watches.map(({ query }) => query["resourceVersion"])).toEqual(["10", "11"]));
  });

  test.each([410, 400])("HTTP %d for a watch brings a new list", async (status) => {
    const { until, counts, watches } = await reflect({
      list: ({ response }, count) => void sendJson(response, 200, listOf(`${10 + count}`, [])),
      watch: ({ response }, count) =>
        void (count === 0
          ? sendJson(response, status, apiStatus(status, "no"))
          : quiet({ response } as PeerRequest, 0)),
    });
    await until(() => expect(watches).toHaveLength(2));
    expect(counts.list).toBe(2);
  });

  test("a continue token that expires brings the list in one piece", async () => {
    const { untilNames, requests } = await reflect({
      list: ({ query, response }) => {
        if (query["continue"] === "old") return void sendJson(response, 410, apiStatus(410, "expired"));
        const whole = query["limit"] === undefined;
        sendJson(
          response,
          200,
          listOf("10", whole ? [item("a", "1"), item("b", "2")] : [item("a", "1")], whole ? undefined : "old"),
        );
      },
      watch: quiet,
    });
    await untilNames("a,b");
    expect(requests.map(({ query }) => query["limit"]).slice(0, 3)).toEqual(["500", "500", undefined]);
  });

  test("an event beyond the size limit ends the watch before it fills the memory", async () => {
    const chunk = "x".repeat(1024 * 1024);
    const { until, reports, watches } = await reflect({
      list: listA,
      watch: ({ response }, count) => {
        if (count > 0) return quiet({ response } as PeerRequest, 0);
        for (let mib = 0; mib < 20; mib++) response.write(chunk);
      },
    });
    await until(() => expect(watches.length).toBeGreaterThan(1));
    expect(reports).toContainEqual({ event: "failing", reason: "an event is longer than 16777216 bytes" });
  });

  test("Retry-After is honoured", async () => {
    const times: number[] = [];
    const { until } = await reflect({
      list: ({ response }, count) => {
        times.push(performance.now());
        if (count === 0) sendJson(response, 429, apiStatus(429, "too many requests"), { "Retry-After": "1" });
        else sendJson(response, 200, listOf("10", []));
      },
      watch: quiet,
    });
    await until(() => expect(times).toHaveLength(2));
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990);
  });

  test("a watch that is refused again and again brings a new list", async () => {
    const watchesBeforeList: number[] = [];
    const counts = { list: 0, watch: 0 };
    const list: Answer = (request, count) => {
      watchesBeforeList.push(counts.watch);
      listA(request, count);
    };
    const watch: Answer = ({ response }) => void sendJson(response, 504, apiStatus(504, "Too large resource version"));
    const { until } = await reflect({ list, watch }, {}, counts);
    await until(() => expect(watchesBeforeList.slice(0, 2)).toEqual([0, 5]));
  });
});

describe("objects that are made again under their name", () => {
  test("in a gap between watches take the old one's place", async () => {
    const { untilNames, until, store, changes } = await reflect({
      list: ({ response }, count) => void sendJson(response, 200, listOf("10", [item("a", "5", `uid-${count}`)])),
      watch: ({ response }, count) =>
        void (count === 0
          ? response.end(eventLine("ERROR", apiStatus(410, "x")))
          : quiet({ response } as PeerRequest, 0)),
    });
    await untilNames("a");
    await until(() => expect(store.objects()[0]?.object.metadata.uid).toBe("uid-1"));
    expect(changes()).toBe(2);
  });

  test("survive the late deletion of the old one", async () => {
    const { untilNames, names } = await reflect({
      list: listA,
      watch: ({ response }) => {
        response.write(eventLine("ADDED", item("a", "11", "new")) + eventLine("DELETED", item("a", "12", "uid-a")));
        response.write(eventLine("ADDED", item("z", "13")));
      },
    });
    await untilNames("a,z");
    expect(names()).toBe("a,z");
  });
});

describe("kinds that are not installed", () => {
  test("are looked for again and appear, in the first version that is served", async () => {
    const { untilNames, reflector, reports, until, requests } = await reflect({
      list: ({ path, response }, count) => {
        const served = count > 6 && path.includes("/v1beta1/");
        if (served) sendJson(response, 200, listOf("10", [item("a", "5")]));
        else sendJson(response, 404, "404 page not found");
      },
      watch: quiet,
    });
    await until(() => expect(reflector.phase()).toBe("absent"));
    expect(reflector.settled()).toBe(true);
    await untilNames("a");
    expect(requests.slice(0, 2).map(({ path }) => path.split("/")[3])).toEqual(["v1", "v1beta1"]);
    expect(reports.map(({ event }) => event)).toEqual(["absent", "listed"]);
  });

  test("that were there keep their objects for a while, as the server may be starting", async () => {
    const { until, untilNames, reports, changes } = await reflect({
      list: ({ response }, count) =>
        void (count === 0 ? sendJson(response, 200, listOf("10", [item("a", "5")])) : sendJson(response, 404, "")),
      watch: ({ response }) => void sendJson(response, 404, ""),
    });
    await untilNames("a");
    const started = performance.now();
    await untilNames("");
    expect(performance.now() - started).toBeGreaterThan(50);
    await until(() => expect(reports.at(-1)).toEqual({ event: "absent" }));
    expect(changes()).toBe(2);
  });

  test("are asked for at once when told", async () => {
    let installed = false;
    const { until, untilNames, reflector } = await reflect(
      {
        list: ({ response }) =>
          void (installed ? sendJson(response, 200, listOf("1", [item("a", "1")])) : sendJson(response, 404, "")),
        watch: quiet,
      },
      { absentMinMs: 600_000, absentMaxMs: 600_000 },
    );
    await until(() => expect(reflector.phase()).toBe("absent"));
    installed = true;
    await until(() => {
      reflector.expectSoon();
      expect(reflector.phase()).toBe("current");
    });
    await untilNames("a");
  });
});

describe("what is not allowed", () => {
  test("is reported, does not count as known, and works when it becomes allowed", async () => {
    const { until, untilNames, reports, reflector } = await reflect({
      list: ({ response }, count) => {
        if (count < 3) sendJson(response, 403, apiStatus(403, "gateways is forbidden"));
        else sendJson(response, 200, listOf("1", [item("a", "1")]));
      },
      watch: quiet,
    });
    await until(() => expect(reflector.phase()).toBe("forbidden"));
    expect(reflector.settled()).toBe(false);
    expect(reports[0]).toEqual({ event: "forbidden", reason: "gateways is forbidden" });
    await untilNames("a");
  });
});

describe("stopping", () => {
  test.each<readonly [string, Answer, Partial<ReflectorTiming>]>([
    ["during a watch", quiet, {}],
    [
      "during back-off",
      ({ response }) => void sendJson(response, 500, apiStatus(500, "x")),
      { backOffInitialMs: 600_000, backOffMaxMs: 600_000 },
    ],
    ["while a watch is being opened", () => undefined, {}],
  ])("%s ends at once and leaves no watch open", async (_title, watch, timing) => {
    const { until, counts, stop, ended, open, transport } = await reflect({ list: listA, watch }, timing);
    await until(() => expect(counts.watch).toBe(1));
    const started = performance.now();
    stop.abort();
    await ended;
    expect(performance.now() - started).toBeLessThan(500);
    await transport.close();
    await until(() => expect(open.size).toBe(0));
    expect(counts.watch).toBe(1);
  });
});
