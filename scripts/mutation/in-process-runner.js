import { globSync, readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { declareFactoryPlugin, PluginKind } from "@stryker-mutator/api/plugin";
import {
  DryRunStatus,
  determineHitLimitReached,
  TestStatus,
  toMutantRunResult,
} from "@stryker-mutator/api/test-runner";
import { takeTests } from "./collected-tests.js";
import { parts } from "./parts.js";

/**
 * Runs the tests of a part in Stryker's own worker, without vitest's, which takes seconds for each changed program. Every
 * run loads the modules of the project anew: what they keep must not come from another changed program. Text of
 * TypeScript is stripped once for each file.
 */
const COLLECTED = new URL("./collected-tests.js", import.meta.url).href;
const stripped = new Map();
let generation = 0;

function strippedSource(url) {
  const path = fileURLToPath(url);
  const known = stripped.get(path);
  if (known !== undefined) return known;
  const source = stripTypeScriptTypes(readFileSync(path, "utf8"));
  stripped.set(path, source);
  return source;
}

/** `home`: where the copy of the project is, which is known once the worker has changed its directory. */
function hook(home) {
  registerHooks({
    resolve(specifier, context, next) {
      if (!context.parentURL?.startsWith(home)) return next(specifier, context);
      if (specifier === "vitest") return { url: COLLECTED, format: "module", shortCircuit: true };
      const isPackage = !/^[./]|^(?:node|file):/.test(specifier);
      // Packages are those of the project, not of its copy.
      const found = next(specifier, isPackage ? { ...context, parentURL: import.meta.url } : context);
      const own = found.url.startsWith(home) && !found.url.includes("/node_modules/");
      return own && found.url.endsWith(".ts") ? { ...found, url: `${found.url}?generation=${generation}` } : found;
    },
    load(url, context, next) {
      if (!url.startsWith(home) || !/\.ts\?/.test(url)) return next(url, context);
      return { format: "module", source: strippedSource(url), shortCircuit: true };
    },
  });
}

/** What instrumented code reads and writes. */
const shared = () => {
  globalThis.__stryker__ ??= {};
  return globalThis.__stryker__;
};

async function load(file) {
  await import(`${pathToFileURL(file).href}?generation=${generation}`);
  return takeTests().map(({ name, body }) => ({
    id: `${file}#${name}`,
    name,
    body,
    fileName: join(process.cwd(), file),
  }));
}

async function runTest({ id, name, fileName, body }) {
  const common = { id, name, fileName };
  const start = performance.now();
  try {
    await body();
    return { ...common, status: TestStatus.Success, timeSpentMs: performance.now() - start };
  } catch (error) {
    const failureMessage = String(error?.message ?? error);
    return { ...common, status: TestStatus.Failed, timeSpentMs: performance.now() - start, failureMessage };
  }
}

const failedToLoad = (id, error) => ({
  id,
  name: id,
  status: TestStatus.Failed,
  timeSpentMs: 0,
  failureMessage: `the file does not load: ${error?.message ?? error}`,
});

const isFailed = ({ status }) => status === TestStatus.Failed;

/** The results of the chosen tests up to the first that fails. */
async function resultsOf(files, chosen, firstTests, activate) {
  const results = [];
  for (const file of files) {
    let tests;
    try {
      tests = await load(file);
    } catch (error) {
      takeTests();
      return [...results, failedToLoad(firstTests.get(file) ?? file, error)];
    }
    activate();
    for (const test of tests.filter(({ id }) => chosen === undefined || chosen.has(id))) {
      results.push(await runTest(test));
      if (isFailed(results.at(-1))) return results;
    }
  }
  return results;
}

function createRunner() {
  const { include, exclude } = parts[process.env.MUTATION_PART ?? "cel"];
  const files = [];
  const firstTests = new Map();
  return {
    capabilities: () => ({ reloadEnvironment: true }),
    async init() {
      hook(pathToFileURL(`${process.cwd()}/`).href);
      files.push(...globSync(include, { exclude }).toSorted());
    },
    async dryRun() {
      const state = shared();
      state.activeMutant = undefined;
      state.mutantCoverage = { static: {}, perTest: {} };
      const results = [];
      for (const file of files) {
        generation += 1;
        state.currentTestId = undefined;
        for (const test of await load(file)) {
          if (!firstTests.has(file)) firstTests.set(file, test.id);
          state.currentTestId = test.id;
          results.push(await runTest(test));
        }
      }
      state.currentTestId = undefined;
      return { status: DryRunStatus.Complete, tests: results, mutantCoverage: state.mutantCoverage };
    },
    async mutantRun({ activeMutant, testFilter, hitLimit, mutantActivation, sandboxFileName }) {
      const state = shared();
      generation += 1;
      state.hitCount = 0;
      state.hitLimit = hitLimit;
      const chosen = testFilter === undefined ? undefined : new Set(testFilter);
      const covering = files.filter((file) => testFilter?.some((id) => id.startsWith(`${file}#`)) ?? true);
      // The tests that have the changed file's name are the likeliest to notice.
      const subject = basename(sandboxFileName, ".ts");
      const needed = covering.toSorted((a, b) => Number(b.includes(subject)) - Number(a.includes(subject)));
      state.activeMutant = mutantActivation === "static" ? activeMutant.id : undefined;
      const activate = () => {
        state.activeMutant = activeMutant.id;
      };
      const tests = await resultsOf(needed, chosen, firstTests, activate);
      state.activeMutant = undefined;
      return toMutantRunResult(
        determineHitLimitReached(state.hitCount, hitLimit) ?? { status: DryRunStatus.Complete, tests },
      );
    },
  };
}

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, "in-process", createRunner)];
