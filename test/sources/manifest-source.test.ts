import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { LocatedObject } from "../../src/sources/located-object.ts";
import { type ManifestSourceOptions, startManifestSource } from "../../src/sources/manifest-source.ts";
import { recordedLog } from "./recorded-log.ts";
import { gateway, temporaryFolder } from "./temporary-folder.ts";

async function start(options: Pick<ManifestSourceOptions, "paths"> & Partial<ManifestSourceOptions>) {
  const log = recordedLog();
  const seen: (readonly LocatedObject[])[] = [];
  const onObjects = (objects: readonly LocatedObject[]) => {
    seen.push(objects);
  };
  const source = await startManifestSource({ gatewayAddresses: [], log, onObjects, debounceMs: 20, ...options });
  onTestFinished(() => source.close());
  const names = () => (seen.at(-1) ?? []).map(({ ref }) => ref.name);
  const expectNames = (...expected: string[]) =>
    vi.waitFor(() => expect(names()).toEqual(expected), { timeout: 5_000, interval: 5 });
  const expectLog = (message: string) =>
    vi.waitFor(() => expect(log.lines.map((line) => line.message)).toContain(message), { timeout: 5_000, interval: 5 });
  return { log, seen, source, names, expectNames, expectLog };
}

/** Every set of names that was ever in force, in order; a write may be noticed twice and change nothing. */
const history = (seen: readonly (readonly LocatedObject[])[]) =>
  seen
    .map((objects) => objects.map(({ ref }) => ref.name).join())
    .filter((names, index, all) => names !== all[index - 1]);

describe("a watched folder", () => {
  test("delivers its objects before the start resolves, and an edit well below a second later", async () => {
    const folder = temporaryFolder({ "a.yaml": gateway("a") });
    const { names, expectNames } = await start({ paths: [folder], debounceMs: 100 });
    expect(names()).toEqual(["a"]);
    const started = performance.now();
    writeFileSync(join(folder, "a.yaml"), `${gateway("a")}---\n${gateway("b")}`);
    await expectNames("a", "b");
    expect(performance.now() - started).toBeLessThan(800);
  });

  test("sees files and folders that come and go", async () => {
    const folder = temporaryFolder({ "a.yaml": gateway("a") });
    const { expectNames } = await start({ paths: [folder] });
    mkdirSync(join(folder, "sub/deep"), { recursive: true });
    writeFileSync(join(folder, "sub/deep/b.yaml"), gateway("b"));
    await expectNames("a", "b");
    writeFileSync(join(folder, "sub/deep/b.yaml"), gateway("b2"));
    await expectNames("a", "b2");
    unlinkSync(join(folder, "a.yaml"));
    await expectNames("b2");
    rmSync(join(folder, "sub"), { recursive: true });
    await expectNames();
    writeFileSync(join(folder, "a.yaml"), gateway("c"));
    await expectNames("c");
  });

  test("sees an editor's rename onto the file, also for a file that is named itself", async () => {
    const folder = temporaryFolder({ "a.yaml": gateway("a") });
    const { expectNames } = await start({ paths: [join(folder, "a.yaml")] });
    for (const name of ["b", "c"]) {
      writeFileSync(join(folder, ".a.swp"), gateway(name));
      renameSync(join(folder, ".a.swp"), join(folder, "a.yaml"));
      await expectNames(name);
    }
  });

  test("sees the swap of a mounted ConfigMap", async () => {
    const folder = temporaryFolder({
      "..v1/g.yaml": gateway("a"),
      "..v2/g.yaml": gateway("b"),
      "..v3/g.yaml": gateway("c"),
    });
    symlinkSync("..v1", join(folder, "..data"));
    symlinkSync("..data/g.yaml", join(folder, "g.yaml"));
    const { expectNames, names } = await start({ paths: [folder] });
    expect(names()).toEqual(["a"]);
    for (const [version, name] of [
      ["..v2", "b"],
      ["..v3", "c"],
    ] as const) {
      symlinkSync(version, join(folder, "..data_tmp"));
      renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
      await expectNames(name);
    }
  });

  test("sees a link to a folder that is put elsewhere, and a folder that is replaced", async () => {
    const root = temporaryFolder({ "one/g.yaml": gateway("a"), "two/g.yaml": gateway("b") });
    symlinkSync("one", join(root, "current"));
    const { expectNames } = await start({ paths: [join(root, "current")] });
    symlinkSync("two", join(root, "next"));
    renameSync(join(root, "next"), join(root, "current"));
    await expectNames("b");
    writeFileSync(join(root, "two/g.yaml"), gateway("c"));
    await expectNames("c");
    renameSync(join(root, "two"), join(root, "old"));
    mkdirSync(join(root, "two"));
    writeFileSync(join(root, "two/g.yaml"), gateway("d"));
    await expectNames("d");
    writeFileSync(join(root, "two/g.yaml"), gateway("e"));
    await expectNames("e");
  });

  test("does without events where there are none", async () => {
    const folder = temporaryFolder({ "sub/a.yaml": gateway("a") });
    const { expectNames } = await start({ paths: [folder], debounceMs: 3_600_000, scanMs: 30 });
    writeFileSync(join(folder, "sub/a.yaml"), gateway("b"));
    await expectNames("b");
  });

  test("sees an edit of the same size within one tick of the file system's clock", async () => {
    const folder = temporaryFolder({ "a.yaml": gateway("a") });
    const { expectNames } = await start({ paths: [folder], scanMs: 30 });
    const at = new Date();
    for (const name of ["b", "c", "d"]) {
      writeFileSync(join(folder, "a.yaml"), gateway(name));
      utimesSync(join(folder, "a.yaml"), at, at);
      await expectNames(name);
    }
  });

  test("calls nobody when nothing changed", async () => {
    const folder = temporaryFolder({ "a.yaml": gateway("a") });
    const { seen, expectNames } = await start({ paths: [folder], scanMs: 20 });
    const before = seen.length;
    utimesSync(join(folder, "a.yaml"), new Date(), new Date());
    writeFileSync(join(folder, "notes.txt"), "no manifest");
    writeFileSync(join(folder, "b.yaml"), gateway("b"));
    await expectNames("a", "b");
    expect(seen).toHaveLength(before + 1);
  });
});

