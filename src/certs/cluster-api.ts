import {
  AdmissionregistrationV1Api,
  ApiException,
  CoordinationV1Api,
  CoreV1Api,
  type KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  V1MicroTime,
  type V1MutatingWebhookConfiguration,
  type V1ValidatingWebhookConfiguration,
} from "@kubernetes/client-node";
import { pooledClients } from "./pooled-clients.ts";

/** Field manager of the server-side apply that fills in `caBundle`. It owns that field and no other. */
export const FIELD_MANAGER = "sluice-certs";

/** A Secret's data, decoded to text. */
export type StoredSecret = { readonly resourceVersion: string; readonly data: Readonly<Record<string, string>> };

export type StoredLease = {
  readonly resourceVersion: string;
  readonly holder: string;
  readonly durationSeconds: number;
  readonly transitions: number;
};

/** The Lease as it is to be; `acquired` says that this is a new holder, which restarts acquireTime. */
export type LeaseUpdate = Omit<StoredLease, "resourceVersion"> & { readonly acquired: boolean };

/** One of the two webhook configurations, by name. */
export type WebhookRef = {
  readonly kind: "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration";
  readonly name: string;
};

/** `caBundle` (PEM, "" when unset) of every webhook in a configuration, by the webhook's name. */
export type CaBundles = Readonly<Record<string, string>>;

/** Whether a write with a precondition took place, or somebody else was quicker. */
export type WriteOutcome = "written" | "conflict";

/** The few calls that the certificates need of the API server. Absent objects are undefined; anything else throws. */
export type CertificateApi = {
  readSecret(name: string): Promise<StoredSecret | undefined>;
  createSecret(name: string, type: string, data: Readonly<Record<string, string>>): Promise<WriteOutcome>;
  /** Sets the given keys (null removes one) if the Secret is still at this resourceVersion. */
  patchSecret(
    name: string,
    data: Readonly<Record<string, string | null>>,
    resourceVersion: string,
  ): Promise<WriteOutcome>;
  readCaBundles(ref: WebhookRef): Promise<CaBundles | undefined>;
  /** Server-side applies one bundle to all named webhooks; returns what the API server then holds. */
  applyCaBundle(ref: WebhookRef, webhooks: readonly string[], caBundle: string): Promise<CaBundles>;
  readLease(name: string): Promise<StoredLease | undefined>;
  createLease(name: string, lease: LeaseUpdate): Promise<WriteOutcome>;
  replaceLease(name: string, lease: LeaseUpdate, resourceVersion: string): Promise<WriteOutcome>;
  close(): Promise<void>;
};

/** Talks to the API server of a kubeconfig; Secrets and the Lease are those of `namespace`. */
export function connectCertificateApi(kubeConfig: KubeConfig, namespace: string): CertificateApi {
  const clients = pooledClients(kubeConfig);
  const core = clients.client(CoreV1Api);
  return {
    ...secretCalls(core, namespace),
    ...webhookCalls(clients.client(AdmissionregistrationV1Api)),
    ...leaseCalls(clients.client(CoordinationV1Api), namespace),
    close: () => clients.close(),
  };
}

type SecretCalls = Pick<CertificateApi, "readSecret" | "createSecret" | "patchSecret">;
type WebhookCalls = Pick<CertificateApi, "readCaBundles" | "applyCaBundle">;
type LeaseCalls = Pick<CertificateApi, "readLease" | "createLease" | "replaceLease">;

function secretCalls(core: CoreV1Api, namespace: string): SecretCalls {
  return {
    readSecret: async (name) => {
      const secret = await absentIfNotFound(core.readNamespacedSecret({ name, namespace }));
      if (secret === undefined) return undefined;
      const data = mapValues(secret.data ?? {}, (value) => Buffer.from(value, "base64").toString("utf8"));
      return { resourceVersion: secret.metadata?.resourceVersion ?? "", data };
    },
    createSecret: (name, type, data) => {
      const metadata = { name, namespace, labels: { "app.kubernetes.io/part-of": "sluice" } };
      return outcomeOf(
        core.createNamespacedSecret({ namespace, body: { metadata, type, data: mapValues(data, toBase64) } }),
      );
    },
    patchSecret: (name, data, resourceVersion) => {
      const encoded = mapValues(data, (value) => (value === null ? null : toBase64(value)));
      const body = { metadata: { resourceVersion }, data: encoded };
      return outcomeOf(core.patchNamespacedSecret({ name, namespace, body }, contentType(PatchStrategy.MergePatch)));
    },
  };
}

