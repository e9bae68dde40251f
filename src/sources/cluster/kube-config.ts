import { accessSync, constants } from "node:fs";
import { KubeConfig } from "@kubernetes/client-node";
import { SluiceError } from "../../model/errors.ts";

/** Where access to the cluster comes from. Without any: KUBECONFIG, ~/.kube/config, or the pod's own account. */
export type KubeConfigOrigin = {
  readonly path?: string;
  /** The ServiceAccount of the pod that this runs in. */
  readonly inCluster?: boolean;
  /** A context other than the file's current one. */
  readonly context?: string;
};

/** Entries that are not in use may be broken, as kubectl sees it; by default client-node refuses the file for them. */
const LENIENT = { onInvalidEntry: "filter" } as const;

const unreachable = (message: string, hint: string, cause?: unknown) =>
  new SluiceError("SLUICE_CLUSTER_UNREACHABLE", message, hint, cause);

const unreadable = (message: string, hint: string, cause?: unknown) =>
  new SluiceError("SLUICE_INPUT_UNREADABLE", message, hint, cause);

const reasonOf = (error: unknown): string =>
  error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);

function loadFile(config: KubeConfig, path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    throw unreadable(`kubeconfig ${path} cannot be read: ${reasonOf(error)}`, "check --kubeconfig", error);
  }
  try {
    config.loadFromFile(path, LENIENT);
  } catch (error) {
    const hint = "check that the file is a kubeconfig: `kubectl config view` must accept it";
    throw unreadable(`kubeconfig ${path} is not usable: ${reasonOf(error)}`, hint, error);
  }
}

/** client-node takes the address from the environment unseen, and makes `https://undefined:undefined` without it. */
function loadInCluster(config: KubeConfig): void {
  config.loadFromCluster();
  if (config.getCurrentCluster()?.server.includes("undefined") !== true) return;
  throw unreachable(
    "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this does not run in a pod",
    "give --kubeconfig outside a cluster",
  );
}

/** client-node falls back to http://localhost:8080 when it finds nothing, which no cluster uses any more. */
function loadDefault(config: KubeConfig): void {
  try {
    config.loadFromDefault(LENIENT);
  } catch (error) {
    const hint = "check the files named by KUBECONFIG, or ~/.kube/config";
    throw unreadable(`the default kubeconfig is not usable: ${reasonOf(error)}`, hint, error);
  }
  const server = config.getCurrentCluster()?.server ?? "";
  const nothingFound = config.getCurrentContext() === "loaded-context" && server === "http://localhost:8080";
  if (!nothingFound && !server.includes("undefined")) return;
  throw unreachable(
    "no access to a cluster was found: no KUBECONFIG, no ~/.kube/config, and this does not run in a pod",
    "give --kubeconfig, or --manifests to work without a cluster",
  );
}

const names = (items: readonly { readonly name: string }[]): string =>
  items.length === 0 ? "none" : items.map((item) => item.name).join(", ");

function checkContext(config: KubeConfig, origin: string): void {
  const wanted = config.getCurrentContext() as string | undefined;
  const contexts = names(config.getContexts());
  if (wanted === undefined || wanted === "") {
    throw unreachable(`${origin} has no current context; it has: ${contexts}`, "run `kubectl config use-context NAME`");
  }
  const context = config.getContextObject(wanted);
  if (context === null) {
    throw unreachable(
      `${origin} has no context "${wanted}"; it has: ${contexts}`,
      "run `kubectl config use-context NAME`",
    );
  }
  if (config.getCluster(context.cluster) === null) {
    const message = `context "${wanted}" of ${origin} names the cluster "${context.cluster}", which it does not define with a server`;
    throw unreachable(message, `it defines: ${names(config.getClusters())}`);
  }
  if (context.user !== undefined && config.getUser(context.user) === null) {
    const message = `context "${wanted}" of ${origin} names the user "${context.user}", whom it does not define`;
    throw unreachable(message, `it defines: ${names(config.getUsers())}`);
  }
}

function checkServer(config: KubeConfig, origin: string): void {
  const server = config.getCurrentCluster()?.server as string | undefined;
  if (server !== undefined && URL.canParse(server) && /^https?:\/\//.test(server)) return;
  const message = `the cluster of ${origin} has no usable server address: ${JSON.stringify(server ?? "")}`;
  throw unreachable(message, "set clusters[].cluster.server to https://HOST:PORT");
}

/** Files that the configuration names must be there now; later they may be replaced (rotation). */
function checkFiles(config: KubeConfig, origin: string): void {
  const cluster = config.getCurrentCluster();
  const user = config.getCurrentUser();
  const tokenFile = user?.authProvider?.config?.tokenFile as string | undefined;
  for (const file of [cluster?.caFile, user?.certFile, user?.keyFile, tokenFile]) {
    if (file === undefined || file === "") continue;
    try {
      accessSync(file, constants.R_OK);
    } catch (error) {
      throw unreadable(`${file}, which ${origin} names, cannot be read: ${reasonOf(error)}`, "check the path", error);
    }
  }
}

/**
 * Finds out how to reach the API server. Talks to nobody: an address that nobody answers at shows later.
 * @throws SluiceError SLUICE_INPUT_UNREADABLE or SLUICE_CLUSTER_UNREACHABLE, when what is there cannot work.
 */
export function loadKubeConfig(origin: KubeConfigOrigin): KubeConfig {
  const config = new KubeConfig();
  if (origin.inCluster === true) loadInCluster(config);
  else if (origin.path !== undefined) loadFile(config, origin.path);
  else loadDefault(config);
  if (origin.context !== undefined) config.setCurrentContext(origin.context);
  const name = origin.path ?? (origin.inCluster === true ? "the pod's account" : "the default kubeconfig");
  checkContext(config, name);
  checkServer(config, name);
  checkFiles(config, name);
  return config;
}
