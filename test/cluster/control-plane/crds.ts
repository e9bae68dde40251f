import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { runGo } from "./binaries.ts";
import type { Kubectl } from "./kubectl.ts";
import { readZip } from "./zip.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const PUBLISHED_KUADRANT = join(ROOT, "..", "shared", "crds", "kuadrant");
const PERMISSIVE_KUADRANT = join(import.meta.dirname, "kuadrant-crds.yaml");

/**
 * The Go modules that carry the definitions. `sum` is the module's checksum as go.sum would hold it: a download that
 * differs is refused, whatever the machine's Go settings are.
 */
const MODULES = {
  "gateway-api": {
    version: "sigs.k8s.io/gateway-api@v1.7.0",
    sum: "h1:duVnm7nO6oXfMMUWfcDoBph47CYR/ME3NGxccOVglaY=",
    // Not the admission policy beside them (`…_vap_safeupgrades.yaml`): it guards upgrades, not objects.
    files: /\/config\/crd\/standard\/gateway\.networking\.k8s\.io_(?!vap_)[a-z]+\.yaml$/,
  },
  istio: {
    version: "istio.io/api@v1.31.1",
    sum: "h1:5Yb5ihcz4YQsCkciusK7DnFpBMwRB6EFWeUKH1Atuyk=",
    files: /\/kubernetes\/customresourcedefinitions\.gen\.yaml$/,
  },
} as const;

export type CrdSet = keyof typeof MODULES | "kuadrant" | "kuadrant-permissive";

/** Kuadrant's own definitions where they are at hand (they are nowhere on a module proxy), else ours. */
const kuadrantFiles = (): string =>
  existsSync(PUBLISHED_KUADRANT) && process.env["TEST_KUADRANT_CRDS"] !== "permissive"
    ? PUBLISHED_KUADRANT
    : PERMISSIVE_KUADRANT;

/**
 * Writes a module's definitions into `folder`. The zip is read, not the unpacked folder: Go downloads a module that
 * asks for a later Go than is installed, but then refuses to unpack it (gateway-api 1.7.0 asks for 1.27).
 */
async function unpackModule(set: keyof typeof MODULES, folder: string): Promise<string> {
  const { version, sum, files } = MODULES[set];
  await mkdir(folder, { recursive: true });
  const answer = await runGo(["mod", "download", "-json", version], { cwd: folder, tolerate: true });
  const { Zip, Sum, Error: reason } = JSON.parse(answer) as { Zip?: string; Sum?: string; Error?: string };
  if (Zip === undefined) throw new Error(`the CRDs of ${version} cannot be fetched: ${reason ?? answer}`);
  if (Sum !== sum) throw new Error(`${version} has the checksum ${Sum}, not ${sum}: the download is not what it was`);
  const unpacked = readZip(await readFile(Zip), (name) => files.test(name));
  if (unpacked.size === 0) throw new Error(`${version} holds no file that matches ${files}`);
  for (const [name, content] of unpacked) await writeFile(join(folder, basename(name)), content);
  return folder;
}

/** Installs definitions and waits until the API server serves their kinds. `folder` is scratch space. */
export async function installCrds(kubectl: Kubectl, sets: readonly CrdSet[], folder: string): Promise<void> {
  const sources: string[] = [];
  for (const set of sets) {
    if (set === "kuadrant") sources.push(kuadrantFiles());
    else if (set === "kuadrant-permissive") sources.push(PERMISSIVE_KUADRANT);
    else sources.push(await unpackModule(set, join(folder, set)));
  }
  const from = sources.flatMap((source) => ["-f", source]);
  await kubectl.must(["apply", "--server-side", "--force-conflicts", ...from]);
  await kubectl.must(["wait", "--for=condition=Established", "--timeout=60s", ...from]);
}
