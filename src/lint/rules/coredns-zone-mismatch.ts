import type { Mend } from "../../model/edit.ts";
import { COREDNS_PROVIDER, providerSecrets } from "../../model/egress-gateway.ts";
import type { FieldPath } from "../../model/field-path.ts";
import { normalizeHostname } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { corefileFaults } from "../attachment/corefile-faults.ts";
import { egressCoverage, someOf, targetPath } from "../attachment/covered-listeners.ts";
import { egressOwner } from "../attachment/egress-owners.ts";
import { isInZone, providerZones } from "../attachment/provider-zones.ts";
import { defineRule, type Report } from "../rule.ts";

type Judged = Kinds["Secret" | "DNSPolicy" | "DNSRecord" | "ConfigMap"];

/** The hostnames that a policy publishes for an egress gateway, in comparable form. */
function publishedHosts(policy: Kinds["DNSPolicy"], topology: Topology): readonly string[] {
  const names = egressCoverage(policy, topology)?.listeners.map(({ listener }) => listener.hostname ?? "") ?? [];
  return [...new Set(names.map(normalizeHostname).filter((name) => name !== undefined))];
}

const trimmed = (path: FieldPath, zones: readonly { readonly written: string }[]): Mend => ({
  title: "remove the spaces between the zones",
  edits: [{ op: "set", path, value: zones.map(({ written }) => written.trim()).join(",") }],
});

/** What is written in the Secret: spaces that become part of a zone's name, and zones wider than their hosts. */
function onSecret(secret: Kinds["Secret"], topology: Topology): readonly Report[] {
  const named = secret.type === COREDNS_PROVIDER ? providerZones(secret) : undefined;
  if (named === undefined) return [];
  const { path, zones } = named;
  const spaced = zones.filter(({ written }) => written !== written.trim()).map(({ written }) => `"${written}"`);
  const spaces: readonly Report[] =
    spaced.length === 0
      ? []
      : [
          {
            path,
            message: `spaces become part of the zone's name: no host is in ${someOf(spaced)}, so its records are never made`,
            hint: "Write the zones with commas and nothing else between them.",
            ...(path[0] === "stringData" ? { mend: trimmed(path, zones) } : {}),
          },
        ];
  const users = topology.objects
    .of("DNSPolicy")
    .filter((policy) => providerSecrets(policy, topology.objects).includes(secret));
  const hosts = [...new Set(users.flatMap((policy) => publishedHosts(policy, topology)))];
  const wide = zones.flatMap(({ zone }): readonly Report[] => {
    if (zone === undefined) return [];
    const below = hosts.filter((host) => host !== zone && isInZone(host, zone) && !host.startsWith("*."));
    const [first] = below;
    if (first === undefined || hosts.includes(`*.${zone}`)) return [];
    return [
      {
        path,
        message: `zone \`${zone}\` makes Kuadrant's CoreDNS authoritative for all of it: names beside ${someOf(below)} do not resolve in the pods that ask it`,
        hint: `Name the hosts themselves: \`ZONES=${below.join(",")}\`.`,
      },
    ];
  });
  return [...spaces, ...wide];
}

/** Hosts that no zone holds, when the zones of every provider are in view. */
function outside(hosts: readonly string[], secrets: readonly Kinds["Secret"][]): readonly string[] {
  const known = secrets.map((secret) => (secret.type === COREDNS_PROVIDER ? providerZones(secret) : undefined));
  if (known.length === 0 || known.includes(undefined)) return [];
  const zones = known.flatMap((named) => named?.zones ?? []).map(({ zone }) => zone);
  return hosts.filter((host) => {
    const name = host.startsWith("*.") ? host.slice(2) : host;
    return !zones.some((zone) => zone !== undefined && isInZone(name, zone));
  });
}

const related = (secrets: readonly Kinds["Secret"][]) =>
  secrets.map((secret) => ({ object: refOf(secret), path: providerZones(secret)?.path ?? [], message: "the zones" }));

function onPolicy(policy: Kinds["DNSPolicy"], topology: Topology): readonly Report[] {
  const secrets = providerSecrets(policy, topology.objects);
  if (secrets.length < (policy.spec?.providerRefs ?? []).length) return [];
  const lost = outside(publishedHosts(policy, topology), secrets);
  if (lost.length === 0) return [];
  const path = policy.spec?.providerRefs === undefined ? targetPath(policy) : ["spec", "providerRefs", 0, "name"];
  const message = `no zone of the provider holds ${someOf(lost)}, so no record is made and pods resolve the real address`;
  return [{ path, message, related: related(secrets) }];
}

