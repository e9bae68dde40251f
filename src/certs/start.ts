import { randomBytes } from "node:crypto";
import type { KubeConfig } from "@kubernetes/client-node";
import type { Log } from "../observe/log.ts";
import type { SampleSource } from "../observe/sample.ts";
import { type ServerNames, serviceNames } from "./authority.ts";
import { changeHints, watchedSecret, watchedWebhooks } from "./change-hints.ts";
import { startClusterCertificates } from "./cluster.ts";
import { connectCertificateApi, type WebhookRef } from "./cluster-api.ts";
import { startFileCertificates } from "./file-store.ts";
import type { ServerCertificate } from "./server-certificate.ts";
import { SERVER_SECRET } from "./stored-server.ts";

export type Certificates = {
  /** The certificate in use. Always there with files; in a cluster undefined until the first one has been read. */
  current(): ServerCertificate | undefined;
  /** Whether an API server that calls us now would accept the certificate. */
  ready(): boolean;
  /** Why not, in one sentence; undefined when ready. */
  problem(): string | undefined;
  readonly samples: SampleSource;
  close(): Promise<void>;
};

type FilesInput = {
  readonly mode: "files";
  /** Folder of ca.crt, ca.key, tls.crt, tls.key; made when absent. */
  readonly directory: string;
  readonly names: ServerNames;
};

type ClusterInput = {
  readonly mode: "cluster";
  readonly kubeConfig: KubeConfig;
  /** Our own namespace: the Secrets and the Lease live there. */
  readonly namespace: string;
  /** The Service in front of the webhooks; the certificate stands for its four names. */
  readonly service: string;
  readonly clusterDomain: string;
  readonly webhooks: readonly WebhookRef[];
  /** This pod's name, for the holder of the Lease. */
  readonly podName: string;
};

export type CertificatesInput = (FilesInput | ClusterInput) & {
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /**
   * Called with every new certificate before `current()` gives it, the first one included, for the server to take over
   * (`setSecureContext`). When it throws, the certificate is not taken over and the one before stays.
   */
  readonly onChange: (certificate: ServerCertificate) => void;
};

/** The webhook configurations of the manifests. */
export const WEBHOOK_CONFIGURATIONS: readonly WebhookRef[] = [
  { kind: "MutatingWebhookConfiguration", name: "sluice" },
  { kind: "ValidatingWebhookConfiguration", name: "sluice" },
];

/** Starts the certificates of the webhook server: from files at a desk, from Secrets in a cluster. */
export function startCertificates(input: CertificatesInput): Promise<Certificates> {
  if (input.mode === "files") return startFileCertificates(input);
  const { kubeConfig, namespace, webhooks, log } = input;
  const watched = [watchedSecret(namespace, SERVER_SECRET), ...webhooks.map(watchedWebhooks)];
  return startClusterCertificates({
    api: connectCertificateApi(kubeConfig, namespace),
    hints: changeHints(kubeConfig, watched, log),
    webhooks,
    names: serviceNames(input.service, namespace, input.clusterDomain),
    identity: `${input.podName}_${randomBytes(4).toString("hex")}`,
    log,
    now: input.now,
    onChange: input.onChange,
  });
}
