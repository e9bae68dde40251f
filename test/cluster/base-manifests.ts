import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { Kubectl } from "./control-plane/kubectl.ts";

const BASE = join(import.meta.dirname, "..", "..", "manifests", "base");
/** Where the resolver Services get their addresses in the tests: fixed, because transcripts show them. */
const NAMESERVER_ADDRESSES = ["10.96.0.53", "10.96.0.54"];
/** Nothing runs them at this level, and `serve` runs as a child process instead. */
const LEFT_OUT = new Set(["Deployment"]);

export type Manifest = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
  readonly [member: string]: unknown;
};

type Webhook = { readonly clientConfig: { readonly service: { readonly path: string } } };

export type BaseManifests = {
  /** Namespace, RBAC, Services and what else the base holds, without the webhooks. */
  readonly installed: readonly Manifest[];
  /** The webhook configurations, aimed at a process on this machine; all else in them is the base's own text. */
  webhooks(port: number, caBundle: string): readonly Manifest[];
  readonly nameservers: readonly string[];
};

const isWebhook = ({ kind }: Manifest): boolean => kind.endsWith("WebhookConfiguration");
const isResolver = ({ kind, metadata }: Manifest): boolean =>
  kind === "Service" && metadata.labels?.["sluice.dev/dns"] === "true";

/** `manifests/base` as kustomize renders it, with what a process outside the cluster needs changed. */
export async function readBase(kubectl: Kubectl): Promise<BaseManifests> {
  const documents = parseAllDocuments(await kubectl.must(["kustomize", BASE]));
  const all = documents.map((document) => document.toJS() as Manifest).filter(({ kind }) => !LEFT_OUT.has(kind));
  const resolvers = all.filter(isResolver);
  const addressed = (manifest: Manifest): Manifest =>
    isResolver(manifest)
      ? {
          ...manifest,
          spec: { ...(manifest["spec"] as object), clusterIP: NAMESERVER_ADDRESSES[resolvers.indexOf(manifest)] },
        }
      : manifest;
  return {
    installed: [...all.filter((manifest) => !isWebhook(manifest)).map(addressed), ...resolvers.map(readyEndpoints)],
    webhooks: (port, caBundle) => all.filter(isWebhook).map((manifest) => aimed(manifest, port, caBundle)),
    nameservers: NAMESERVER_ADDRESSES.slice(0, resolvers.length),
  };
}

const aimed = (manifest: Manifest, port: number, caBundle: string): Manifest => ({
  ...manifest,
  webhooks: (manifest["webhooks"] as Webhook[]).map((webhook) => ({
    ...webhook,
    clientConfig: { url: `https://127.0.0.1:${port}${webhook.clientConfig.service.path}`, caBundle },
  })),
});

/**
 * A ready replica behind a resolver Service, as the EndpointSlice controller would write it if pods ran. Labelled as
 * somebody else's, so that this controller leaves it alone.
 */
const readyEndpoints = ({ metadata: { name, namespace = "" } }: Manifest): Manifest => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: {
    name: `${name}-test`,
    namespace,
    labels: { "kubernetes.io/service-name": name, "endpointslice.kubernetes.io/managed-by": "sluice-tests" },
  },
  addressType: "IPv4",
  endpoints: [{ addresses: ["10.244.0.53"], conditions: { ready: true } }],
  ports: [{ name: "dns", port: 5353, protocol: "UDP" }],
});
