import type { Mend } from "../../model/edit.ts";
import type { Kinds } from "../../model/kinds.ts";
import { formatName } from "../../model/object-ref.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { someOf } from "../attachment/covered-listeners.ts";
import { gatewaysGuarded, type HostList, hostLists, hostsRefused, withoutPort } from "../mesh/allowed-hosts.ts";
import { actionOf } from "../mesh/policy-conditions.ts";
import { defineRule, type Report } from "../rule.ts";

type Policy = Kinds["AuthorizationPolicy"];

/** Hosts of a list without the form that clients send which name a port. */
function withoutPortForm({ hosts }: HostList): readonly string[] {
  const withPort = new Set(hosts.filter((host) => withoutPort(host) !== host).map(withoutPort));
  return hosts.filter((host) => withoutPort(host) === host && !host.endsWith("*") && !withPort.has(host));
}

/** The form with any port beside each host. A star counts first or last in a value, not at both ends. */
function withPorts({ hosts, path }: HostList, bare: readonly string[]): { readonly mend?: Mend } {
  if (bare.some((host) => host.includes("*"))) return {};
  const edits = bare.map((host, index) => ({
    op: "set" as const,
    path: [...path, hosts.length + index],
    value: `${host}:*`,
  }));
  return { mend: { title: "add the hosts with any port", edits } };
}

function portReports(policy: Policy): readonly Report[] {
  const action = actionOf(policy);
  const report = (list: HostList, effect: (host: string) => string): readonly Report[] => {
    const bare = withoutPortForm(list);
    const [first] = bare;
    if (first === undefined) return [];
    return [
      {
        path: list.path,
        message: effect(first),
        hint: `Add ${bare.map((host) => `\`${host}:*\``).join(", ")}.`,
        ...withPorts(list, bare),
      },
    ];
  };
  if (action === "ALLOW") {
    return hostLists(policy, "hosts").flatMap((list) =>
      report(
        list,
        (host) =>
          `a client that sends the port with the host (\`${host}:80\`) is not matched by \`${host}\` and gets 403`,
      ),
    );
  }
  if (action !== "DENY") return [];
  return [
    ...hostLists(policy, "hosts").flatMap((list) =>
      report(
        list,
        (host) => `the denial is evaded by a client that sends \`${host}:80\`, which \`${host}\` does not match`,
      ),
    ),
    ...hostLists(policy, "notHosts").flatMap((list) =>
      report(
        list,
        (host) =>
          `a client that sends \`${host}:80\` is denied as well, since \`notHosts\` leaves out \`${host}\` only`,
      ),
    ),
  ];
}

function check(object: Policy, topology: Topology): readonly Report[] {
  const gateways = gatewaysGuarded(object, topology);
  if (gateways.length === 0) return [];
  const [list] = hostLists(object, "hosts");
  const blocked = gateways.flatMap((gateway): readonly Report[] => {
    const lost = actionOf(object) === "ALLOW" && list !== undefined ? hostsRefused(gateway, topology) : [];
    if (lost.length === 0 || list === undefined) return [];
    const message = `once an ALLOW policy is on \`${formatName(gateway.metadata)}\`, requests for ${someOf([...new Set(lost)])} get 403 as well`;
    return [
      {
        path: list.path,
        message,
        related: [{ object: refOf(gateway), path: ["metadata", "name"], message: "the gateway that they share" }],
      },
    ];
  });
  return [...blocked, ...portReports(object)];
}

const WAYPOINT = `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: istio-egress, name: egress-waypoint}
        spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}`;

const BOUND = ", labels: {istio.io/use-waypoint: egress-waypoint}";

const entry = (host: string): string => `
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: istio-egress, name: ${host}${BOUND}}
        spec: {hosts: [${host}], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}`;

const policy = (
  operation: string,
  action = "ALLOW",
  target = "gateway.networking.k8s.io, kind: Gateway, name: egress-waypoint",
): string => `
        ---
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {namespace: istio-egress, name: ${action.toLowerCase()}-${operation.length}}
        spec:
          targetRefs: [{group: ${target}}]
          action: ${action}
          rules: [{to: [{operation: {${operation}}}]}]`;

