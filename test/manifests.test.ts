import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { LEASE } from "../src/certs/cluster.ts";
import { FIELD_MANAGER } from "../src/certs/cluster-api.ts";
import { WEBHOOK_CONFIGURATIONS } from "../src/certs/start.ts";
import { AUTHORITY_SECRET } from "../src/certs/stored-authority.ts";
import { SERVER_SECRET } from "../src/certs/stored-server.ts";
import { SETTINGS } from "../src/config/schema.ts";
import { DEFAULT_COREFILE } from "../src/dns/directives/default-corefile.ts";
import { DNS_SERVICE_LABEL } from "../src/inject/facts.ts";
import { KINDS } from "../src/model/kinds.ts";

const BASE = join(import.meta.dirname, "..", "manifests", "base");

type Rule = { apiGroups: string[]; apiVersions: string[]; resources: string[]; operations: string[]; scope: string };
type Expression = { key: string; operator: string; values?: string[] };
type Webhook = {
  name: string;
  rules: Rule[];
  clientConfig: { caBundle?: string; service: { name: string; namespace: string; path: string; port: number } };
  namespaceSelector: { matchExpressions: Expression[] };
  objectSelector?: { matchExpressions: Expression[] };
  matchConditions: { name: string; expression: string }[];
  [field: string]: unknown;
};
type PolicyRule = { apiGroups: string[]; resources: string[]; resourceNames?: string[]; verbs: string[] };
type Container = {
  image: string;
  args: string[];
  ports: { name: string; containerPort: number; protocol: string }[];
  resources: { requests: Record<string, string>; limits: Record<string, string> };
  securityContext: object;
  [field: string]: unknown;
};
type Pod = {
  metadata: { labels: Record<string, string> };
  spec: { containers: [Container]; [field: string]: unknown };
};
type Manifest = {
  kind: string;
  metadata: { name: string; namespace?: string; labels: Record<string, string> };
  webhooks: Webhook[];
  rules: PolicyRule[];
  spec: { [field: string]: unknown; template: Pod; selector: Record<string, never>; ports: Record<string, unknown>[] };
};

const files = globSync("*.yaml", { cwd: BASE }).filter((file) => file !== "kustomization.yaml");
const manifests = files.flatMap((file) =>
  parseAllDocuments(readFileSync(join(BASE, file), "utf8")).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Manifest;
  }),
);
const all = (...kinds: string[]) => manifests.filter(({ kind }) => kinds.includes(kind));
const webhooks = all("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration").flatMap((item) => item.webhooks);
const webhook = (name: string): Webhook => {
  const found = webhooks.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`there is no webhook ${name}`);
  return found;
};
const OURS = ["kube-system", "kube-public", "kube-node-lease", "sluice-system"];

test("the kustomization lists every file of the base", () => {
  const kustomization = parseAllDocuments(readFileSync(join(BASE, "kustomization.yaml"), "utf8"))[0]?.toJS();
  expect([...kustomization.resources].sort()).toEqual([...files].sort());
});

test("the resolver's Corefile is the default one on the container's port", () => {
  const [configMap] = all("ConfigMap") as unknown as [{ data: { Corefile: string } }];
  expect(configMap.data.Corefile).toBe(DEFAULT_COREFILE.replace("{$SLUICE_DNS_PORT}", "5353"));
});

