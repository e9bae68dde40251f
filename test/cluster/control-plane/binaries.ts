import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const MODULE_FOLDER = join(import.meta.dirname, "..", "kubernetes");
/** What each binary is built from; go.mod names the same four as tools and pins their versions. */
const PACKAGES = {
  etcd: "go.etcd.io/etcd/server/v3",
  kubectl: "k8s.io/kubernetes/cmd/kubectl",
  "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
  "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
} as const;
const KEPT_OUTPUT_BYTES = 16 * 1024 * 1024;

export type BinaryName = keyof typeof PACKAGES;
export type Binaries = { readonly [name in BinaryName]: string };
export type Progress = (line: string) => void;

/** One line a step on stderr: stdout belongs to the test reporter. */
export const toStderr: Progress = (line) => void process.stderr.write(`${line}\n`);

/**
 * Runs Go. An absent `go` is the reader's to mend, so the error says how; any other failure carries what Go printed.
 * `go mod download -json` reports a refused module by exit code 1 and prints its answer all the same, hence `tolerate`.
 */
export async function runGo(args: readonly string[], options: { cwd: string; tolerate?: boolean }): Promise<string> {
  const env = { ...process.env, CGO_ENABLED: "0", GOWORK: "off" };
  try {
    const done = await promisify(execFile)("go", args, { cwd: options.cwd, env, maxBuffer: KEPT_OUTPUT_BYTES });
    return done.stdout;
  } catch (cause) {
    const { code, stdout = "", stderr = "" } = cause as { code?: unknown; stdout?: string; stderr?: string };
    if (code === "ENOENT")
      throw new Error(
        "the cluster tests need 'go' (1.26 or later) on the PATH, to build the Kubernetes control plane and to fetch CRDs: install your system's Go package (Debian: golang-go)",
      );
    if (options.tolerate === true && stdout !== "") return stdout;
    const lastLines = stderr.trim().split("\n").slice(-15).join("\n");
    throw new Error(`'go ${args.join(" ")}' failed in ${options.cwd}:\n${lastLines}`, { cause });
  }
}

/** Without these the binaries call themselves v0.0.0-master+$Format:%H$, which kubectl's version checks cannot parse. */
function linkerFlags(goMod: string): string {
  const version = /k8s\.io\/kubernetes (v(\d+)\.(\d+)\.\S+)/.exec(goMod);
  if (version === null) throw new Error(`${MODULE_FOLDER}/go.mod does not require k8s.io/kubernetes`);
  const [, gitVersion, major, minor] = version;
  const set = (name: string, value: string | undefined) => `-X k8s.io/component-base/version.${name}=${value}`;
  return ["-s", "-w", set("gitVersion", gitVersion), set("gitMajor", major), set("gitMinor", minor)].join(" ");
}

/** The folder of the built binaries: outside the tree, one per go.sum, so that a change of versions never mixes. */
async function cacheFolder(): Promise<string> {
  const goSum = await readFile(join(MODULE_FOLDER, "go.sum"));
  const hash = createHash("sha256").update(goSum).digest("hex").slice(0, 16);
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "sluice", `kubernetes-${hash}`);
}

async function build(name: BinaryName, folder: string, progress: Progress): Promise<void> {
  progress(`building ${name} from its Go module (first run only; minutes for kube-apiserver)`);
  const started = performance.now();
  await mkdir(folder, { recursive: true });
  const unfinished = join(folder, `.${name}.${process.pid}`);
  const flags = linkerFlags(await readFile(join(MODULE_FOLDER, "go.mod"), "utf8"));
  try {
    const args = ["build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", unfinished, PACKAGES[name]];
    await runGo(args, { cwd: MODULE_FOLDER });
    await rename(unfinished, join(folder, name));
  } finally {
    await rm(unfinished, { force: true });
  }
  progress(`built ${name} in ${Math.round((performance.now() - started) / 1000)} s`);
}

/**
 * Where the control plane's binaries are. KUBEBUILDER_ASSETS, the field's convention, is taken as it is for what it
 * holds (etcd, kube-apiserver, kubectl); the rest is built once and cached.
 */
export async function findBinaries(progress: Progress): Promise<Binaries> {
  const assets = process.env["KUBEBUILDER_ASSETS"];
  if (assets !== undefined && !existsSync(assets))
    throw new Error(`KUBEBUILDER_ASSETS is ${assets}, which does not exist: unset it or correct it`);
  const folder = await cacheFolder();
  const found: [string, string][] = [];
  for (const name of Object.keys(PACKAGES) as BinaryName[]) {
    const given = assets === undefined ? undefined : join(assets, name);
    if (given !== undefined && existsSync(given)) found.push([name, given]);
    else {
      if (!existsSync(join(folder, name))) await build(name, folder, progress);
      found.push([name, join(folder, name)]);
    }
  }
  return Object.fromEntries(found) as Binaries;
}
