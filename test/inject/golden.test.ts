import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { previewInjection } from "../../src/inject/preview.ts";
import { renderReport } from "../../src/inject/report.ts";
import { CLUSTER, EARLIER, PROFILE } from "./inputs.ts";

const FOLDER = join(import.meta.dirname, "../golden/inject");

describe.each(readdirSync(FOLDER))("%s", (name) => {
  const read = (file: string): unknown => parse(readFileSync(join(FOLDER, name, file), "utf8"));
  const namespace = { name: "apps", labels: read("namespace-labels.yaml") as Record<string, string> };
  const context = { namespace, cluster: CLUSTER, profile: PROFILE, knownPreviousAddresses: [EARLIER] };
  const preview = previewInjection(read("pod.yaml"), context);
  if (preview === undefined) throw new Error(`${name}/pod.yaml makes no pods`);

  test("gets the patch as recorded", async () => {
    await expect(`${JSON.stringify(preview.patch, null, 2)}\n`).toMatchFileSnapshot(join(FOLDER, name, "patch.json"));
  });

  test("is reported as recorded", async () => {
    await expect(renderReport(preview, namespace)).toMatchFileSnapshot(join(FOLDER, name, "report.txt"));
  });
});
