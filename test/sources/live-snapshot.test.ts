import { describe, expect, test } from "vitest";
import type { Decoded } from "../../src/model/decode.ts";
import { buildTopology, DEFAULT_TOPOLOGY_SETTINGS, type Topology } from "../../src/model/topology.ts";
import { createLiveSnapshot } from "../../src/sources/live-snapshot.ts";
import { objectsOfText } from "../../src/sources/manifests.ts";
import { recordedLog } from "./recorded-log.ts";
import { gateway } from "./temporary-folder.ts";

const objects = (...names: string[]) => objectsOfText(names.map((name) => gateway(name)).join("---\n"), "f").decoded;
const names = (topology: Topology) => topology.objects.of("Gateway").map(({ metadata }) => metadata.name);

const twoSources = (build: (decoded: readonly Decoded[]) => Topology = buildTopology) => {
  const log = recordedLog();
  return { log, snapshot: createLiveSnapshot({ sources: ["files", "cluster"], build, log }) };
};

describe("the live snapshot", () => {
  test("starts empty and not in sync, and is in sync when every source is complete", () => {
    const { snapshot } = twoSources();
    expect(names(snapshot.current())).toEqual([]);
    expect(snapshot.synced()).toBe(false);
    snapshot.update("files", objects("a"), true);
    expect(snapshot.synced()).toBe(false);
    snapshot.update("cluster", [], false);
    expect(snapshot.synced()).toBe(false);
    snapshot.update("cluster", objects("b"), true);
    expect(snapshot.synced()).toBe(true);
    expect(names(snapshot.current())).toEqual(["a", "b"]);
  });

  test("builds the same objects in another way when it is told to, and later ones too, and tells so", () => {
    const { snapshot } = twoSources();
    snapshot.update("files", objects("a"), true);
    const seen: string[] = [];
    snapshot.subscribe(({ settings }) => void seen.push(settings.clusterDomain));
    snapshot.rebuild((decoded) =>
      buildTopology(decoded, { ...DEFAULT_TOPOLOGY_SETTINGS, clusterDomain: "other.test" }),
    );
    expect(names(snapshot.current())).toEqual(["a"]);
    snapshot.update("files", objects("a", "b"), true);
    expect(seen).toEqual(["other.test", "other.test"]);
  });

  test("a source replaces only what it brought, and an older Topology does not change", () => {
    const { snapshot } = twoSources();
    snapshot.update("files", objects("a", "b"), true);
    snapshot.update("cluster", objects("c"), true);
    const before = snapshot.current();
    snapshot.update("files", objects("d"), true);
    expect(names(snapshot.current())).toEqual(["c", "d"]);
    expect(names(before)).toEqual(["a", "b", "c"]);
  });

  test("subscribers are told of the next ones, after current() gives it, until they leave", () => {
    const { snapshot } = twoSources();
    const seen: string[][] = [];
    const listener = (topology: Topology) => {
      expect(snapshot.current()).toBe(topology);
      seen.push(names(topology));
    };
    const leave = snapshot.subscribe(listener);
    snapshot.subscribe(listener);
    snapshot.update("files", objects("a"), true);
    leave();
    leave();
    snapshot.update("files", objects("b"), true);
    expect(seen).toEqual([["a"], ["a"], ["b"]]);
  });

  test("a subscriber that throws is logged and the others are told", () => {
    const { snapshot, log } = twoSources();
    let told = 0;
    snapshot.subscribe(() => {
      throw new Error("broken subscriber");
    });
    snapshot.subscribe(() => told++);
    snapshot.update("files", objects("a"), true);
    expect(told).toBe(1);
    expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
      ["error", "a subscriber of the topology failed"],
    ]);
  });

  test("when building fails the last Topology stays", () => {
    const { snapshot, log } = twoSources((decoded) => {
      if (decoded.length > 1) throw new Error("bug");
      return buildTopology(decoded);
    });
    snapshot.update("files", objects("a"), true);
    snapshot.update("files", objects("a", "b"), true);
    expect(names(snapshot.current())).toEqual(["a"]);
    expect(log.lines[0]?.message).toBe("the topology could not be built, the last one stays");
  });

  test("a source that was not announced is a mistake of the program", () => {
    expect(() => twoSources().snapshot.update("other", [], true)).toThrow('"other" is not one of');
  });
});
