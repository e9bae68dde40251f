import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { LEASE } from "../src/certs/cluster.ts";
import { FIELD_MANAGER } from "../src/certs/cluster-api.ts";
import { WEBHOOK_CONFIGURATIONS } from "../src/certs/start.ts";
import { AUTHORITY_SECRET } from "../src/certs/stored-authority.ts";
import { SERVER_SECRET } from "../src/certs/stored-server.ts";
import { PROFILE_CONFIG_MAP, PROFILE_KEY, readProfileData } from "../src/cli/serve-profile.ts";
import { SETTINGS } from "../src/config/schema.ts";
import { DEFAULT_COREFILE } from "../src/dns/directives/default-corefile.ts";
import { DNS_SERVICE_LABEL } from "../src/inject/facts.ts";
import { NO_CHOICES } from "../src/lint/lint-profile.ts";
import { rules as lintRules } from "../src/lint/rules/index.ts";
import { KINDS, type Kind } from "../src/model/kinds.ts";
import { marksRead } from "./support/marks-read.ts";

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
  data: Record<string, string>;
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
/** Variants that only `sluice lint` tells of; docs/admission.md lists them. */
const SILENT_AT_ADMISSION = [
  "coredns-zone-mismatch: Secret",
  "coredns-zone-mismatch: ConfigMap",
  "mesh-dns-captured: Namespace",
  "mesh-dns-captured: Pod",
  "mesh-dns-captured: ConfigMap",
  "serviceentry-waypoint-unbound: Namespace",
];
const OURS = ["kube-system", "kube-public", "kube-node-lease", "sluice-system"];

test("the kustomization lists every file of the base", () => {
  const kustomization = parseAllDocuments(readFileSync(join(BASE, "kustomization.yaml"), "utf8"))[0]?.toJS();
  expect([...kustomization.resources].sort()).toEqual([...files].sort());
});

const configMap = (name: string): Record<string, string> => {
  const found = all("ConfigMap").find(({ metadata }) => metadata.name === name);
  if (found === undefined) throw new Error(`there is no ConfigMap ${name}`);
  return found.data;
};

test("the profile of the base can be used and changes nothing", () => {
  const data = configMap(PROFILE_CONFIG_MAP);
  expect(readProfileData(data)).toEqual({ ok: true, value: { ...NO_CHOICES, profile: SETTINGS.profile.default } });
  const uncommented = (data[PROFILE_KEY] ?? "").replaceAll("# ", "");
  const read = readProfileData({ [PROFILE_KEY]: uncommented });
  expect(read.ok ? [read.value.levels.size, read.value.namespaces.length] : read.problems).toEqual([2, 2]);
});

