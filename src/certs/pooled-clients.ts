import {
  type ApiConstructor,
  type ApiType,
  createConfiguration,
  type KubeConfig,
  type RequestContext,
  ServerConfiguration,
} from "@kubernetes/client-node";
import { SluiceError } from "../model/errors.ts";

type Dispatcher = NonNullable<ReturnType<RequestContext["getDispatcher"]>>;

/**
 * How long one set of connections is used. The library reads tokens and the API server's CA anew for every request
 * (rotation-safe), but opens a new TLS connection for each; this keeps the first and gives up the second for a minute.
 */
const POOL_LIFE_MS = 60_000;

/** Requests are small reads and writes; the lease must be renewed within 10 s, so one that takes longer is of no use. */
const REQUEST_TIMEOUT_MS = 8_000;

/** Typed clients of one API server that share their connections and give up on a request after 8 s. */
export function pooledClients(kubeConfig: KubeConfig): {
  client<T extends ApiType>(type: ApiConstructor<T>): T;
  close(): Promise<void>;
} {
  const server = kubeConfig.getCurrentCluster()?.server;
  if (server === undefined) {
    throw new SluiceError(
      "SLUICE_CLUSTER_UNREACHABLE",
      "the kubeconfig names no current cluster",
      "choose one with 'kubectl config use-context'",
    );
  }
  let pool: { dispatcher: Dispatcher; since: number } | undefined;

  /** Swaps the connections that the library has prepared for this request for those that are open already. */
  const share = async (context: RequestContext): Promise<void> => {
    const fresh = context.getDispatcher();
    const now = performance.now();
    if (fresh === undefined) return;
    if (pool !== undefined && now - pool.since < POOL_LIFE_MS) {
      context.setDispatcher(pool.dispatcher);
      return;
    }
    pool?.dispatcher.close().catch(() => undefined);
    pool = { dispatcher: fresh, since: now };
  };
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(server, {}),
    authMethods: {
      default: {
        getName: () => "kubeconfig",
        applySecurityAuthentication: async (context) => {
          await kubeConfig.applySecurityAuthentication(context);
          await share(context);
          context.setSignal(AbortSignal.timeout(REQUEST_TIMEOUT_MS));
        },
      },
    },
  });
  return {
    client: (type) => new type(configuration),
    close: async () => {
      await pool?.dispatcher.destroy().catch(() => undefined);
      pool = undefined;
    },
  };
}
