/**
 * `npm run build [-- FOLDER]`: bundles the program and everything it needs into one file, `dist/sluice.mjs`, for the image.
 * The resolver's worker threads run that same file (main.ts tells the two apart), so there is nothing else to find.
 * Beside it: the source map, which the bundle does not name (it stays out of the image), and the licences of what is in it.
 */
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { rolldown } from "rolldown";
import { packagesOf, renderNotices } from "./build/notices.ts";

const ROOT = join(import.meta.dirname, "..");
const NOTICES = "THIRD-PARTY-NOTICES.txt";
/** The six large dependencies minified are a little over 3 MB; twice that means that something unwanted came in. */
const MAX_BUNDLE_BYTES = 8 * 1024 * 1024;

const folder = resolve(ROOT, process.argv[2] ?? "dist");
const bundleFile = join(folder, "sluice.mjs");
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });

const problems: string[] = [];
const build = await rolldown({
  cwd: ROOT,
  input: join("src", "main.ts"),
  platform: "node",
  onLog: (level, log) => {
    // An import that cannot be resolved would be left in the bundle and fail at run time, where there is no node_modules.
    if (log.code === "UNRESOLVED_IMPORT" || level === "warn") problems.push(`${log.code ?? level}: ${log.message}`);
  },
});
const { output } = await build.write({
  file: bundleFile,
  format: "esm",
  minify: true,
  sourcemap: "hidden",
  codeSplitting: false,
  comments: { legal: false },
  postBanner: `// Sluice. Licensed under Apache-2.0; ${NOTICES} holds the licences of the packages in this file.`,
});
await build.close();

const [chunk, ...others] = output.filter(({ type }) => type === "chunk");
if (chunk?.type !== "chunk" || others.length > 0) problems.push("the bundle has more than one file");
else {
  const packages = await packagesOf(Object.keys(chunk.modules));
  await writeFile(join(folder, NOTICES), renderNotices(packages));
  const unlicensed = packages.filter(({ text }) => text === "");
  if (packages.length === 0) problems.push("no package was found in the bundle");
  for (const { name, license } of unlicensed) {
    if (license === "") problems.push(`${name} has neither a licence file nor a licence field`);
  }
}
const { size } = await stat(bundleFile);
if (size > MAX_BUNDLE_BYTES) problems.push(`the bundle has ${size} bytes, more than ${MAX_BUNDLE_BYTES}`);
if ((await readFile(bundleFile, "utf8")).includes("/worker.ts"))
  problems.push("the worker's source file is still named");

for (const problem of problems) process.stderr.write(`build: ${problem}\n`);
process.stdout.write(`${bundleFile}: ${(size / 1024 / 1024).toFixed(1)} MiB\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
