import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { KINDS } from "../../src/model/kinds.ts";
import { currentCluster } from "./cluster.ts";
import { type Installation, install } from "./installation.ts";
import {
  casesOf,
  errorRules,
  JUDGED_KINDS,
  type KubeObject,
  linesOf,
  namespacesOf,
  type Stage,
  verdictOf,
} from "./rule-cases.ts";
import type { CommandResult } from "./shell.ts";
import { startTranscript } from "./transcript.ts";

/** Error rules that say nothing at admission, and why. See docs/admission.md. */
const SILENT: Readonly<Record<string, string>> = {
  "dnspolicy-public-provider": "what it needs is in Secrets, which Sluice does not read in a cluster",
};
/** A second is the longest that a refusal waits for news; the rest is for a busy machine. */
const PATIENCE_SECONDS = 15;
/** Kinds of which error rules tell in files and which the webhook is not asked about, and why. */
const UNASKED: Readonly<Record<string, string>> = {
  ConfigMap: "Sluice reads none but its own: what others hold is none of its business",
  Namespace: "what its labels break is told when the ServiceEntry or Gateway is applied",
  Pod: "Sluice does not read pods: they are many and change all the time",
};
const ROOT = join(import.meta.dirname, "..", "..");
const GOLDEN = join(import.meta.dirname, "..", "golden", "kubectl", "rules");

const cluster = currentCluster();
const { kubectl } = cluster;
/** What stands in the cluster now, to be taken away. */
let present: readonly KubeObject[] = [];
/** Those that were made here. */
const namespaces = new Set<string>();
/** Those that were there before. */
let there: ReadonlySet<string> = new Set();
let sluice: Installation;

const writeProfile = (text: string) => {
  const patch = JSON.stringify({ data: { "profile.yaml": text } });
  return kubectl.must(["patch", "configmap", "sluice-profile", "-n", "sluice-system", "--type=merge", "-p", patch]);
};

beforeAll(async () => {
  sluice = await install(cluster);
  await sluice.emptyGateways();
  const { items } = await kubectl.get<{ items: readonly KubeObject[] }>(["namespaces"]);
  there = new Set(items.map(({ metadata }) => metadata.name));
  await writeProfile("lint: {profile: strict}");
});
afterEach(() => replace([]));
afterAll(async () => {
  await writeProfile("lint: {}");
  await sluice?.close();
  const made = [...namespaces].filter((name) => !there.has(name));
  if (made.length > 0) await kubectl.must(["delete", "namespace", "--ignore-not-found", ...made]);
});

const list = (items: readonly object[]) => ({ stdin: JSON.stringify({ apiVersion: "v1", kind: "List", items }) });
const identityOf = ({ apiVersion, kind, metadata: { name, namespace } }: KubeObject): string =>
  JSON.stringify([apiVersion, kind, namespace, name]);

/**
 * Makes the cluster hold these objects instead of those that the last call left, each in its namespace, and a namespace
 * for one that is to come.
 */
async function replace(objects: readonly KubeObject[], ...coming: readonly KubeObject[]): Promise<void> {
  const kept = new Set(objects.map(identityOf));
  const gone = present.filter((object) => !kept.has(identityOf(object)));
  // A namespace takes long to go; it only loses the labels that it was given.
  const deleted = gone.filter(({ kind }) => kind !== "Namespace");
  if (deleted.length > 0) {
    await kubectl.must(["delete", "--ignore-not-found", "--wait=false", "-f", "-"], list(deleted));
  }
  const own = new Set(objects.filter(({ kind }) => kind === "Namespace").map(({ metadata }) => metadata.name));
  const labelled = new Set(gone.filter(({ kind }) => kind === "Namespace").map(({ metadata }) => metadata.name));
  const bare = namespacesOf([...gone, ...objects, ...coming]).filter(
    ({ metadata: { name } }) => !own.has(name) && (labelled.has(name) || !namespaces.has(name)),
  );
  for (const { metadata } of bare) namespaces.add(metadata.name);
  if (bare.length + objects.length > 0) await kubectl.must(["apply", "-f", "-"], list([...bare, ...objects]));
  present = objects;
}

/** A command that applies an object, as somebody types it. */
const applying = (object: KubeObject, ...options: readonly string[]): string =>
  `${["kubectl", "apply", ...options, "-f", "-"].join(" ")} <<'EOF'\n${stringify(object, { lineWidth: 0 })}EOF`;