/** A record that someone wrote by hand; those of a DNSPolicy are reported there. */
function onRecord(record: Kinds["DNSRecord"], topology: Topology): readonly Report[] {
  const { rootHost = "", providerRef } = record.spec ?? {};
  const host = normalizeHostname(rootHost);
  const made = record.metadata.ownerReferences?.some(({ kind }) => kind === "DNSPolicy") === true;
  if (made || host === undefined || egressOwner(host, topology) === undefined) return [];
  const secret = topology.objects.get("Secret", record.metadata.namespace, providerRef?.name ?? "");
  if (secret === undefined || outside([host], [secret]).length === 0) return [];
  const message = `no zone of the provider holds ${host}, so no record is made and pods resolve the real address`;
  return [{ path: ["spec", "rootHost"], message, related: related([secret]) }];
}

function check(object: Judged, topology: Topology): readonly Report[] {
  if (object.kind === "Secret") return onSecret(object, topology);
  if (object.kind === "ConfigMap") return corefileFaults(object, topology);
  return object.kind === "DNSPolicy" ? onPolicy(object, topology) : onRecord(object, topology);
}

const secret = (zones: string): string => `
        apiVersion: v1
        kind: Secret
        metadata: {namespace: gateway-system, name: coredns}
        type: kuadrant.io/coredns
        ${zones}`;

const GATEWAY = `
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress, labels: {sluice.dev/egress-gateway: "true"}}
        spec:
          gatewayClassName: istio
          listeners:
            - {name: openai, port: 80, protocol: HTTP, hostname: api.openai.com}
            - {name: anthropic, port: 80, protocol: HTTP, hostname: api.anthropic.com}`;

/** The same as the first of a file. */
const ALONE = GATEWAY.replace("---", "");

const POLICY = `
        ---
        apiVersion: kuadrant.io/v1
        kind: DNSPolicy
        metadata: {namespace: gateway-system, name: egress}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
          providerRefs: [{name: coredns}]`;

const record = (owner = ""): string => `
        ---
        apiVersion: kuadrant.io/v1alpha1
        kind: DNSRecord
        metadata: {namespace: gateway-system, name: anthropic${owner}}
        spec:
          rootHost: api.anthropic.com
          providerRef: {name: coredns}
          endpoints: [{dnsName: api.anthropic.com, recordType: A, recordTTL: 60, targets: [10.96.12.7]}]`;

/** A ConfigMap with a Corefile of these lines. */
const corefile = (lines: readonly string[], name = "gateway-system, name: kuadrant-coredns"): string =>
  `
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {namespace: ${name}}
        data:
          Corefile: |${lines.map((line) => `\n            ${line}`).join("")}`;

const service = (namespace: string, address: string): string => `
        ---
        apiVersion: v1
        kind: Service
        metadata: {namespace: ${namespace}, name: dns}
        spec: {clusterIP: ${address}, ports: [{port: 53, protocol: UDP}]}`;

const OPENAI = ["api.openai.com {", "  kuadrant", "}"];
const ANTHROPIC = ["api.anthropic.com {", "  kuadrant", "}"];
const rest = (upstream: string): readonly string[] => [". {", `  forward . ${upstream}`, "}"];
const REST = rest("10.96.0.10");

const COREFILE = "data.Corefile";

const BOTH = 'stringData: {ZONES: "api.openai.com,api.anthropic.com"}';
const ONE = "stringData: {ZONES: api.openai.com}";

