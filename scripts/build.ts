/**
 * `npm run build [-- FOLDER]`: bundles the program and everything it needs for the image: `dist/sluice.mjs` and its parts
 * beside it, `dist/parts/*.mjs`. What is imported at run time (`await import`) is a part of its own, so that a process
 * holds in memory only the code of what it does. The resolver's worker threads run `sluice.mjs` too (main.ts tells the
 * two apart), so there is nothing else to find.
 * Beside them: source maps, which the parts do not name (they stay out of the image), and the licences of what is in it.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type OutputChunk, rolldown } from "rolldown";
import { packagesOf, renderNotices } from "./build/notices.ts";
import { strayPackages } from "./build/part-packages.ts";
import { withoutPushgateway } from "./build/without-pushgateway.ts";

const ROOT = join(import.meta.dirname, "..");
const NOTICES = "THIRD-PARTY-NOTICES.txt";
/** The six large dependencies minified are a little over 3 MB; twice that means that something unwanted came in. */
const MAX_BUNDLE_BYTES = 8 * 1024 * 1024;

const folder = resolve(ROOT, process.argv[2] ?? "dist");
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });

const problems: string[] = [];
const build = await rolldown({
  cwd: ROOT,
  input: { sluice: join("src", "main.ts") },
  platform: "node",
  plugins: [withoutPushgateway],
  onLog: (level, log) => {
    // An import that cannot be resolved would be left in the bundle and fail at run time, where there is no node_modules.
    if (log.code === "UNRESOLVED_IMPORT" || level === "warn") problems.push(`${log.code ?? level}: ${log.message}`);
  },
});
const { output } = await build.write({
  dir: folder,
  entryFileNames: "[name].mjs",
  chunkFileNames: "parts/[name].mjs",
  format: "esm",
  minify: true,
  sourcemap: "hidden",
  comments: { legal: false },
  postBanner: `// Sluice. Licensed under Apache-2.0; ${NOTICES} holds the licences of the packages in this file.`,
});
await build.close();

const chunks = output.filter((file): file is OutputChunk => file.type === "chunk");
const packages = await packagesOf(chunks.flatMap(({ modules }) => Object.keys(modules)));
await writeFile(join(folder, NOTICES), renderNotices(packages));
if (packages.length === 0) problems.push("no package was found in the bundle");
for (const { name, license, text } of packages) {
  if (text === "" && license === "") problems.push(`${name} has neither a licence file nor a licence field`);
}
const entries = chunks.filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName);
if (entries.join() !== "sluice.mjs") problems.push(`the program is ${entries.join()} instead of sluice.mjs`);
const size = chunks.reduce((sum, { code }) => sum + Buffer.byteLength(code), 0);
if (size > MAX_BUNDLE_BYTES) problems.push(`the bundle has ${size} bytes, more than ${MAX_BUNDLE_BYTES}`);
problems.push(...strayPackages(chunks));

for (const problem of problems) process.stderr.write(`build: ${problem}\n`);
process.stdout.write(`${folder}: ${chunks.length} files, ${(size / 1024 / 1024).toFixed(1)} MiB\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