describe("webhook configurations", () => {
  test("are the ones that the certificates are filled into, and name no CA themselves", () => {
    const found = all("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration");
    expect(found.map(({ kind, metadata }) => ({ kind, name: metadata.name }))).toEqual(WEBHOOK_CONFIGURATIONS);
    for (const { clientConfig } of webhooks) expect(clientConfig).not.toHaveProperty("caBundle");
    expect(FIELD_MANAGER).toBe("sluice-certs");
  });

  test.each([
    ["pods.sluice.dev", "/mutate", 3],
    ["policies.sluice.dev", "/validate", 5],
    ["routes.sluice.dev", "/validate", 3],
    ["deletions.sluice.dev", "/validate", 3],
    ["workloads.sluice.dev", "/validate", 2],
  ])("%s calls %s for at most %i s, cannot stop the cluster and has no side effects", (name, path, timeoutSeconds) => {
    const { clientConfig, rules, ...entry } = webhook(name);
    expect(clientConfig.service).toEqual({ name: "sluice-webhook", namespace: "sluice-system", path, port: 443 });
    expect(entry).toMatchObject({
      timeoutSeconds,
      failurePolicy: "Ignore",
      matchPolicy: "Equivalent",
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
    });
    expect(entry.namespaceSelector.matchExpressions).toContainEqual({
      key: "kubernetes.io/metadata.name",
      operator: "NotIn",
      values: OURS,
    });
    for (const rule of rules) {
      expect(rule.scope).toBe("Namespaced");
      expect([...rule.apiGroups, ...rule.apiVersions, ...rule.resources, ...rule.operations].join()).not.toMatch(
        /[*/]/,
      );
    }
  });

  test("there are no others", () => {
    expect(webhooks).toHaveLength(5);
  });

  test("pods are mutated on CREATE alone, in labelled namespaces, unless they opt out or are ours", () => {
    const { rules, namespaceSelector, objectSelector, ...entry } = webhook("pods.sluice.dev");
    expect(rules.map(({ resources, operations }) => ({ resources, operations }))).toEqual([
      { resources: ["pods"], operations: ["CREATE"] },
    ]);
    expect(entry["reinvocationPolicy"]).toBe("IfNeeded");
    expect(namespaceSelector.matchExpressions).toContainEqual({
      key: "sluice.dev/egress",
      operator: "In",
      values: ["audit", "enabled", "strict"],
    });
    expect(objectSelector?.matchExpressions).toEqual([
      { key: "sluice.dev/inject", operator: "NotIn", values: ["false"] },
      { key: "app.kubernetes.io/part-of", operator: "NotIn", values: ["sluice"] },
    ]);
  });

  const judged = Object.entries(KINDS).filter(
    ([, { group, namespaced }]) => namespaced && /gateway\.networking|istio|kuadrant/.test(group),
  );
  test.each(judged)(
    "%s is registered for CREATE and UPDATE in all its versions",
    (_kind, { group, plural, versions }) => {
      const rules = [...webhook("policies.sluice.dev").rules, ...webhook("routes.sluice.dev").rules];
      const rule = rules.find(({ apiGroups, resources }) => apiGroups.includes(group) && resources.includes(plural));
      expect(rule?.operations).toEqual(["CREATE", "UPDATE"]);
      expect(rule?.apiVersions).toEqual(expect.arrayContaining([...versions]));
    },
  );

  test("the kinds whose deletion takes protection away are registered for DELETE, in an entry that does nothing else", () => {
    const { rules } = webhook("deletions.sluice.dev");
    expect(rules.flatMap(({ operations }) => operations)).toEqual(rules.map(() => "DELETE"));
    const kinds = ["Gateway", "HTTPRoute", "ReferenceGrant", "AuthPolicy", "RateLimitPolicy"] as const;
    const istio = ["ServiceEntry", "DestinationRule", "AuthorizationPolicy"] as const;
    expect(rules.flatMap(({ resources }) => resources)).toEqual([...kinds, ...istio].map((kind) => KINDS[kind].plural));
  });

  test("CEL reads no member that may be absent without asking first", () => {
    for (const { matchConditions } of webhooks) {
      for (const { expression } of matchConditions) {
        for (const [, member] of expression.matchAll(/((?:object|oldObject)\.metadata\.\w+)\[/g)) {
          expect(expression).toContain(`has(${member})`);
        }
        for (const [, member] of expression.matchAll(/ in ((?:object|oldObject|request)[\w.]+)/g)) {
          expect(expression).toContain(`has(${member})`);
        }
        if (expression.includes("oldObject")) expect(expression).toMatch(/^request\.operation == 'CREATE'\s*\|\|/);
      }
    }
  });
});

describe("RBAC", () => {
  const rules = all("Role", "ClusterRole").flatMap(({ kind, metadata, rules: list }) =>
    list.map((rule) => ({ role: `${kind} ${metadata.name}`, cluster: kind === "ClusterRole", ...rule })),
  );

  test("knows no wildcards, no escalation and no pods", () => {
    for (const { apiGroups, resources, verbs } of rules) {
      const words = [...apiGroups, ...resources, ...verbs];
      for (const never of ["*", "escalate", "bind", "impersonate", "pods", "delete", "deletecollection"]) {
        expect(words).not.toContain(never);
      }
    }
  });

  test("reaches Secrets in our own namespace alone and reads them by name alone", () => {
    const secrets = rules.filter(({ resources }) => resources.includes("secrets"));
    expect(secrets.filter(({ cluster }) => cluster)).toEqual([]);
    for (const { verbs, resourceNames } of secrets) {
      if (resourceNames === undefined) expect(verbs).toEqual(["create"]);
      else expect(verbs).not.toContain("list");
    }
    expect(secrets.flatMap(({ resourceNames = [] }) => resourceNames).sort()).toEqual([
      AUTHORITY_SECRET,
      SERVER_SECRET,
    ]);
  });

  test("writes nothing beyond the two webhook configurations, the Secrets, the Lease, and the resolver's Events", () => {
    const READING = ["get", "list", "watch"];
    const writing = rules.filter(({ verbs }) => verbs.some((verb) => !READING.includes(verb)));
    expect(writing.map(({ role, resources, resourceNames, verbs }) => [role, resources, resourceNames, verbs])).toEqual(
      [
        ["ClusterRole sluice-dns", ["events"], undefined, ["create", "patch"]],
        [
          "ClusterRole sluice-webhook",
          ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
          ["sluice"],
          ["get", "watch", "patch"],
        ],
        ["Role sluice-webhook", ["secrets"], [AUTHORITY_SECRET], ["get", "patch"]],
        ["Role sluice-webhook", ["secrets"], [SERVER_SECRET], ["get", "watch", "patch"]],
        ["Role sluice-webhook", ["secrets"], undefined, ["create"]],
        ["Role sluice-webhook", ["leases"], [LEASE], ["get", "patch"]],
        ["Role sluice-webhook", ["leases"], undefined, ["create"]],
      ],
    );
  });

  test("lets the webhook read every kind that rules judge", () => {
    const readable = new Set(
      rules
        .filter(({ role, verbs }) => role === "ClusterRole sluice-webhook" && verbs.includes("list"))
        .flatMap(({ apiGroups, resources }) =>
          apiGroups.flatMap((group) => resources.map((name) => `${group}/${name}`)),
        ),
    );
    const wanted = Object.values(KINDS).filter(({ group }) => /gateway\.networking|istio|kuadrant/.test(group));
    for (const { group, plural } of wanted) expect(readable).toContain(`${group}/${plural}`);
  });

  test("gives each role a ServiceAccount of its own", () => {
    expect(all("ServiceAccount").map(({ metadata }) => metadata.name)).toEqual(["sluice-dns", "sluice-webhook"]);
    expect(all("ClusterRoleBinding").map(({ metadata }) => metadata.name)).toEqual(["sluice-dns", "sluice-webhook"]);
  });
});

describe.each(["sluice-webhook", "sluice-dns"])("Deployment %s", (name) => {
  const found = all("Deployment").find(({ metadata }) => metadata.name === name);
  if (found === undefined) throw new Error(`there is no Deployment ${name}`);
  const deployment = found.spec;
  const { metadata, spec: pod } = deployment.template;
  const [container] = pod.containers;

  test("loses no replica in a rollout, spreads them, and lets a node be drained", () => {
    expect(deployment).toMatchObject({ replicas: 2, strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } } });
    expect(pod["topologySpreadConstraints"]).toMatchObject(
      ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
        topologyKey,
        whenUnsatisfiable: "ScheduleAnyway",
      })),
    );
    const budget = all("PodDisruptionBudget").find((item) => item.metadata.name === name);
    expect(budget?.spec).toMatchObject({ unhealthyPodEvictionPolicy: "AlwaysAllow", selector: deployment.selector });
  });

  test("meets the restricted Pod Security Standard with a read-only root", () => {
    expect(pod["securityContext"]).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 65532,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    for (const field of ["hostNetwork", "hostPID", "hostIPC"]) expect(pod).not.toHaveProperty(field);
  });

  test("has a memory limit and no CPU limit", () => {
    expect(Object.keys(container.resources.limits)).toEqual(["memory"]);
    expect(Object.keys(container.resources.requests).sort()).toEqual(["cpu", "memory"]);
  });

  test("is probed where it serves, and never asks its own resolver", () => {
    const port = (wanted: string) => container.ports.find((candidate) => candidate.name === wanted)?.containerPort;
    expect({ health: port("health"), ready: port("ready"), metrics: port("metrics") }).toEqual({
      health: 8080,
      ready: 8181,
      metrics: 9153,
    });
    expect(container).toMatchObject({
      startupProbe: { httpGet: { path: "/health", port: "health" } },
      readinessProbe: { httpGet: { path: "/ready", port: "ready" } },
      livenessProbe: { httpGet: { path: "/health", port: "health" } },
    });
    expect(pod["dnsPolicy"]).toBe("Default");
    expect(pod["terminationGracePeriodSeconds"]).toBe(45);
  });

  test("runs one role, with flags that exist, from an image without a registry", () => {
    expect(container.args.slice(0, 3)).toEqual(["serve", "--roles", name === "sluice-dns" ? "dns" : "admission"]);
    const flags = Object.values(SETTINGS).map(({ flag }) => `--${flag}`);
    for (const flag of container.args.filter((arg) => arg.startsWith("--"))) expect(flags).toContain(flag);
    expect(container.image).toBe("sluice");
  });

  test("carries the label that keeps the webhook away from our own pods", () => {
    expect(metadata.labels["app.kubernetes.io/part-of"]).toBe("sluice");
  });
});

