import type { TestProject } from "vitest/node";
import { type Binaries, findBinaries, toStderr } from "./binaries.ts";
import { startControlPlane } from "./start.ts";

declare module "vitest" {
  interface ProvidedContext {
    binaries: Binaries;
    /** The kubeconfig of the control plane that the suites use one after another. */
    kubeconfig: string;
    /** Its audit log. */
    auditLog: string;
    /** True in a run with `--update`, the only kind that writes golden files. */
    recording: boolean;
  }
}

/**
 * Vitest's global set-up of the project `cluster`: builds the binaries when they are not cached, starts one control
 * plane with all CRDs for the suites that do not break it, and ends it after the last one.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const binaries = await findBinaries(toStderr);
  const controlPlane = await startControlPlane(binaries);
  try {
    await controlPlane.installCrds(["gateway-api", "istio", "kuadrant"]);
  } catch (error) {
    await controlPlane.close();
    throw error;
  }
  project.provide("binaries", binaries);
  project.provide("kubeconfig", controlPlane.kubeconfig);
  project.provide("auditLog", controlPlane.auditLog);
  project.provide("recording", project.config.snapshotOptions.updateSnapshot === "all");
  return controlPlane.close;
}
