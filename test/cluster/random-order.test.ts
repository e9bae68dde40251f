import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runSluice } from "../support/run-sluice.ts";
import { currentCluster } from "./cluster.ts";
import { type Installation, install } from "./installation.ts";
import { type Generated, generate, inOrder, type Named } from "./random-objects.ts";

const cluster = currentCluster();
const { kubectl } = cluster;
/** Any number does; another one makes other objects and orders. */
const SEED = 20_250_117;
const NAMESPACES = ["random-order-1", "random-order-2"] as const;
let folder: string;
let sluice: Installation;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-random-order-"));
  sluice = await install(cluster);
});
afterAll(async () => {
  await sluice?.close();
  for (const namespace of NAMESPACES) await kubectl(["delete", "namespace", namespace, "--wait=false"]);
  await rm(folder, { recursive: true });
});

const list = (items: readonly object[]) => ({ stdin: JSON.stringify({ apiVersion: "v1", kind: "List", items }) });
const keyOf = ({ kind, metadata }: Named): string => `${kind}/${metadata.name}`;

async function acceptedIn(namespace: string): Promise<ReadonlySet<string>> {
  const kinds = "httproutes,authpolicies,ratelimitpolicies";
  const { items } = await kubectl.get<{ items: readonly Named[] }>([kinds, "-n", namespace]);
  return new Set(items.map(keyOf));
}

/** Applies objects one after the other as somebody does who runs the command until nothing changes any more. */
async function applyUntilSettled(objects: readonly Named[], namespace: string) {
  let accepted: ReadonlySet<string> = new Set();
  for (let left = objects; ; ) {
    await kubectl(["apply", "-f", "-"], list(left));
    const now = await acceptedIn(namespace);
    if (now.size === accepted.size) return now;
    accepted = now;
    left = objects.filter((object) => !now.has(keyOf(object)));
  }
}

type Shown = { rule: string; severity: string; path: string; object: { kind: string; name: string } };

/** Findings in a form that is the same in each namespace. */
async function findingsOf(...args: readonly string[]): Promise<readonly string[]> {
  const { stdout, stderr } = await runSluice(["lint", "--no-config", "--format", "json", ...args]);
  if (stdout === "") throw new Error(stderr);
  const { findings } = JSON.parse(stdout) as { findings: readonly Shown[] };
  return findings
    .map(({ rule, severity, path, object }) => `${severity} ${rule} ${object.kind}/${object.name} ${path}`)
    .toSorted();
}

/** What one order leads to: what is there, what the cluster's linter says of it, and what it says of the same in files. */
async function outcomeOf(made: Generated, namespace: string, order: number) {
  await kubectl.must(["apply", "-f", "-"], list(made.before));
  const [probe] = made.good;
  const dryRun = join(folder, `${namespace}-probe.json`);
  await writeFile(dryRun, JSON.stringify(probe));
  await sluice.untilPrints(
    `kubectl apply --dry-run=server -f ${dryRun}`,
    ({ output, exitCode }) => exitCode === 0 && !output.includes("Warning"),
  );
  const accepted = await applyUntilSettled(inOrder(made, order), namespace);
  const kept = [...made.before, ...made.objects.filter((object) => accepted.has(keyOf(object)))];
  const file = join(folder, `${namespace}.json`);
  await writeFile(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: kept }));
  const cluster_ = ["--cluster", "--kubeconfig", cluster.kubeconfig, "-n", namespace];
  return { accepted, inCluster: await findingsOf(...cluster_), inFiles: await findingsOf(file) };
}

test(`200 objects end in the same state whatever their order (seed ${SEED})`, { timeout: 600_000 }, async () => {
  const outcomes = [];
  for (const [order, namespace] of NAMESPACES.entries()) {
    const made = generate(SEED, namespace);
    const outcome = await outcomeOf(made, namespace, SEED + order);
    // What is wrong by itself is never let in, what is right always, whatever it is that came before.
    const alone = new Set(made.pairs.flat().map(keyOf));
    const withoutPairs = (keys: Iterable<string>) => [...keys].filter((key) => !alone.has(key)).toSorted();
    expect(withoutPairs(outcome.accepted)).toEqual(made.good.map(keyOf).toSorted());
    // Of two that contradict each other the one that came first stands, and only that one.
    for (const pair of made.pairs) {
      const [first] = inOrder(made, SEED + order).filter((object) => pair.includes(object));
      expect(pair.filter((object) => outcome.accepted.has(keyOf(object)))).toEqual([first]);
    }
    expect(outcome.inCluster).toEqual(outcome.inFiles);
    const ofOthers = outcome.inCluster.filter((finding) => ![...alone].some((key) => finding.includes(` ${key} `)));
    outcomes.push({ accepted: withoutPairs(outcome.accepted), findings: ofOthers });
    expect([made.objects.length, ofOthers.length > 0]).toEqual([200, true]);
  }
  expect(outcomes[1]).toEqual(outcomes[0]);
});