describe("Services and Namespace", () => {
  const service = (name: string) => all("Service").find(({ metadata }) => metadata.name === name);

  test("the resolver's Service alone is labelled as a nameserver, for UDP and TCP", () => {
    const labelled = all("Service").filter(({ metadata }) => metadata.labels[DNS_SERVICE_LABEL] === "true");
    expect(labelled.map(({ metadata }) => metadata.name)).toEqual(["sluice-dns"]);
    expect(service("sluice-dns")?.spec.ports.map(({ port, protocol }) => `${port}/${protocol}`)).toEqual([
      "53/UDP",
      "53/TCP",
    ]);
    expect(service("sluice-webhook")?.spec.ports).toMatchObject([{ port: 443, targetPort: "https" }]);
  });

  test("every namespaced object lives in sluice-system, which is held to the restricted standard", () => {
    const CLUSTER_WIDE = /^(Namespace|Cluster.*|.*WebhookConfiguration)$/;
    const namespaced = manifests.filter(({ kind }) => !CLUSTER_WIDE.test(kind));
    expect([...new Set(namespaced.map(({ metadata }) => metadata.namespace))]).toEqual(["sluice-system"]);
    expect(all("Namespace")[0]?.metadata.labels["pod-security.kubernetes.io/enforce"]).toBe("restricted");
  });
});
