import { mkdtempSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { parseHosts, readHostsFile } from "../../../../src/dns/directives/hosts/hosts-file.ts";

const folder = mkdtempSync(join(tmpdir(), "hosts-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("a line of a hosts file:", () => {
  test.each([
    ["10.0.0.1 a.test", [{ address: "10.0.0.1", names: ["a.test."] }]],
    ["\t10.0.0.1\tA.Test. b # c", [{ address: "10.0.0.1", names: ["a.test.", "b."] }]],
    [
      "::FFFF:10.0.0.1 a\r\nfe80::1%lo0 b",
      [
        { address: "10.0.0.1", names: ["a."] },
        { address: "fe80::1", names: ["b."] },
      ],
    ],
    ["10.0.0.1 *.test bad..name .", [{ address: "10.0.0.1", names: ["*.test.", "."] }]],
    ["10.0.0.1 bücher.test", [{ address: "10.0.0.1", names: ["xn--bcher-kva.test."] }]],
    ["10.0.0 a\n\n# only a comment\nlocalhost 127.0.0.1", []],
  ])("%j", async (text, entries) => {
    expect(await parseHosts(text)).toEqual(entries);
  });
});

test("any text is read without an exception", async () => {
  const soup = fc.array(fc.constantFrom("10.0.0.1", "::1", "a.test", "*.", " ", "\n", "#", "%", "é", "\0", ".."));
  await fc.assert(
    fc.asyncProperty(soup, async (parts) => {
      expect(Array.isArray(await parseHosts(parts.join("")))).toBe(true);
    }),
  );
});

test("a long list is read in pieces, other work in between", async () => {
  const reading = parseHosts("10.0.0.1 a.test\n".repeat(5000));
  let turns = 0;
  const count = (): void => {
    turns += 1;
    if (turns < 5) setImmediate(count);
  };
  setImmediate(count);
  expect(await reading).toHaveLength(5000);
  expect(turns).toBe(5);
});

test("a file is read once for each state that it has", async () => {
  const path = join(folder, "states");
  writeFileSync(path, "10.0.0.1 a\n");
  utimesSync(path, 1, 1000);
  const first = await readHostsFile(path);
  expect(first).toMatchObject({ ok: true, value: { stamp: { modifiedMs: 1_000_000, octets: 11 }, entries: [{}] } });
  const stamp = first.ok ? first.value?.stamp : undefined;
  expect(await readHostsFile(path, stamp)).toEqual({ ok: true, value: undefined });
  utimesSync(path, 1, 2000);
  expect(await readHostsFile(path, stamp)).toMatchObject({ ok: true, value: { stamp: { modifiedMs: 2_000_000 } } });
});

describe("what cannot be read is a problem:", () => {
  test("a file that is not there", async () => {
    expect(await readHostsFile(join(folder, "none"))).toMatchObject({
      ok: false,
      problems: [expect.stringContaining("ENOENT")],
    });
  });

  test("a folder", async () => {
    expect(await readHostsFile(folder)).toEqual({ ok: false, problems: ["it is no file"] });
  });

  test("a file beyond 64 MiB", async () => {
    const path = join(folder, "large");
    writeFileSync(path, "");
    truncateSync(path, 64 * 1024 * 1024 + 1);
    expect(await readHostsFile(path)).toEqual({ ok: false, problems: ["it is larger than 67108864 octets"] });
  });
});