describe("a bad edit", () => {
  test.each([
    ["a syntax error", "a: b: c\n", "a.yaml:1:4"],
    ["bytes that are no text", Buffer.from([0xff, 0x00]), "a.yaml:1:1"],
    ["a field of a wrong type", gateway("a", "gw", "spec: []\n"), "a.yaml:6:7"],
    ["too much", "#".repeat(4 * 1024 * 1024 + 1), "a.yaml"],
  ])("with %s keeps the file's last good objects and logs where", async (_title, content, place) => {
    const folder = temporaryFolder({ "a.yaml": gateway("a"), "b.yaml": gateway("b") });
    const { log, seen, names, expectLog, expectNames } = await start({ paths: [folder] });
    writeFileSync(join(folder, "a.yaml"), content);
    await expectLog("manifest has a mistake, its last good objects stay in force");
    const line = log.lines.find(({ message }) => message.startsWith("manifest has a mistake"));
    expect(line).toMatchObject({ level: "error", fields: { at: join(folder, place) } });
    expect(names()).toEqual(["a", "b"]);
    writeFileSync(join(folder, "b.yaml"), gateway("b2"));
    await expectNames("a", "b2");
    writeFileSync(join(folder, "a.yaml"), gateway("a2"));
    await expectNames("a2", "b2");
    expect(history(seen)).toEqual(["a,b", "a,b2", "a2,b2"]);
    expect(log.lines.filter(({ message }) => message.startsWith("manifest has a mistake"))).toHaveLength(1);
  });

  test("of a file that was never good leaves its good documents in force", async () => {
    const folder = temporaryFolder({ "a.yaml": `${gateway("a")}---\nx: y: z\n` });
    const { names, expectNames, log } = await start({ paths: [folder] });
    expect(names()).toEqual(["a"]);
    expect(log.lines[0]).toMatchObject({ level: "error", message: "manifest has a problem" });
    writeFileSync(join(folder, "a.yaml"), `${gateway("a2")}---\nx: y: z\n`);
    await expectNames("a2");
  });
});

describe("objects do not slip out for a moment", () => {
  test("when the whole path is gone", async () => {
    const root = temporaryFolder({ "mount/a.yaml": gateway("a"), "other/b.yaml": gateway("b") });
    const { names, expectNames, log } = await start({ paths: [join(root, "mount"), join(root, "other")], scanMs: 30 });
    renameSync(join(root, "mount"), join(root, "unmounted"));
    writeFileSync(join(root, "other/b.yaml"), gateway("c"));
    await expectNames("a", "c");
    await vi.waitFor(() => expect(log.lines.map(({ fields }) => fields["problem"])).toContain("does not exist"));
    mkdirSync(join(root, "mount"));
    writeFileSync(join(root, "mount/a.yaml"), gateway("d"));
    await expectNames("d", "c");
    expect(names()).toEqual(["d", "c"]);
  });
});

describe("start and end", () => {
  test("a path that does not exist refuses the start", async () => {
    const folder = temporaryFolder();
    await expect(start({ paths: [join(folder, "no")] })).rejects.toThrow("does not exist");
  });

  test("an empty folder may be filled later", async () => {
    const folder = temporaryFolder();
    const { expectNames, log } = await start({ paths: [folder] });
    expect(log.lines[0]?.fields).toMatchObject({ problem: "holds no *.yaml, *.yml or *.json file" });
    writeFileSync(join(folder, "a.yaml"), gateway("a"));
    await expectNames("a");
  });

  test("Gateways get their addresses, one that fits none is logged once", async () => {
    const folder = temporaryFolder({ "a.yaml": gateway("a") });
    const gatewayAddresses = ["a", "b"].map((name) => ({ namespace: "gw", name, address: "10.0.0.1" }));
    const { seen, log, expectNames } = await start({ paths: [folder], gatewayAddresses, scanMs: 20 });
    expect(seen[0]?.[0]?.object).toMatchObject({ status: { addresses: [{ value: "10.0.0.1" }] } });
    writeFileSync(join(folder, "c.yaml"), gateway("c"));
    await expectNames("a", "c");
    expect(log.lines.filter(({ message }) => message === "a gateway address is not used")).toHaveLength(1);
  });

  test("after close nothing is read any more", async () => {
    const folder = temporaryFolder({ "a.yaml": gateway("a") });
    const { source, seen } = await start({ paths: [folder], scanMs: 10, debounceMs: 1 });
    await source.close();
    const before = seen.length;
    writeFileSync(join(folder, "a.yaml"), gateway("b"));
    const later = await start({ paths: [folder], scanMs: 10, debounceMs: 1 });
    writeFileSync(join(folder, "a.yaml"), gateway("c"));
    await later.expectNames("c");
    expect(seen).toHaveLength(before);
  });
});
