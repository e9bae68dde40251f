import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { judgeChange } from "../../src/lint/admission.ts";
import { rules } from "../../src/lint/rules/index.ts";
import type { Decoded } from "../../src/model/decode.ts";
import { formatPath } from "../../src/model/field-path.ts";
import type { Finding } from "../../src/model/finding.ts";
import { KINDS, type Kind } from "../../src/model/kinds.ts";
import { identityOf } from "../../src/model/object-ref.ts";
import { buildTopology } from "../../src/model/topology.ts";
import { type PeerRequest, sendJson, startPeer } from "../sources/cluster/api-peer.ts";
import { corpus } from "../support/corpus.ts";
import { allFindings, exampleSets, rulesIn, TOLD_AT_THE_LAST } from "../support/example-sets.ts";
import { runSluice } from "../support/run-sluice.ts";

const sets = exampleSets();

type Shown = Pick<Finding, "rule" | "severity" | "scope" | "message" | "object"> & { readonly path: string };

/** A finding as `--format json` has it. */
const line = ({ rule, severity, message, object, path }: Omit<Shown, "scope">): string =>
  `${severity} ${rule} ${object.kind} ${object.namespace}/${object.name} ${path}: ${message}`;
const lineOf = (finding: Finding): string => line({ ...finding, path: formatPath(finding.path) });

const findingOf = (text: string) => ({ rule: text.split(" ")[1] ?? "" });
const isPlaced = (text: string): boolean => !TOLD_AT_THE_LAST.has(findingOf(text).rule);

describe("the webhook", () => {
  test("tells of an object that is created what lint finds about it, and refuses for what is no absence", () => {
    let [denials, warnings] = [0, 0];
    for (const { title, written, cluster } of corpus()) {
      const objects = [...cluster.decoded, written];
      const found = allFindings(objects).filter(({ object }) => identityOf(object) === identityOf(written.ref));
      const change = { operation: "CREATE", object: written.raw, oldObject: null, namespace: "" } as const;
      const { denied, warned } = judgeChange(change, buildTopology(cluster.decoded), { rules, profile: "strict" });
      const shown = found.filter(({ severity }) => severity !== "info");
      const refusing = shown.filter(({ severity, scope }) => severity === "error" && scope !== "absence");
      expect(denied.map(lineOf), title).toEqual(refusing.map(lineOf));
      expect(warned.map(lineOf), title).toEqual(shown.filter((finding) => !refusing.includes(finding)).map(lineOf));
      denials += denied.length;
      warnings += warned.length;
    }
    expect(denials).toBeGreaterThan(250);
    expect(warnings).toBeGreaterThan(250);
  }, 60_000);
});

/** What the API server lists at a path, in every namespace. */
function answerWith(objects: readonly Decoded[]) {
  const lists = new Map<string, { kind: string; apiVersion: string; items: unknown[] }>();
  for (const kind of Object.keys(KINDS) as Kind[]) {
    const { group, versions, plural } = KINDS[kind];
    for (const version of versions) {
      const apiVersion = group === "" ? version : `${group}/${version}`;
      const items = objects.filter(({ ref }) => ref.kind === kind && identityOf(ref).startsWith(`${group}/${kind}/`));
      const path = group === "" ? `/api/${version}/${plural}` : `/apis/${group}/${version}/${plural}`;
      const served = version === versions[0] ? items : [];
      lists.set(path, {
        kind: `${kind}List`,
        apiVersion,
        items: served.map(({ raw }) => ({ ...(raw as object), apiVersion, kind })),
      });
    }
  }
  return ({ path, response }: PeerRequest): void => {
    const list = lists.get(path.split("?")[0] ?? "");
    if (list === undefined) sendJson(response, 404, { message: "not found" });
    else sendJson(response, 200, { ...list, metadata: { resourceVersion: "1" } });
  };
}

/** The groups of sets that one run reads: many short runs would measure the start of a command only. */
const byRun = Map.groupBy(sets.entries(), ([at]) => at % 12 === 0);

describe("the command", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-agreement-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const lint = async (...args: readonly string[]): Promise<readonly string[]> => {
    const run = await runSluice(["lint", "--no-config", "--profile", "strict", "--format", "json", ...args]);
    if (run.stdout === "") throw new Error(run.stderr);
    return (JSON.parse(run.stdout) as { findings: readonly Shown[] }).findings.map(line).toSorted();
  };

  /** Findings that other parts of the command make: of files and schemas. */
  const ofRules = (lines: readonly string[]): readonly string[] =>
    lines.filter((text) => rules.some(({ id }) => id === text.split(" ")[1]));

  const chosen = [...(byRun.get(true) ?? [])].map(([, set]) => set);

  test("finds in files and in a cluster what the rules find in the objects", async () => {
    let compared = 0;
    for (const { title, objects } of chosen) {
      // The command never reads Secrets and ConfigMaps of a cluster.
      const readable = objects.filter(({ ref }) => ref.kind !== "Secret" && ref.kind !== "ConfigMap");
      const file = join(folder, "objects.json");
      writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: readable.map(({ raw }) => raw) }));
      const expected = allFindings(readable).map(lineOf).toSorted();
      expect(ofRules(await lint(file)), title).toEqual(expected);
      const peer = await startPeer(answerWith(readable));
      const kubeconfig = join(folder, "kubeconfig");
      writeFileSync(
        kubeconfig,
        JSON.stringify({
          clusters: [{ name: "c", cluster: { server: peer.address } }],
          users: [{ name: "u", user: {} }],
          contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
          "current-context": "x",
        }),
      );
      // A cluster is read kind by kind: what is told at the object that was read last may stand elsewhere.
      const inCluster = ofRules(await lint("--cluster", "--kubeconfig", kubeconfig));
      expect(inCluster.filter(isPlaced), title).toEqual(expected.filter(isPlaced));
      expect(rulesIn(inCluster.map(findingOf)), title).toEqual(rulesIn(allFindings(readable)));
      compared += expected.length;
    }
    expect(chosen.length).toBeGreaterThan(45);
    expect(compared).toBeGreaterThan(60);
  }, 120_000);
});
