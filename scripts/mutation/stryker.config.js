import { tmpdir } from "node:os";
import { join } from "node:path";
import { parts } from "./parts.js";

/** Which part is changed, and the name of this run, so that runs do not meet: scripts/mutation.ts says them. */
const part = process.env.MUTATION_PART ?? "cel";
const run = process.env.MUTATION_RUN ?? part;

export default {
  testRunner: "in-process",
  plugins: ["./scripts/mutation/in-process-runner.js", "./scripts/mutation/documentation-ignorer.js"],
  mutate: parts[part].mutate,
  ignorers: ["documentation"],
  coverageAnalysis: "perTest",
  // Endless loops are seen by their count of steps; a busy machine must not count as one.
  timeoutMS: 60_000,
  // Modules are loaded anew for each changed program, and are never given back.
  maxTestRunnerReuse: 200,
  tsconfigFile: "none.json",
  concurrency: 1,
  tempDirName: join(tmpdir(), `sluice-mutation-${run}`),
  ignorePatterns: ["bench", "dist", "docs", "coverage", "manifests/base", "scripts/mutation/node_modules"],
  reporters: ["clear-text", "json"],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: `node_modules/.cache/mutation/${run}.json` },
  thresholds: { high: 90, low: 85, break: 85 },
};
