import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type FileLook, type KnownFile, lookAtFile, SHRINK_CONFIRM_MS } from "../../src/sources/known-file.ts";
import { gateway, temporaryFolder } from "./temporary-folder.ts";

const two = `${gateway("a")}---\n${gateway("b")}`;
const inForce = (file: KnownFile | undefined) => file?.inForce.decoded.map(({ ref }) => ref.name).join();

/** A file of two objects, and looks at it at given times. */
async function watched() {
  const path = join(temporaryFolder({ "f.yaml": two }), "f.yaml");
  let file = (await lookAtFile(path, undefined, 0)).file;
  return {
    write: (content: string) => writeFileSync(path, content),
    remove: () => rmSync(path),
    async look(nowMs: number): Promise<FileLook> {
      const look = await lookAtFile(path, file, nowMs);
      file = look.file;
      return look;
    },
  };
}

describe("what takes objects away must last", () => {
  test.each<readonly [string, string | undefined, string | undefined]>([
    ["an emptied file", "", ""],
    ["a removed file", undefined, undefined],
    ["a file with one object less", gateway("a"), "a"],
    ["a file whose objects are renamed", gateway("c"), "c"],
  ])("%s", async (_title, content, expected) => {
    const { write, remove, look } = await watched();
    if (content === undefined) remove();
    else write(content);
    const first = await look(1_000);
    expect([inForce(first.file), first.again]).toEqual(["a,b", true]);
    const early = await look(1_000 + SHRINK_CONFIRM_MS - 1);
    expect([inForce(early.file), early.again]).toEqual(["a,b", true]);
    const late = await look(1_000 + SHRINK_CONFIRM_MS);
    expect([inForce(late.file), late.again]).toEqual([expected, false]);
  });

  test("each further loss starts the time anew, and a file that is whole again never lost anything", async () => {
    const { write, remove, look } = await watched();
    write("");
    expect(inForce((await look(0)).file)).toBe("a,b");
    remove();
    expect(inForce((await look(SHRINK_CONFIRM_MS)).file)).toBe("a,b");
    write(gateway("a"));
    expect(inForce((await look(SHRINK_CONFIRM_MS * 2)).file)).toBe("a,b");
    write(`${two}---\n${gateway("c")}`);
    const whole = await look(SHRINK_CONFIRM_MS * 3);
    expect([inForce(whole.file), whole.again]).toEqual(["a,b,c", false]);
  });

  test("the same content again ends the waiting", async () => {
    const { write, look } = await watched();
    write("");
    await look(0);
    write(two);
    const same = await look(SHRINK_CONFIRM_MS * 2);
    expect([inForce(same.file), same.again, same.read]).toEqual(["a,b", false, undefined]);
  });
});

describe("a mistake", () => {
  test("is reported once, and the way back is not reported as one", async () => {
    const { write, look } = await watched();
    write("a: b: c");
    expect((await look(0)).read?.kept).toBe(true);
    expect((await look(1_000)).read).toBeUndefined();
    write("a: b: d: e");
    expect((await look(2_000)).read?.kept).toBe(true);
    write(two);
    const back = await look(3_000);
    expect([inForce(back.file), back.read, back.again]).toEqual(["a,b", undefined, false]);
  });
});
