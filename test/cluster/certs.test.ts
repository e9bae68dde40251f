import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { changeHints, watchedSecret, watchedWebhooks } from "../../src/certs/change-hints.ts";
import { startClusterCertificates } from "../../src/certs/cluster.ts";
import { connectCertificateApi } from "../../src/certs/cluster-api.ts";
import { inspectCertificate, splitBundle } from "../../src/certs/inspect.ts";
import type { ServerCertificate } from "../../src/certs/server-certificate.ts";
import { type Certificates, WEBHOOK_CONFIGURATIONS } from "../../src/certs/start.ts";
import { createLog } from "../../src/observe/log.ts";
import { currentCluster } from "./cluster.ts";
import { until } from "./wait.ts";

const { kubectl, kubeconfig } = currentCluster();
const BASE = join(import.meta.dirname, "..", "..", "manifests", "base");
const NAMESPACE = "sluice-system";
const NAMES = { dns: ["sluice-webhook.sluice-system.svc"], ips: ["127.0.0.1"] };

type Named = { readonly kind: string; readonly metadata: { readonly name: string } };
type Webhooks = {
  readonly metadata: { readonly managedFields: readonly { manager: string; operation: string; fieldsV1: object }[] };
  readonly webhooks: readonly { readonly name: string; readonly clientConfig: { readonly caBundle?: string } }[];
};

let items: readonly Named[] = [];
let restricted: KubeConfig;
const running = new Set<Certificates>();

beforeAll(async () => {
  const rendered = await kubectl.must(["kustomize", BASE]);
  items = parseAllDocuments(rendered).map((document) => document.toJS() as Named);
  // Nothing runs pods here, and the webhook Service has no address: the tests aim at this process where they need to.
  const installed = items.filter(({ kind }) => kind !== "Deployment" && !kind.endsWith("WebhookConfiguration"));
  await apply(installed);
  restricted = await serviceAccountConfig();
});

afterEach(async () => {
  await Promise.all([...running].map((certificates) => stop(certificates)));
  for (const { kind, name } of WEBHOOK_CONFIGURATIONS) await kubectl(["delete", kind, name, "--ignore-not-found"]);
  await kubectl(["delete", "secret", "-n", NAMESPACE, "sluice-ca", "sluice-tls", "--ignore-not-found"]);
  await kubectl(["delete", "lease", "-n", NAMESPACE, "sluice-certs", "--ignore-not-found"]);
});

afterAll(() => kubectl(["delete", "namespace", "certs-probe", "--ignore-not-found", "--wait=false"]));

const apply = (objects: readonly object[]) =>
  kubectl.must(["apply", "--server-side", "--force-conflicts", "-f", "-"], {
    stdin: JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }),
  });

const applyWebhooks = () => apply(items.filter(({ kind }) => kind.endsWith("WebhookConfiguration")));

/** The rights of the webhook's own ServiceAccount and no others: what RBAC forgets fails here. */
async function serviceAccountConfig(): Promise<KubeConfig> {
  const token = (await kubectl.must(["create", "token", "sluice-webhook", "-n", NAMESPACE])).trim();
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error("the kubeconfig of the tests names no cluster");
  config.loadFromClusterAndUser(cluster, { name: "sluice-webhook", token });
  return config;
}

async function start(identity: string, onChange: (pem: ServerCertificate) => void = () => {}): Promise<Certificates> {
  const log = createLog("silent");
  const watched = [watchedSecret(NAMESPACE, "sluice-tls"), ...WEBHOOK_CONFIGURATIONS.map(watchedWebhooks)];
  const certificates = await startClusterCertificates({
    api: connectCertificateApi(restricted, NAMESPACE),
    hints: changeHints(restricted, watched, log),
    webhooks: WEBHOOK_CONFIGURATIONS,
    names: NAMES,
    identity,
    log,
    now: Date.now,
    onChange,
  });
  running.add(certificates);
  return certificates;
}

async function stop(certificates: Certificates): Promise<void> {
  running.delete(certificates);
  await certificates.close();
}

const untilReady = (certificates: Certificates) =>
  until("the certificates are ready", () => {
    const problem = certificates.problem();
    if (problem !== undefined) throw new Error(problem);
    return true;
  });

const webhooksOf = ({ kind, name }: (typeof WEBHOOK_CONFIGURATIONS)[number]) =>
  kubectl.get<Webhooks>([kind, name, "--show-managed-fields"]);

async function bundles(): Promise<readonly string[]> {
  const configurations = await Promise.all(WEBHOOK_CONFIGURATIONS.map(webhooksOf));
  return configurations.flatMap(({ webhooks }) =>
    webhooks.map(({ clientConfig }) => Buffer.from(clientConfig.caBundle ?? "", "base64").toString("utf8")),
  );
}

const generations = (bundle: string): readonly (number | undefined)[] =>
  splitBundle(bundle).map((pem) => {
    const inspected = inspectCertificate(pem);
    const number = inspected.ok ? /^sluice-ca-(\d+)-/.exec(inspected.value.commonName)?.[1] : undefined;
    return number === undefined ? undefined : Number(number);
  });

const holder = async (): Promise<string> =>
  (await kubectl(["get", "lease", "sluice-certs", "-n", NAMESPACE, "-o", "jsonpath={.spec.holderIdentity}"])).stdout;

