import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { runGo } from "../../test/cluster/control-plane/binaries.ts";
import { builtOnce } from "./built-once.ts";

const MODULE_FOLDER = join(import.meta.dirname, "lint");
const PACKAGES = {
  kubeconform: "github.com/yannh/kubeconform/cmd/kubeconform",
  istioctl: "istio.io/istio/istioctl/cmd/istioctl",
} as const;

export type LintPeer = keyof typeof PACKAGES;

/** A peer of the linter, built from its Go module. istioctl takes about four minutes on two cores the first time. */
export const lintPeerBinary = (peer: LintPeer): Promise<string> =>
  builtOnce({
    name: peer,
    sources: [join(MODULE_FOLDER, "go.mod"), join(MODULE_FOLDER, "go.sum")],
    make: (output) =>
      runGo(["build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", output, PACKAGES[peer]], {
        cwd: MODULE_FOLDER,
      }),
  });

/** The version of a peer's module, which its binary does not know. */
export async function lintPeerVersion(peer: LintPeer): Promise<string> {
  const module = PACKAGES[peer]
    .split("/")
    .slice(0, peer === "istioctl" ? 2 : 3)
    .join("/");
  const line = (await readFile(join(MODULE_FOLDER, "go.mod"), "utf8")).split("\n").find((text) =>
    text
      .trim()
      .replace(/^require /, "")
      .startsWith(`${module} v`),
  );
  return / (v\S+)/.exec(line ?? "")?.[1] ?? "unknown";
}

/** The folder of a module of the peers' go.mod, in Go's cache. */
export const moduleFolder = async (module: string): Promise<string> => {
  await runGo(["mod", "download", module], { cwd: MODULE_FOLDER });
  return (await runGo(["list", "-m", "-f", "{{.Dir}}", module], { cwd: MODULE_FOLDER })).trim();
};