test("the resolver's Corefile is the default one on the container's port", () => {
  expect(configMap("sluice-dns")["Corefile"]).toBe(DEFAULT_COREFILE.replace("{$SLUICE_DNS_PORT}", "5353"));
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

  /** What rules read and the validating webhook is not called for, with the reason. */
  const UNREGISTERED: Partial<Record<Kind, string>> = {
    Secret: "never read from a cluster, not even its type",
    ConfigMap: "read from files alone",
    Pod: "the mutating webhook's; the rules about them are for files",
    ServiceAccount: "read from files alone",
    Role: "read from files alone",
    RoleBinding: "read from files alone",
    Namespace: "every change of one in the cluster would come to us; its findings are for files",
    Service: "followed, never judged: no rule reports on it",
    EndpointSlice: "followed, never judged: no rule reports on it",
    GatewayClass: "followed, never judged: no rule reports on it",
  };
  const known = [...new Set(lintRules.flatMap(({ kinds, reads }) => [...kinds, ...reads]))].sort();
  const judged = known.filter((kind) => UNREGISTERED[kind] === undefined);

  test.each(judged)(
    "%s, which rules judge or read, is registered for CREATE and UPDATE in all its versions",
    (kind) => {
      const { group, plural, versions, namespaced } = KINDS[kind];
      const entries = [...webhook("policies.sluice.dev").rules, ...webhook("routes.sluice.dev").rules];
      const rule = entries.find(({ apiGroups, resources }) => apiGroups.includes(group) && resources.includes(plural));
      expect(namespaced).toBe(true);
      expect(rule?.operations).toEqual(["CREATE", "UPDATE"]);
      expect(rule?.apiVersions).toEqual(expect.arrayContaining([...versions]));
    },
  );

  test("every kind of the catalogue is among them, and what is left out is what rules report on in files", () => {
    const catalogue = (Object.keys(KINDS) as Kind[]).filter((kind) =>
      /gateway\.networking|istio|kuadrant/.test(KINDS[kind].group),
    );
    expect(catalogue.filter((kind) => !known.includes(kind))).toEqual([]);
    const silent = lintRules.flatMap(({ id, kinds }) =>
      kinds.filter((kind) => UNREGISTERED[kind] !== undefined).map((kind) => `${id}: ${kind}`),
    );
    expect(silent).toEqual(SILENT_AT_ADMISSION);
  });

  test("a change of every label and annotation that rules read of these kinds comes to us", () => {
    for (const name of ["policies.sluice.dev", "routes.sluice.dev"]) {
      const [condition] = webhook(name).matchConditions;
      for (const mark of marksRead(judged)) expect(condition?.expression).toContain(`'${mark}'`);
    }
    expect(marksRead(judged).length).toBeGreaterThan(5);
  });

  test("the preview is called for changes of pod templates where namespaces are opted in, and for nothing else", () => {
    const { rules, namespaceSelector } = webhook("workloads.sluice.dev");
    const resources = rules.flatMap(({ apiGroups, resources: names }) =>
      names.map((name) => `${apiGroups[0]}/${name}`),
    );
    expect(resources).toEqual([
      "apps/deployments",
      "apps/statefulsets",
      "apps/daemonsets",
      "batch/jobs",
      "batch/cronjobs",
    ]);
    for (const { operations } of rules) expect(operations).toEqual(["CREATE", "UPDATE"]);
    expect(namespaceSelector.matchExpressions).toContainEqual({ key: "sluice.dev/egress", operator: "Exists" });
  });

  test("the kinds whose deletion takes protection away are registered for DELETE, in an entry that does nothing else", () => {
    const { rules } = webhook("deletions.sluice.dev");
    expect(rules.flatMap(({ operations }) => operations)).toEqual(rules.map(() => "DELETE"));
    const kinds = ["Gateway", "HTTPRoute", "ReferenceGrant", "AuthPolicy", "RateLimitPolicy"] as const;
    const istio = ["ServiceEntry", "DestinationRule", "AuthorizationPolicy"] as const;
    const deleted = [...kinds, ...istio];
    expect(rules.flatMap(({ resources }) => resources)).toEqual(deleted.map((kind) => KINDS[kind].plural));
    for (const kind of deleted) {
      const { plural, versions } = KINDS[kind];
      const rule = rules.find(({ resources }) => resources.includes(plural));
      expect(rule?.apiVersions).toEqual(expect.arrayContaining([...versions]));
      expect(lintRules.filter(({ reads }) => reads.includes(kind)).length).toBeGreaterThan(0);
    }
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
  const kindsLeftAlone: readonly Kind[] = ["ConfigMap", "Pod", "Role", "RoleBinding", "Secret", "ServiceAccount"];
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

  test("lets the webhook read every kind that rules judge or read, but for those that it leaves alone", () => {
    const readable = new Set(
      rules
        .filter(({ role, verbs }) => role === "ClusterRole sluice-webhook" && verbs.includes("list"))
        .flatMap(({ apiGroups, resources }) =>
          apiGroups.flatMap((group) => resources.map((name) => `${group}/${name}`)),
        ),
    );
    const read = new Set(lintRules.flatMap(({ kinds, reads }) => [...kinds, ...reads]));
    const unreadable = [...read].filter((kind) => !readable.has(`${KINDS[kind].group}/${KINDS[kind].plural}`));
    expect(unreadable.sort()).toEqual(kindsLeftAlone.filter((kind) => read.has(kind)));
  });

  test("lets the webhook follow the profile, by its name, and no other ConfigMap", () => {
    const configMaps = rules.filter(({ resources }) => resources.includes("configmaps"));
    expect(configMaps.map(({ role, resourceNames, verbs }) => [role, resourceNames, verbs])).toEqual([
      ["Role sluice-webhook", [PROFILE_CONFIG_MAP], ["list", "watch"]],
    ]);
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