describe("certificates in a cluster, with the rights of the webhook's ServiceAccount", () => {
  test("a first start makes CA and leaf and tells every webhook, owning caBundle alone", async () => {
    await applyWebhooks();
    const certificates = await start("one");
    await untilReady(certificates);

    const filled = await bundles();
    expect(filled).toHaveLength(5);
    expect(new Set(filled).size).toBe(1);
    expect(generations(filled[0] ?? "")).toEqual([1]);
    expect(certificates.samples().filter(({ name }) => name === "sluice_cabundle_in_sync")).toHaveLength(5);
    for (const ref of WEBHOOK_CONFIGURATIONS) {
      const { metadata, webhooks } = await webhooksOf(ref);
      const ours = metadata.managedFields.find(({ manager }) => manager === "sluice-certs");
      expect(ours?.operation).toBe("Apply");
      const owned = Object.fromEntries(
        webhooks.map(({ name }) => [
          `k:{"name":"${name}"}`,
          { ".": {}, "f:name": {}, "f:clientConfig": { "f:caBundle": {} } },
        ]),
      );
      expect(ours?.fieldsV1).toEqual({ "f:webhooks": owned });
    }
  });

  test("configurations that are applied after the start are filled in, and applying them again changes nothing", async () => {
    const certificates = await start("one");
    await untilReady(certificates);
    await applyWebhooks();
    await until("every caBundle is filled in", async () => (await bundles()).every((bundle) => bundle !== ""));
    const before = await bundles();
    await applyWebhooks();
    expect(await bundles()).toEqual(before);
    await untilReady(certificates);
  });

  test("the API server calls a webhook that presents the certificate", async () => {
    const calls: (string | undefined)[] = [];
    let server: Server | undefined;
    const certificates = await start("one", ({ cert, key }) => {
      server ??= createServer((request, response) => {
        calls.push(request.url?.split("?")[0]);
        request.resume().on("end", () => response.writeHead(500).end());
      });
      server.setSecureContext({ cert, key });
    });
    await until("there is a certificate", () => certificates.current() !== undefined);
    if (server === undefined) throw new Error("the server was never given a certificate");
    const listening = server;
    await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = listening.address() as AddressInfo;
      await apply([probeWebhook(port)]);
      await untilReady(certificates);
      await kubectl(["create", "namespace", "certs-probe"]);
      await until("the webhook is called", async () => {
        await kubectl(["create", "configmap", "probe", "-n", "certs-probe", "--dry-run=server"]);
        return calls.includes("/mutate");
      });
    } finally {
      listening.closeAllConnections();
      await new Promise((resolve) => listening.close(resolve));
    }
  });

  test("one of two replicas leads, both serve one certificate, and a release hands over at once", async () => {
    await applyWebhooks();
    const one = await start("one");
    await untilReady(one);
    const two = await start("two");
    await untilReady(two);
    expect(two.current()).toEqual(one.current());
    expect(await holder()).toBe("one");

    await stop(one);
    await until("the other replica leads", async () => (await holder()) === "two", 10);
    await kubectl.must(["delete", "secret", "sluice-tls", "-n", NAMESPACE]);
    await until(
      "the new leader signs",
      async () => (await kubectl(["get", "secret", "sluice-tls", "-n", NAMESPACE])).exitCode === 0,
    );
  });

  test("a caBundle that somebody empties is filled in again", async () => {
    await applyWebhooks();
    const certificates = await start("one");
    await untilReady(certificates);
    const before = await bundles();
    const empty = [{ op: "replace", path: "/webhooks/0/clientConfig/caBundle", value: "" }];
    await kubectl.must(["patch", "mutatingwebhookconfiguration", "sluice", "--type=json", "-p", JSON.stringify(empty)]);
    await until("the caBundle is back", async () => JSON.stringify(await bundles()) === JSON.stringify(before), 10);
  });

  test.each([
    ["is deleted", () => kubectl.must(["delete", "secret", "sluice-tls", "-n", NAMESPACE])],
    [
      "holds rubbish",
      () =>
        kubectl.must([
          ...["patch", "secret", "sluice-tls", "-n", NAMESPACE, "--type=merge", "-p"],
          JSON.stringify({ stringData: { "tls.crt": "rubbish" } }),
        ]),
    ],
  ])("when the TLS Secret %s the same CA signs again and every replica reloads", async (_title, damage) => {
    await applyWebhooks();
    const one = await start("one");
    const two = await start("two");
    await Promise.all([untilReady(one), untilReady(two)]);
    const before = one.current();
    await damage();
    for (const replica of [one, two]) {
      await until("a new certificate is served", () => replica.current()?.cert !== before?.cert);
      expect(replica.ready()).toBe(true);
    }
    expect(new Set(await bundles()).size).toBe(1);
    expect(generations((await bundles())[0] ?? "")).toEqual([1]);
  });

  test("when the CA's key is lost a second generation joins the bundle and the certificate stays trusted", async () => {
    await applyWebhooks();
    const certificates = await start("one");
    await untilReady(certificates);
    const before = certificates.current();
    await kubectl.must(["delete", "secret", "sluice-ca", "-n", NAMESPACE]);
    // The CA Secret is not watched; any other change brings the next look, as the poll would within a minute.
    await kubectl.must(["label", "mutatingwebhookconfiguration", "sluice", "test=look", "--overwrite"]);
    await until("both generations are trusted", async () =>
      (await bundles()).every((bundle) => generations(bundle).join() === "1,2"),
    );
    expect(certificates.ready()).toBe(true);
    expect(certificates.current()).toEqual(before);
  });
});

/** A webhook under our configuration's name, aimed at this process: anything else of the base would not be reachable. */
const probeWebhook = (port: number) => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "MutatingWebhookConfiguration",
  metadata: { name: "sluice" },
  webhooks: [
    {
      name: "probe.sluice.dev",
      clientConfig: { url: `https://127.0.0.1:${port}/mutate` },
      rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE"] }],
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "certs-probe" } },
      failurePolicy: "Ignore",
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
    },
  ],
});