export const rule = defineRule({
  id: "coredns-zone-mismatch",
  kinds: ["Secret", "DNSPolicy", "DNSRecord", "ConfigMap"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute", "Service"],
  severity: "warning",
  scope: "conflict",
  title: "The zones of Kuadrant's CoreDNS do not fit the egress hosts",
  why: "The server answers with authority for the whole zone: a host outside of all zones gets no record, a zone wider than its hosts takes every other name of that domain away, and a zone without a `kuadrant` block in the Corefile, or a Corefile without a block for all other names, leaves pods with real addresses or none. Sluice's own resolver has no zones and is not concerned.",
  fix: "Name one zone for each host: `ZONES=api.openai.com,api.anthropic.com`, give each a block with `kuadrant` in the Corefile, and forward all other names.",
  sources: [
    "Kuadrant user guide, DNS for egress: one zone for each host name",
    "dns-operator: CoreDNS provider, ZONES is split at commas; plugin, authoritative answers",
    "CoreDNS manual: a server block answers for its zones alone; plugin forward, loops",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "a space after the comma",
      finds: [{ path: "stringData.ZONES", mended: "openai.com,anthropic.com" }],
      yaml: secret('stringData: {ZONES: "openai.com, anthropic.com"}'),
    },
    {
      name: "a zone wider than its host, in the encoded form",
      finds: [{ path: "data.ZONES" }],
      yaml: secret("data: {ZONES: b3BlbmFpLmNvbSxhcGkuYW50aHJvcGljLmNvbQ==}") + GATEWAY + POLICY,
    },
    {
      name: "a listener's host in no zone",
      finds: [{ path: "spec.providerRefs[0].name" }],
      yaml: secret(ONE) + GATEWAY + POLICY,
    },
    {
      name: "a record's host in no zone",
      finds: [{ path: "spec.rootHost" }],
      yaml: secret(ONE) + GATEWAY + record(),
    },
    {
      name: "a block of the Corefile that is wider than its host",
      finds: [{ path: COREFILE, text: "openai.com" }],
      yaml: ALONE + corefile(["openai.com {", "  kuadrant", "}", ...ANTHROPIC, ...REST]),
    },
    {
      name: "a zone of the provider without a block in the Corefile",
      finds: [{ path: COREFILE, text: "api.openai.com" }],
      yaml: secret(BOTH) + GATEWAY + corefile([...OPENAI, ...REST]),
    },
    {
      name: "a Corefile without a block for all other names",
      finds: [{ path: COREFILE, text: "api.openai.com" }],
      yaml: ALONE + corefile([...OPENAI, ...ANTHROPIC]),
    },
    {
      name: "a block for all other names that sends them nowhere",
      finds: [{ path: COREFILE, text: "api.openai.com" }],
      yaml: ALONE + corefile([...OPENAI, ...ANTHROPIC, ". {", "  errors", "}"]),
    },
    {
      name: "all other names to the resolver of the pod",
      finds: [{ path: COREFILE, text: "/etc/resolv.conf" }],
      yaml: ALONE + corefile([...OPENAI, ...rest("/etc/resolv.conf")]),
    },
    {
      name: "all other names to the server itself",
      finds: [{ path: COREFILE, text: "127.0.0.1:53" }],
      yaml: ALONE + corefile([...OPENAI, ...rest("127.0.0.1:53 9.9.9.9")]),
    },
    {
      name: "all other names to a resolver that forwards back",
      finds: [{ path: COREFILE, text: "10.96.0.10" }],
      yaml:
        ALONE +
        corefile([...OPENAI, ...REST]) +
        corefile(rest("10.96.7.7"), "kube-system, name: coredns") +
        service("gateway-system", "10.96.7.7") +
        service("kube-system", "10.96.0.10"),
    },
  ],
  good: [
    {
      name: "a block for each host, and one for all other names",
      yaml:
        secret(BOTH) +
        GATEWAY +
        corefile(["api.openai.com api.anthropic.com {", "  kuadrant", "}", ...REST]) +
        service("kube-system", "10.96.0.10"),
    },
    {
      name: "the cluster's own Corefile, in which Kuadrant has no part",
      yaml: secret(BOTH) + GATEWAY + corefile(rest("/etc/resolv.conf"), "kube-system, name: coredns"),
    },
    {
      name: "a server for zones that no egress gateway uses, which forwards nothing",
      yaml: ALONE + corefile(["k.example.org {", "  kuadrant", "}"]),
    },
    {
      name: "a Corefile of which a part is not in view",
      yaml: secret(BOTH) + GATEWAY + corefile([...OPENAI, "import /etc/coredns/more/*"]),
    },
    {
      name: "a Corefile that does not parse",
      yaml: secret(BOTH) + GATEWAY + corefile([...OPENAI, "api.anthropic.com {", "  kuadrant"]),
    },
    {
      name: "all other names to a resolver that forwards elsewhere",
      yaml:
        ALONE +
        corefile([...OPENAI, ...REST]) +
        corefile(rest("9.9.9.9"), "kube-system, name: coredns") +
        service("gateway-system", "10.96.7.7") +
        service("kube-system", "10.96.0.10"),
    },
    { name: "a zone for each host", yaml: secret(BOTH) + GATEWAY + POLICY + record() },
    { name: "a wide zone that no egress gateway uses", yaml: secret("stringData: {ZONES: openai.com}") },
    { name: "zones that are not in view", yaml: secret("stringData: {}") + GATEWAY + POLICY },
    {
      name: "a record that a DNSPolicy made",
      yaml:
        secret(ONE) +
        GATEWAY +
        record(", ownerReferences: [{apiVersion: kuadrant.io/v1, kind: DNSPolicy, name: egress, uid: a}]"),
    },
  ],
});
