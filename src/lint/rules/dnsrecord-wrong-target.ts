import { canonicalAddress } from "../../model/address.ts";
import type { Mend } from "../../model/edit.ts";
import type { EgressHostname } from "../../model/egress.ts";
import type { FieldPath } from "../../model/field-path.ts";
import { normalizeHostname } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";
import type { Topology } from "../../model/topology.ts";
import { someOf } from "../attachment/covered-listeners.ts";
import { egressOwner } from "../attachment/egress-owners.ts";
import { isInZone } from "../attachment/provider-zones.ts";
import { defineRule, type Report } from "../rule.ts";

type DnsRecord = Kinds["DNSRecord"];
type Endpoint = NonNullable<NonNullable<DnsRecord["spec"]>["endpoints"]>[number];

/** The addresses of a gateway change with its Service: no answer may outlive that for longer. */
const MOST_SECONDS = 300;

const unstarred = (name: string): string => name.replace(/^\*\./, "");

/** What the controller refuses, or no resolver can use. */
function malformed(endpoint: Endpoint, rootHost: string, at: FieldPath): readonly Report[] {
  const { dnsName = "", recordType = "", targets = [] } = endpoint;
  const [name, root] = [normalizeHostname(dnsName), normalizeHostname(rootHost)];
  const astray: readonly Report[] =
    name === undefined || root === undefined || isInZone(unstarred(name), unstarred(root))
      ? []
      : [
          {
            path: [...at, "dnsName"],
            message: `\`${dnsName}\` is neither \`${rootHost}\` nor below it: the controller refuses the record`,
            hint: `Use \`${rootHost}\`, or a name below it.`,
          },
        ];
  const mend = rightType(endpoint, at);
  const bad = targets.flatMap((target, index) => badTarget(recordType, target, [...at, "targets", index]));
  return [...astray, ...bad.map((report) => (mend === undefined ? report : { ...report, mend }))];
}

/** The type of a record whose targets are all addresses of one family. A name may be a mistake for an address. */
function rightType({ recordType = "", targets = [] }: Endpoint, at: FieldPath): Mend | undefined {
  const families = new Set(targets.map(familyOf));
  const [family] = families;
  if (families.size !== 1 || family === undefined || family === recordType) return undefined;
  return {
    title: `set the type to ${family}, which the addresses have`,
    edits: [{ op: "set", path: [...at, "recordType"], value: family }],
  };
}

function familyOf(target: string): "A" | "AAAA" | undefined {
  const address = canonicalAddress(target);
  return address === undefined ? undefined : address.includes(":") ? "AAAA" : "A";
}

function badTarget(recordType: string, target: string, path: FieldPath): readonly Report[] {
  const version = familyOf(target);
  if (recordType === "CNAME" && version !== undefined) {
    const message = `a CNAME leads to a name, and \`${target}\` is an address: the provider refuses the record`;
    return [{ path, message, hint: `Use \`recordType: ${version}\`.` }];
  }
  if (recordType !== "A" && recordType !== "AAAA") return [];
  if (version === recordType) return [];
  const what = version === undefined ? "a name" : "an address of the other family";
  const message = `an ${recordType} record holds addresses of its family, and \`${target}\` is ${what}: the provider refuses the record`;
  return [{ path, message, hint: `Use \`recordType: ${version ?? "CNAME"}\`, or an address.` }];
}

/** Targets that are not the gateway that owns the name; silent where its addresses are not known. */
function astrayTargets(
  record: DnsRecord,
  endpoint: Endpoint,
  owner: EgressHostname,
  topology: Topology,
): readonly number[] {
  const gateway = topology.objects.get("Gateway", owner.gateway.namespace, owner.gateway.name);
  const given = (gateway?.status?.addresses ?? []).map(({ value = "" }) => value);
  const addresses = new Set(
    [...given, ...(owner.state.status === "ready" ? owner.state.addresses : [])].map(comparable),
  );
  const links = new Set((record.spec?.endpoints ?? []).map(({ dnsName = "" }) => comparable(dnsName)));
  if (owner.state.status !== "ready") return [];
  return (endpoint.targets ?? []).flatMap((target, index) => {
    const value = comparable(target);
    const inCluster = value.endsWith(`.svc.${topology.settings.clusterDomain}`);
    return addresses.has(value) || links.has(value) || inCluster ? [] : [index];
  });
}

const comparable = (target: string): string => canonicalAddress(target) ?? normalizeHostname(target) ?? target;

