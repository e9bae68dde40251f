import { chownSync, linkSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { replaceFiles } from "../../src/cli/replace-files.ts";
import { temporaryFolder } from "../sources/temporary-folder.ts";

describe("files that are replaced", () => {
  test("are whole new files, so that who has the old one open still reads it whole", async () => {
    const folder = temporaryFolder({ "a.yaml": "old" });
    linkSync(join(folder, "a.yaml"), join(folder, "opened"));
    await replaceFiles([{ file: join(folder, "a.yaml"), before: "old", after: "new" }]);
    expect(readFileSync(join(folder, "a.yaml"), "utf8")).toBe("new");
    expect(readFileSync(join(folder, "opened"), "utf8")).toBe("old");
  });

  test("keep their owner", async () => {
    const folder = temporaryFolder({ "a.yaml": "old" });
    const file = join(folder, "a.yaml");
    if (process.geteuid?.() === 0) chownSync(file, 65534, 65534);
    const { uid, gid } = statSync(file);
    await replaceFiles([{ file, before: "old", after: "new" }]);
    expect(statSync(file)).toMatchObject({ uid, gid });
  });

  test.each([
    [
      "has been changed by somebody else",
      "b.yaml",
      "other",
      "was changed by somebody else meanwhile; no file was changed",
    ],
    ["is gone", "c.yaml", "old", "no file was changed"],
  ])("are none when one of them %s", async (_, name, before, message) => {
    const folder = temporaryFolder({ "a.yaml": "old", "b.yaml": "old" });
    const replacing = replaceFiles([
      { file: join(folder, "a.yaml"), before: "old", after: "new" },
      { file: join(folder, name), before, after: "new" },
    ]);
    await expect(replacing).rejects.toMatchObject({ code: "SLUICE_OUTPUT_FAILED" });
    await expect(replacing).rejects.toThrow(message);
    expect(readFileSync(join(folder, "a.yaml"), "utf8")).toBe("old");
    expect(readdirSync(folder).sort()).toEqual(["a.yaml", "b.yaml"]);
  });
});
