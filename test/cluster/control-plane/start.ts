import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { until } from "../wait.ts";
import { type ApiServer, startApiServer } from "./api-server.ts";
import type { Binaries } from "./binaries.ts";
import { type Children, startChildren } from "./children.ts";
import { type CrdSet, installCrds } from "./crds.ts";
import { type Etcd, startEtcd } from "./etcd.ts";
import { createKubectl, type Kubectl } from "./kubectl.ts";
import { freePorts } from "./ports.ts";

/** A port that was free a moment ago may be taken when it is used. */
const ATTEMPTS = 3;

export type ControlPlane = {
  readonly kubeconfig: string;
  /** The folder that holds `kubectl`, for shells. */
  readonly binaryFolder: string;
  readonly kubectl: Kubectl;
  readonly auditLog: string;
  readonly apiServer: ApiServer;
  readonly etcd: Etcd;
  installCrds(sets: readonly CrdSet[]): Promise<void>;
  close(): Promise<void>;
};

/**
 * etcd, kube-apiserver and kube-controller-manager on loopback ports of their own, with all their files in one
 * temporary folder. Several may run at once. Nothing survives `close`, nor the end of this process, however it ends.
 */
export async function startControlPlane(binaries: Binaries): Promise<ControlPlane> {
  for (let attempt = 1; ; attempt += 1) {
    const children = await startChildren("control-plane");
    try {
      return await start(children, binaries);
    } catch (error) {
      await children.close();
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function start(children: Children, binaries: Binaries): Promise<ControlPlane> {
  const [clientPort = 0, peerPort = 0, port = 0] = await freePorts(3);
  const etcd = await startEtcd(children, binaries.etcd, [clientPort, peerPort]);
  const apiServer = await startApiServer(children, binaries["kube-apiserver"], { port, etcdUrl: etcd.url });
  const kubeconfig = await writeKubeconfig(children.folder, apiServer);
  const kubectl = createKubectl(binaries.kubectl, kubeconfig);
  startControllerManager(children, binaries["kube-controller-manager"], kubeconfig, apiServer);
  await untilPodsAreAccepted(kubectl, "default");
  return {
    ...{ kubeconfig, kubectl, apiServer, etcd, auditLog: apiServer.auditLog },
    binaryFolder: dirname(binaries.kubectl),
    installCrds: (sets) => installCrds(kubectl, sets, join(children.folder, "crds")),
    close: children.close,
  };
}

/** The server's own certificate is the trust anchor: it signs itself. */
async function writeKubeconfig(folder: string, { url, token, caFile }: ApiServer): Promise<string> {
  const certificate = (await readFile(caFile)).toString("base64");
  const kubeconfig = join(folder, "kubeconfig.json");
  const content = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server: url, "certificate-authority-data": certificate } }],
    users: [{ name: "admin", user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "admin" } }],
    "current-context": "test",
  };
  await writeFile(kubeconfig, JSON.stringify(content, undefined, 2), { mode: 0o600 });
  return kubeconfig;
}

/** It makes pods of workloads, `default` ServiceAccounts and EndpointSlices, and empties namespaces that are deleted. */
function startControllerManager(children: Children, binary: string, kubeconfig: string, apiServer: ApiServer): void {
  children.start("kube-controller-manager", binary, [
    ...[`--kubeconfig=${kubeconfig}`, "--leader-elect=false", "--use-service-account-credentials=true"],
    ...[`--service-account-private-key-file=${apiServer.keyFile}`, `--root-ca-file=${apiServer.caFile}`],
    "--secure-port=0",
    // Its default of 20 requests a second makes the deletion of a namespace take 10 s with 40 kinds installed.
    ...["--kube-api-qps=400", "--kube-api-burst=800", "--concurrent-namespace-syncs=20"],
  ]);
}

/** Until the namespace's `default` ServiceAccount exists, the API server refuses every pod in it. */
export const untilPodsAreAccepted = (kubectl: Kubectl, namespace: string): Promise<unknown> =>
  until(`namespace ${namespace} has its default ServiceAccount`, async () => {
    const { exitCode } = await kubectl(["get", "serviceaccount", "default", "-n", namespace]);
    return exitCode === 0;
  });
