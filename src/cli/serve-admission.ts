import { deletionJudge } from "../admission/deletion-judge.ts";
import { liveFacts } from "../admission/live-facts.ts";
import { profileJudge } from "../admission/profile-judge.ts";
import { settledJudge } from "../admission/settled-judge.ts";
import { type Admission, startAdmission } from "../admission/start-admission.ts";
import type { ServerCertificate } from "../certs/server-certificate.ts";
import { type Certificates, startCertificates, WEBHOOK_CONFIGURATIONS } from "../certs/start.ts";
import type { Config } from "../config/schema.ts";
import { buildProfile } from "../inject/profile.ts";
import type { LintProfile } from "../lint/lint-profile.ts";
import { rules } from "../lint/rules/index.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { Log } from "../observe/log.ts";
import type { AdmissionMetrics } from "../observe/metrics.ts";
import { loadKubeConfig } from "../sources/cluster/kube-config.ts";
import { listenAddress } from "./listen-address.ts";

/** The Service in front of the webhooks, as the manifests name it. */
const WEBHOOK_SERVICE = "sluice-webhook";

type AdmissionRole = {
  readonly config: Config;
  readonly snapshot: Snapshot;
  /** The platform team's choices as they are at the moment. */
  readonly choices: () => LintProfile;
  readonly metrics: AdmissionMetrics;
  readonly log: Log;
  /** Called when the webhooks cannot be served after all, which shows when the first certificate has come. */
  readonly onFatal: (error: unknown) => void;
};

export type RunningAdmission = {
  readonly certificates: Certificates;
  /** Undefined until the first certificate is there. */
  server(): Admission | undefined;
  /** Why the webhooks cannot be called, as one word each; empty when they can. */
  notReady(): readonly string[];
  drain(): void;
  close(): Promise<void>;
};

/**
 * Starts certificates, then the webhooks. At a desk the certificate is there at once; in a cluster it may take until the
 * leader has made one, and the server listens from then on.
 */
export async function startAdmissionRole(role: AdmissionRole): Promise<RunningAdmission> {
  let server: Admission | undefined;
  let listening: Promise<void> | undefined;
  const take = (certificate: ServerCertificate): void => {
    if (server !== undefined) server.reload(certificate);
    else if (listening === undefined) {
      listening = listen(role, certificate).then((started) => {
        server = started;
      });
      listening.catch(role.onFatal);
    } else {
      // A newer certificate while the first one is being listened with: taken over as soon as that has happened.
      listening = listening.then(() => server?.reload(certificate));
      listening.catch(role.onFatal);
    }
  };
  const certificates = await startCertificates({
    ...certificateStore(role.config),
    log: role.log,
    now: Date.now,
    onChange: take,
  });
  try {
    await listening;
  } catch (error) {
    await certificates.close();
    throw error;
  }
  return {
    certificates,
    server: () => server,
    notReady: () => [server === undefined ? "admission" : [], certificates.ready() ? [] : "certificates"].flat(),
    drain: () => server?.drain(),
    async close() {
      await certificates.close();
      await server?.close();
    },
  };
}

function certificateStore(config: Config) {
  const { namespace, clusterDomain } = config;
  if (config.source === "in-cluster") {
    return {
      mode: "cluster",
      kubeConfig: loadKubeConfig({ inCluster: true }),
      namespace,
      service: WEBHOOK_SERVICE,
      clusterDomain,
      webhooks: WEBHOOK_CONFIGURATIONS,
      podName: config.identity,
    } as const;
  }
  const { host } = listenAddress(config.admissionListen);
  const wild = host === "::" || host === "0.0.0.0";
  return {
    mode: "files",
    directory: config.certsDir,
    names: { dns: ["localhost"], ips: [...new Set(["127.0.0.1", "::1", ...(wild ? [] : [host])])] },
  } as const;
}

async function listen(
  { config, snapshot, choices, metrics, log }: AdmissionRole,
  certificate: ServerCertificate,
): Promise<Admission> {
  const { clusterDomain, extraSearches, namespace: ownNamespace, profile } = config;
  const judge = profileJudge({ rules, profile, choices, snapshot });
  const settled = settledJudge({ snapshot, judge: judge.change });
  const gone = deletionJudge({ snapshot, judge });
  const admission = await startAdmission({
    listen: listenAddress(config.admissionListen),
    tls: { certificate, minVersion: config.tlsMinVersion === "1.2" ? "TLSv1.2" : "TLSv1.3" },
    facts: liveFacts({
      snapshot,
      profile: buildProfile({ clusterDomain, extraSearches, ownNamespace }),
      knownPreviousAddresses: [],
    }),
    judge: (change, patienceMs) => (change.operation === "DELETE" ? gone : settled)(change, patienceMs),
    metrics,
    log,
  });
  log.info({ address: admission.address, port: admission.port }, "webhooks are listening");
  return admission;
}
