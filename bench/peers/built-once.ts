import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { toStderr } from "../../test/cluster/control-plane/binaries.ts";

/** What is built, what the result depends on, and how it is made. */
export type Build = {
  /** Name of the file in the cache; a part of the key. */
  readonly name: string;
  /** Files whose content decides whether a cached result still holds. */
  readonly sources: readonly string[];
  /** Anything else that does: versions, flags. */
  readonly flags?: readonly string[];
  make(output: string): Promise<unknown>;
};

/** Builds under way in this process, by result: two tests that start together build once. */
const underWay = new Map<string, Promise<string>>();

async function resultOf({ name, sources, flags = [] }: Build): Promise<string> {
  const hash = createHash("sha256").update(flags.join("\0"));
  for (const source of sources) hash.update(await readFile(source));
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "sluice");
  return join(cache, `peers-${hash.digest("hex").slice(0, 16)}`, name);
}

async function buildInto(result: string, build: Build): Promise<string> {
  if (existsSync(result)) return result;
  const started = performance.now();
  toStderr(`building ${build.name} (first run only)`);
  await mkdir(join(result, ".."), { recursive: true });
  const unfinished = `${result}.${process.pid}`;
  try {
    await build.make(unfinished);
    await rename(unfinished, result);
  } finally {
    await rm(unfinished, { force: true });
  }
  toStderr(`built ${build.name} in ${Math.round((performance.now() - started) / 1000)} s`);
  return result;
}

/** The path of a program that is built when its sources have changed; else the one in the user's cache folder. */
export async function builtOnce(build: Build): Promise<string> {
  const result = await resultOf(build);
  const building = underWay.get(result) ?? buildInto(result, build);
  underWay.set(result, building);
  return building;
}
