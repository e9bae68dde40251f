import { dirname } from "node:path";
import { inject } from "vitest";
import { createKubectl, type Kubectl } from "./control-plane/kubectl.ts";

/** A control plane as a suite sees it: the one that all share, or one that it started itself. */
export type Cluster = {
  readonly kubectl: Kubectl;
  readonly kubeconfig: string;
  readonly binaryFolder: string;
  /** The file of the API server's audit log. */
  readonly auditLog: string;
};

/** The control plane of the global set-up. Suites must leave it without webhooks and without Sluice's namespace in use. */
export function currentCluster(): Cluster {
  const { kubectl } = inject("binaries");
  const kubeconfig = inject("kubeconfig");
  return {
    kubectl: createKubectl(kubectl, kubeconfig),
    kubeconfig,
    binaryFolder: dirname(kubectl),
    auditLog: inject("auditLog"),
  };
}