function webhookCalls(admission: AdmissionregistrationV1Api): WebhookCalls {
  return {
    readCaBundles: async ({ kind, name }) => {
      const read: Promise<Configuration> =
        kind === "MutatingWebhookConfiguration"
          ? admission.readMutatingWebhookConfiguration({ name })
          : admission.readValidatingWebhookConfiguration({ name });
      const configuration = await absentIfNotFound(read);
      return configuration === undefined ? undefined : bundlesOf(configuration);
    },
    applyCaBundle: async ({ kind, name }, webhooks, caBundle) => {
      const entries = webhooks.map((webhook) => ({ name: webhook, clientConfig: { caBundle: toBase64(caBundle) } }));
      const body = { apiVersion: "admissionregistration.k8s.io/v1", kind, metadata: { name }, webhooks: entries };
      const request = { name, body, fieldManager: FIELD_MANAGER, force: true };
      const options = contentType(PatchStrategy.ServerSideApply);
      return bundlesOf(
        kind === "MutatingWebhookConfiguration"
          ? await admission.patchMutatingWebhookConfiguration(request, options)
          : await admission.patchValidatingWebhookConfiguration(request, options),
      );
    },
  };
}

function leaseCalls(coordination: CoordinationV1Api, namespace: string): LeaseCalls {
  const specOf = (lease: LeaseUpdate, now: V1MicroTime) => ({
    holderIdentity: lease.holder,
    leaseDurationSeconds: lease.durationSeconds,
    leaseTransitions: lease.transitions,
    renewTime: now,
    ...(lease.acquired ? { acquireTime: now } : {}),
  });
  return {
    readLease: async (name) => {
      const lease = await absentIfNotFound(coordination.readNamespacedLease({ name, namespace }));
      return lease === undefined
        ? undefined
        : {
            resourceVersion: lease.metadata?.resourceVersion ?? "",
            holder: lease.spec?.holderIdentity ?? "",
            durationSeconds: lease.spec?.leaseDurationSeconds ?? 0,
            transitions: lease.spec?.leaseTransitions ?? 0,
          };
    },
    createLease: (name, lease) => {
      const body = { metadata: { name, namespace }, spec: specOf(lease, new V1MicroTime()) };
      return outcomeOf(coordination.createNamespacedLease({ namespace, body }));
    },
    replaceLease: (name, lease, resourceVersion) => {
      const body = { metadata: { resourceVersion }, spec: specOf(lease, new V1MicroTime()) };
      return outcomeOf(
        coordination.patchNamespacedLease({ name, namespace, body }, contentType(PatchStrategy.MergePatch)),
      );
    },
  };
}

type Configuration = V1MutatingWebhookConfiguration | V1ValidatingWebhookConfiguration;

const bundlesOf = (configuration: Configuration): CaBundles =>
  Object.fromEntries(
    (configuration.webhooks ?? []).map(({ name, clientConfig }) => [
      name,
      Buffer.from(clientConfig.caBundle ?? "", "base64").toString("utf8"),
    ]),
  );

/** The generated calls would send the first patch type of their list, JSON Patch. `append` keeps the client's own middleware. */
const contentType = (strategy: PatchStrategy) =>
  setHeaderOptions("Content-Type", strategy, { middlewareMergeStrategy: "append" });

const toBase64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");

const mapValues = <A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));

async function absentIfNotFound<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (problem) {
    if (problem instanceof ApiException && problem.code === 404) return undefined;
    throw problem;
  }
}

/** 409 is both "exists already" and "resourceVersion has moved on"; 404 means that the object went away meanwhile. */
async function outcomeOf(call: Promise<unknown>): Promise<WriteOutcome> {
  try {
    await call;
    return "written";
  } catch (problem) {
    if (problem instanceof ApiException && (problem.code === 409 || problem.code === 404)) return "conflict";
    throw problem;
  }
}