/** Whether kubectl prints what the linter says without a cluster, no more and no less. */
const saysAll = (lines: readonly string[], { output, exitCode }: CommandResult): boolean =>
  lines.every((line) => output.includes(line)) &&
  (output.match(/^Warning: | \(sluice\)$/gm) ?? []).length === lines.length &&
  (exitCode === 0) === !output.includes("(sluice)");

/**
 * Puts what surrounds an object, and waits until Sluice has seen it: it then says what the linter says of files.
 * Gives what kubectl printed of the dry run.
 */
async function put(stage: Stage): Promise<CommandResult> {
  await replace(stage.surroundings, stage.subject);
  const lines = linesOf(verdictOf(stage));
  const dryRun = applying(stage.subject, "--dry-run=server");
  let last: CommandResult = { output: "", exitCode: -1 };
  const settled = (result: CommandResult): boolean => {
    last = result;
    return saysAll(lines, result);
  };
  try {
    await sluice.untilPrints(dryRun, settled, PATIENCE_SECONDS);
    present = [...stage.surroundings, stage.subject];
    return last;
  } catch (cause) {
    throw new Error(`the linter says without a cluster:\n${lines.join("\n")}\n${(cause as Error).message}`, { cause });
  }
}

const withoutSuffix = (output: string): string => output.replaceAll(" (server dry run)", "");

describe("an error", () => {
  test.each(errorRules.filter(({ id }) => !(id in SILENT)))(
    "$id is told by kubectl, its fixed version accepted",
    async (rule) => {
      const user = startTranscript(`rules/${rule.id}`, cluster);
      const cases = await casesOf(rule);
      expect(cases.length, "examples that fail at admission and have a fixed version").toBeGreaterThan(0);
      for (const { example, outcome, bad, fixed, fixedBy } of cases) {
        const dryRun = await put(bad);
        user.note(`${outcome}: ${example}`);
        const said = await user.run(applying(bad.subject));
        expect(said.exitCode).toBe(outcome === "denied" ? 1 : 0);
        expect(said.output).toContain(outcome === "denied" ? `: ${rule.id}: ` : `Warning: ${rule.id}: `);
        expect(withoutSuffix(dryRun.output)).toBe(said.output);
        await put(fixed);
        user.note(`fixed: ${fixedBy}`);
        expect(await user.succeed(applying(fixed.subject))).not.toContain(rule.id);
      }
      await user.matchesGolden();
    },
  );

  test("is told for every rule that finds one, but for those that cannot see it", async () => {
    const told = errorRules.map(({ id }) => id).filter((id) => !(id in SILENT));
    const files = globSync("*.txt", { cwd: GOLDEN });
    expect(files.filter((file) => !told.includes(file.replace(/\.txt$/, "")))).toEqual([]);
    for (const rule of errorRules.filter(({ id }) => id in SILENT)) expect(await casesOf(rule)).toEqual([]);
    expect(Object.keys(SILENT).filter((id) => !errorRules.some((rule) => rule.id === id))).toEqual([]);
    const page = await readFile(join(ROOT, "docs", "admission.md"), "utf8");
    for (const id of Object.keys(SILENT)) expect(page).toContain(`| \`${id}\` | all of it: `);
  });

  test("is told of every kind that error rules are about, but for those that the webhook is not asked about", async () => {
    type Webhook = { name: string; rules: readonly { resources: readonly string[]; operations: readonly string[] }[] };
    const { webhooks } = await kubectl.get<{ webhooks: readonly Webhook[] }>([
      "validatingwebhookconfiguration",
      "sluice",
    ]);
    const asked = webhooks
      .filter(({ name }) => name !== "workloads.sluice.dev")
      .flatMap(({ rules }) => rules.filter(({ operations }) => operations.includes("CREATE")))
      .flatMap(({ resources }) => resources);
    expect(asked.toSorted()).toEqual([...JUDGED_KINDS].map((kind) => KINDS[kind].plural).toSorted());
    const kinds = new Set(errorRules.flatMap((rule) => rule.kinds).filter((kind) => !JUDGED_KINDS.has(kind)));
    expect([...kinds].toSorted()).toEqual(Object.keys(UNASKED));
  });
});