const ON_ENTRY = "networking.istio.io, kind: ServiceEntry, name: httpbin.org";
const HTTPBIN = 'hosts: [httpbin.org, "httpbin.org:*"], methods: [GET]';
const HOSTS = "spec.rules[0].to[0].operation.hosts";
const SHARED = WAYPOINT + entry("httpbin.org") + entry("api.github.com");

export const rule = defineRule({
  id: "waypoint-allow-blocks-other-hosts",
  kinds: ["AuthorizationPolicy"],
  reads: ["Gateway", "ServiceEntry", "Namespace", "HTTPRoute", "GRPCRoute", "DNSPolicy", "Secret", "Service"],
  severity: "warning",
  scope: "conflict",
  title: "A policy on hosts refuses or lets through more than it names",
  why: "One ALLOW policy on a gateway turns it to deny by default: whatever host no such policy names gets 403. A host that a client writes with its port is another value to Istio.",
  fix: "Target the ServiceEntry instead of the whole gateway, or list every host, each with its form `host:*`.",
  sources: [
    "Istio AuthorizationPolicy reference, Operation.hosts: both `host` and `host:*` are recommended",
    "Observed: another host on the same proxy gets 403; `httpbin.org:80` is matched by `httpbin.org:*` only",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "a second host on the same waypoint",
      finds: [{ path: HOSTS }],
      yaml: SHARED + policy(HTTPBIN),
    },
    {
      name: "a second host, bound to the waypoint by its namespace",
      finds: [{ path: HOSTS }],
      yaml: `${WAYPOINT}${(entry("httpbin.org") + entry("api.github.com")).replaceAll(BOUND, "")}
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: istio-egress${BOUND}}${policy(HTTPBIN)}`,
    },
    {
      name: "an egress gateway with two hosts",
      finds: [{ path: HOSTS }],
      yaml: `${WAYPOINT.replace("istio-waypoint", "istio")
        .replace("egress-waypoint}", 'egress-waypoint, labels: {sluice.dev/egress-gateway: "true"}}')
        .replace(
          "{name: mesh, port: 15008, protocol: HBONE}",
          "{name: a, port: 80, protocol: HTTP, hostname: httpbin.org}, {name: b, port: 80, protocol: HTTP, hostname: api.github.com}",
        )}${policy(HTTPBIN)}`,
    },
    {
      name: "a host without the form that has a port",
      finds: [{ path: HOSTS, mended: "spec.rules[0].to[0].operation.hosts[1]: httpbin.org:*" }],
      yaml: WAYPOINT + entry("httpbin.org") + policy("hosts: [httpbin.org], methods: [GET]"),
    },
    {
      name: "a denial that a port evades",
      finds: [{ path: HOSTS, mended: "spec.rules[0].to[0].operation.hosts[1]: httpbin.org:*" }],
      yaml: WAYPOINT + entry("httpbin.org") + policy("hosts: [httpbin.org]", "DENY"),
    },
    {
      name: "a denial of all other hosts",
      finds: [
        {
          path: "spec.rules[0].to[0].operation.notHosts",
          mended: "spec.rules[0].to[0].operation.notHosts[1]: httpbin.org:*",
        },
      ],
      yaml: WAYPOINT + entry("httpbin.org") + policy("notHosts: [httpbin.org]", "DENY"),
    },
  ],
  good: [
    { name: "a policy on the ServiceEntry", yaml: SHARED + policy("methods: [GET], paths: [/get]", "ALLOW", ON_ENTRY) },
    {
      name: "two policies that name all hosts together",
      yaml: SHARED + policy(HTTPBIN) + policy('hosts: [api.github.com, "api.github.com:*"]'),
    },
    { name: "a rule for every host", yaml: SHARED + policy("methods: [GET]") },
    { name: "a policy on a gateway that is not in view", yaml: entry("httpbin.org") + policy("hosts: [httpbin.org]") },
  ],
});