/** What is wrong with an endpoint of a name that an egress gateway owns. */
function pastTheGateway(record: DnsRecord, endpoint: Endpoint, at: FieldPath, topology: Topology): readonly Report[] {
  const { dnsName = "", recordType = "", recordTTL, targets = [] } = endpoint;
  const owner = egressOwner(dnsName, topology);
  if (owner === undefined) return [];
  const gateway = `\`${owner.gateway.namespace}/${owner.gateway.name}\``;
  const steers = recordType === "A" || recordType === "AAAA" || recordType === "CNAME";
  const astray = steers ? astrayTargets(record, endpoint, owner, topology) : [];
  const known = owner.state.status === "ready" ? someOf(owner.state.addresses) : "";
  const past = astray.map((index): Report => {
    const message = `\`${targets[index]}\` is no address of egress gateway ${gateway} (${known}), so pods go past it`;
    return { path: [...at, "targets", index], severity: "warning", scope: "conflict", message };
  });
  if (recordTTL === undefined || (recordTTL > 0 && recordTTL <= MOST_SECONDS)) return past;
  const message =
    recordTTL > 0
      ? `resolvers keep the answer for ${recordTTL} s: pods go to an address that gateway ${gateway} may have lost meanwhile`
      : "a TTL of 0 counts as none, so the provider's own default holds, which may be hours";
  const hint = `Use a \`recordTTL\` between 1 and ${MOST_SECONDS} seconds, for example 60.`;
  return [...past, { path: [...at, "recordTTL"], severity: "warning", scope: "conflict", message, hint }];
}

function check(object: DnsRecord, topology: Topology): readonly Report[] {
  const { rootHost = "", endpoints = [] } = object.spec ?? {};
  const made = object.metadata.ownerReferences?.some(({ kind }) => kind === "DNSPolicy") === true;
  const reports = endpoints.flatMap((endpoint, index) => {
    const at = ["spec", "endpoints", index];
    return [...malformed(endpoint, rootHost, at), ...pastTheGateway(object, endpoint, at, topology)];
  });
  return made ? reports.map((report) => ({ ...report, severity: "warning" })) : reports;
}

const record = (endpoint: string, owner = ""): string => `
        apiVersion: kuadrant.io/v1alpha1
        kind: DNSRecord
        metadata: {namespace: gateway-system, name: openai${owner}}
        spec:
          rootHost: api.openai.com
          endpoints: [{${endpoint}}]`;

const GATEWAY = `
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress}
        spec:
          gatewayClassName: istio
          listeners: [{name: openai, port: 80, protocol: HTTP, hostname: api.openai.com}]
        status: {addresses: [{type: IPAddress, value: 10.96.12.7}]}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]}]`;

const NAME = "dnsName: api.openai.com";
const GOOD = `${NAME}, recordType: A, recordTTL: 60, targets: [10.96.12.7]`;
const ABOVE = "dnsName: openai.com, recordType: A, recordTTL: 60, targets: [10.96.12.7]";
const OWNED = ", ownerReferences: [{apiVersion: kuadrant.io/v1, kind: DNSPolicy, name: egress, uid: a}]";
const TARGET = "spec.endpoints[0].targets[0]";

export const rule = defineRule({
  id: "dnsrecord-wrong-target",
  kinds: ["DNSRecord"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute", "Service", "EndpointSlice", "DNSPolicy", "Secret"],
  severity: "error",
  scope: "object",
  title: "The DNSRecord is refused, or leads past the egress gateway",
  why: "A record that is refused does not exist, and one with another target steers pods somewhere else: either way requests leave without any policy.",
  fix: "Use the addresses of the egress gateway as targets.",
  sources: ["dns-operator: DNSRecord.Validate", "RFC 1035 section 3.3.1 and 3.4.1: what CNAME and A hold"],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "a name above the root host",
      finds: [{ path: "spec.endpoints[0].dnsName" }],
      yaml: record(ABOVE),
    },
    {
      name: "a host name in an A record",
      finds: [{ path: TARGET }],
      yaml: record(`${NAME}, recordType: A, recordTTL: 60, targets: [egress.example.com]`),
    },
    {
      name: "an address in a CNAME",
      finds: [{ path: TARGET, mended: "spec.endpoints[0].recordType: A" }],
      yaml: record(`${NAME}, recordType: CNAME, recordTTL: 60, targets: [10.96.12.7]`),
    },
    {
      name: "an address that the gateway does not have",
      finds: [{ path: TARGET, severity: "warning" }],
      yaml: record(`${NAME}, recordType: A, recordTTL: 60, targets: [10.96.99.1]`) + GATEWAY,
    },
    {
      name: "an answer that is kept for an hour",
      finds: [{ path: "spec.endpoints[0].recordTTL", severity: "warning" }],
      yaml: record(GOOD.replace("60", "3600")) + GATEWAY,
    },
    {
      name: "a TTL of 0",
      finds: [{ path: "spec.endpoints[0].recordTTL", severity: "warning" }],
      yaml: record(GOOD.replace("60", "0")) + GATEWAY,
    },
    {
      name: "a record that a DNSPolicy made",
      finds: [{ path: "spec.endpoints[0].dnsName", severity: "warning" }],
      yaml: record(ABOVE, OWNED),
    },
  ],
  good: [
    { name: "the gateway's address", yaml: record(GOOD) + GATEWAY },
    {
      name: "a chain of names that ends at the gateway",
      yaml:
        record(
          `${NAME}, recordType: CNAME, recordTTL: 300, targets: [klb.api.openai.com]}, {${GOOD.replace("api.", "klb.api.")}`,
        ) + GATEWAY,
    },
    {
      name: "a name that no egress gateway owns",
      yaml: record(`${NAME}, recordType: A, recordTTL: 3600, targets: [203.0.113.7]`),
    },
  ],
});
