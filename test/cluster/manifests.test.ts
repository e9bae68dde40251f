import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { currentCluster } from "./cluster.ts";
import { type Installation, install } from "./installation.ts";
import { runInShell } from "./shell.ts";

const MANIFESTS = join(import.meta.dirname, "..", "..", "manifests");
const EXAMPLES_FOLDER = join(MANIFESTS, "examples");
const EXAMPLES = readdirSync(EXAMPLES_FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/**
 * What may be said of an object whose counterpart stands further down in the same folder, or was made so shortly before
 * that Sluice's watch has not brought it yet.
 */
const ABOUT_WHAT_IS_NOT_SEEN_YET = new Set([
  ...["policy-target-missing", "hostname-backend-no-serviceentry", "serviceentry-waypoint-unbound"],
  ...["egress-no-tls-origination", "rlp-identity-not-exposed"],
]);

const cluster = currentCluster();

describe("manifests/base", () => {
  test("passes a server-side dry run once its namespace exists", async () => {
    // A dry run keeps nothing, the namespace of the objects that follow neither.
    await runInShell("kubectl create namespace sluice-system", cluster);
    const { output, exitCode } = await runInShell(
      `kubectl apply --server-side --dry-run=server -k ${join(MANIFESTS, "base")}`,
      cluster,
    );
    expect(exitCode, output).toBe(0);
    expect(output).not.toMatch(/warning/i);
    expect(output).toMatch(/mutatingwebhookconfiguration.* serverside-applied \(server dry run\)/);
  });
});

describe("the examples", () => {
  let sluice: Installation;
  beforeAll(async () => {
    sluice = await install(cluster);
    await sluice.emptyGateways();
  });
  afterAll(async () => {
    // Waits until their namespaces are gone, so that other suites find none of them.
    await runInShell(`kubectl delete --ignore-not-found -R -f ${EXAMPLES_FOLDER}`, cluster);
    await sluice?.close();
  });

  test("exist", () => expect(EXAMPLES.length).toBeGreaterThan(0));

  test.each(EXAMPLES)("%s is accepted by the API server and, with Sluice in force, by its rules", async (example) => {
    const applied = await runInShell(`kubectl apply -R -f ${join(EXAMPLES_FOLDER, example)}`, cluster);
    expect(applied.exitCode, applied.output).toBe(0);
    const rules = [...applied.output.matchAll(/^Warning: ([a-z-]+): /gm)].map(([, rule = ""]) => rule);
    expect(rules.filter((rule) => !ABOUT_WHAT_IS_NOT_SEEN_YET.has(rule))).toEqual([]);
  });

  test.each(EXAMPLES)(
    "%s brings each namespace before what is in it, in the order in which kubectl applies",
    (example) => {
      const folder = join(EXAMPLES_FOLDER, example);
      const seen = new Set<string>();
      const tooEarly: string[] = [];
      // kubectl takes the files of a folder by name.
      for (const file of readdirSync(folder).sort()) {
        for (const document of parseAllDocuments(readFileSync(join(folder, file), "utf8"))) {
          const { kind, metadata } = document.toJS() as {
            kind: string;
            metadata: { name: string; namespace?: string };
          };
          if (kind === "Namespace") seen.add(metadata.name);
          else if (metadata.namespace !== undefined && !seen.has(metadata.namespace))
            tooEarly.push(`${file}: ${kind} ${metadata.name} is in ${metadata.namespace}`);
        }
      }
      expect(tooEarly).toEqual([]);
    },
  );
});
