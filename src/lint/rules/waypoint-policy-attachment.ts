import type { Mend } from "../../model/edit.ts";
import type { FindingScope } from "../../model/finding.ts";
import type { Kinds } from "../../model/kinds.ts";
import { defineLookup } from "../../model/object-index.ts";
import type { Topology } from "../../model/topology.ts";
import { ISTIO_ROOT_NAMESPACE } from "../../model/transport.ts";
import { isAmbient, USE_WAYPOINT_LABEL } from "../../model/waypoint-binding.ts";
import { actionOf, httpConditions, type PolicyTarget, targetsOf } from "../mesh/policy-conditions.ts";
import { defineRule, type Report } from "../rule.ts";

type Policy = Kinds["AuthorizationPolicy"];

const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";
const MANAGED = "gateway.istio.io/managed";
const WAYPOINT_MANAGER = "istio.io-mesh-controller";

const GATEWAYS_BY_NAMESPACE = defineLookup({ kinds: ["Gateway"], keysOf: ({ metadata }) => [metadata.namespace] });

/** The waypoints and the other Gateways of a namespace. */
function gatewaysIn(namespace: string, { objects, waypoints }: Topology) {
  const all = objects.having(GATEWAYS_BY_NAMESPACE, namespace);
  return {
    waypoints: all.filter((gateway) => waypoints.includes(gateway)),
    others: all.filter((gateway) => !waypoints.includes(gateway)),
  };
}

/** The waypoint as the target, when the selector says no more than its name. */
function targeting(waypoint: Kinds["Gateway"], labels: Readonly<Record<string, string>>): { readonly mend?: Mend } {
  if (Object.keys(labels).some((label) => label !== GATEWAY_NAME && label !== MANAGED)) return {};
  const { name } = waypoint.metadata;
  const target = { group: "gateway.networking.k8s.io", kind: "Gateway", name };
  return {
    mend: {
      title: `target the waypoint \`${name}\` in place of selecting its pods`,
      edits: [
        { op: "remove", path: ["spec", "selector"] },
        { op: "set", path: ["spec", "targetRefs"], value: [target] },
      ],
    },
  };
}

/** A selector that means a waypoint's pods, which waypoints pass over. */
function onWaypointPods(policy: Policy, topology: Topology): readonly Report[] {
  const labels = policy.spec?.selector?.matchLabels ?? {};
  const name = labels[GATEWAY_NAME];
  const { waypoints } = gatewaysIn(policy.metadata.namespace, topology);
  const named = waypoints.find(({ metadata }) => metadata.name === name);
  const managed = labels[MANAGED] === WAYPOINT_MANAGER;
  if (named === undefined && !managed) return [];
  const key = named === undefined ? MANAGED : GATEWAY_NAME;
  return [
    {
      path: ["spec", "selector", "matchLabels", key],
      scope: named === undefined ? "object" : "conflict",
      message: "a waypoint takes no notice of selectors, so it does not enforce this policy",
      hint: `Replace the selector by \`targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: ${named?.metadata.name ?? "<waypoint>"}}]\`.`,
      ...(named === undefined ? {} : targeting(named, labels)),
    },
  ];
}

/** A policy on HTTP that ztunnel gets: the Namespace is ambient, and no other gateway of it would enforce the policy. */
function onZtunnel(policy: Policy, topology: Topology): readonly Report[] {
  const { namespace } = policy.metadata;
  const [first] = httpConditions(policy);
  const action = actionOf(policy);
  const inView = topology.objects.get("Namespace", "", namespace) !== undefined;
  if (first === undefined || (action !== "ALLOW" && action !== "DENY")) return [];
  if (!inView || namespace === ISTIO_ROOT_NAMESPACE || !isAmbient(namespace, topology.objects)) return [];
  const { waypoints, others } = gatewaysIn(namespace, topology);
  if (others.length > 0) return [];
  const effect =
    action === "ALLOW"
      ? "the rule allows nobody, and all that no other rule allows is denied"
      : "the condition is dropped, and all that the rest of the rule matches is denied";
  return [
    {
      path: first.path,
      scope: "conflict",
      message: `without \`targetRefs\` this policy goes to ztunnel, which sees no HTTP and so no \`${first.field}\`: ${effect}`,
      hint: `Add \`targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: ${waypoints[0]?.metadata.name ?? "<waypoint>"}}]\`, or target the ServiceEntry (\`group: networking.istio.io\`).`,
    },
  ];
}

function onTarget(policy: Policy, target: PolicyTarget, topology: Topology): readonly Report[] {
  const { namespace } = policy.metadata;
  const { kind, name, path } = target;
  const warn = (field: string, message: string, hint: string, scope: FindingScope): readonly Report[] => [
    { path: [...path, field], severity: "warning", scope, message, hint },
  ];
  if (target.namespace !== undefined) {
    const hint = "Remove `namespace`, and put the policy into the namespace of its target.";
    const message = "a target is always in the policy's own namespace: Istio refuses this policy";
    const mend: Mend = { title: "remove `namespace`", edits: [{ op: "remove", path: [...path, "namespace"] }] };
    // Where it names another one, the policy may have to move instead.
    return warn("namespace", message, hint, "object").map((report) =>
      target.namespace === namespace ? { ...report, mend } : report,
    );
  }
  if (kind === "GatewayClass") {
    if (namespace === ISTIO_ROOT_NAMESPACE) return [];
    const message = `a policy for all waypoints counts in the root namespace only: in \`${namespace}\` it does nothing`;
    return warn("kind", message, `Put it into \`${ISTIO_ROOT_NAMESPACE}\`, or target a Gateway.`, "object");
  }
  if (kind !== "Gateway" && kind !== "Service" && kind !== "ServiceEntry") return [];
  const all = topology.objects.of(kind);
  const object = topology.objects.get(kind, namespace, name);
  if (object === undefined) {
    if (all.length === 0) return [];
    const elsewhere = all.filter(({ metadata }) => metadata.name === name).map(({ metadata }) => metadata.namespace);
    const where = elsewhere.length > 0 ? `, only in ${elsewhere.slice(0, 3).join(", ")}` : "";
    const message = `there is no ${kind} \`${name}\` in namespace \`${namespace}\`${where}: the policy holds nowhere`;
    return warn("name", message, "Correct the name, or put the policy into the namespace of its target.", "absence");
  }
  return object.kind === "Gateway"
    ? []
    : unbound(object, topology).flatMap((reason) =>
        warn(
          "name",
          `${kind} \`${name}\` is bound to no waypoint (${reason}), and nobody else enforces a policy that targets it`,
          `Label it \`${USE_WAYPOINT_LABEL}\` with the waypoint's name.`,
          "absence",
        ),
      );
}

/** Why no waypoint carries the traffic of a service; silent when its Namespace, which may say so, is not in view. */
function unbound({ metadata }: Kinds["Service" | "ServiceEntry"], { objects }: Topology): readonly string[] {
  const own = metadata.labels?.[USE_WAYPOINT_LABEL];
  const namespace = objects.get("Namespace", "", metadata.namespace);
  const value = own ?? namespace?.metadata.labels?.[USE_WAYPOINT_LABEL];
  if (value === "none") return [`\`${USE_WAYPOINT_LABEL}: none\``];
  return value === undefined && namespace !== undefined ? [`no label \`${USE_WAYPOINT_LABEL}\``] : [];
}

function check(object: Policy, topology: Topology): readonly Report[] {
  const targets = targetsOf(object);
  if (targets.length > 0) return targets.flatMap((target) => onTarget(object, target, topology));
  const ignored = onWaypointPods(object, topology);
  return ignored.length > 0 ? ignored : onZtunnel(object, topology);
}

const HTTP_RULES = "rules: [{to: [{operation: {hosts: [httpbin.org], methods: [GET]}}]}]";

const policy = (spec: string, rules = HTTP_RULES): string => `
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {namespace: istio-egress, name: httpbin}
        spec:
          ${spec}
          ${rules}`;

const namespace = (labels: string): string => `
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: istio-egress, labels: {${labels}}}`;

const gateway = (gatewayClass: string, listener: string): string => `
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: istio-egress, name: egress-waypoint}
        spec: {gatewayClassName: ${gatewayClass}, listeners: [${listener}]}`;

const entry = (labels: string): string => `
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: istio-egress, name: httpbin.org, labels: {${labels}}}
        spec: {hosts: [httpbin.org], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}`;

const AMBIENT = namespace("istio.io/dataplane-mode: ambient");
const WAYPOINT = gateway("istio-waypoint", "{name: mesh, port: 15008, protocol: HBONE}");
const ON_ENTRY = "targetRefs: [{group: networking.istio.io, kind: ServiceEntry, name: httpbin.org}]";
const SELECTOR = "selector: {matchLabels: {gateway.networking.k8s.io/gateway-name: egress-waypoint}}";
const BOUND = "istio.io/use-waypoint: egress-waypoint";

export const rule = defineRule({
  id: "waypoint-policy-attachment",
  kinds: ["AuthorizationPolicy"],
  reads: ["Gateway", "Namespace", "Service", "ServiceEntry"],
  severity: "error",
  scope: "object",
  title: "The policy is enforced elsewhere than at the waypoint, or nowhere",
  why: "In an ambient namespace only a waypoint sees HTTP, and it enforces only what targets it or a service bound to it. Everything else goes to ztunnel, or to nobody.",
  fix: "Add `targetRefs` that name the waypoint or the ServiceEntry.",
  sources: [
    "istio pilot/pkg/serviceregistry/ambient/authorization.go: HTTP conditions never match for ALLOW and always for DENY",
    "Istio issues 58838, 43476; analyzer message IST0166",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "a selector on the waypoint's pods",
      finds: [
        {
          path: 'spec.selector.matchLabels["gateway.networking.k8s.io/gateway-name"]',
          mended:
            '- spec.selector; spec.targetRefs: [{"group":"gateway.networking.k8s.io","kind":"Gateway","name":"egress-waypoint"}]',
        },
      ],
      yaml: policy(SELECTOR) + AMBIENT + WAYPOINT,
    },
    {
      name: "methods without any target in an ambient namespace",
      finds: [{ path: "spec.rules[0].to[0].operation.hosts" }],
      yaml: policy("action: ALLOW") + AMBIENT + WAYPOINT,
    },
    {
      name: "a denied header on a workload",
      finds: [{ path: "spec.rules[0].when[0].key" }],
      yaml:
        policy(
          "action: DENY\n          selector: {matchLabels: {app: client}}",
          "rules: [{when: [{key: 'request.headers[x-debug]', values: ['1']}]}]",
        ) + AMBIENT,
    },
    {
      name: "a ServiceEntry that does not exist",
      finds: [{ path: "spec.targetRefs[0].name", severity: "warning" }],
      yaml: policy(ON_ENTRY.replace("httpbin.org", "httpbin")) + AMBIENT + entry(BOUND),
    },
    {
      name: "a ServiceEntry without waypoint",
      finds: [{ path: "spec.targetRefs[0].name", severity: "warning" }],
      yaml: policy(ON_ENTRY) + AMBIENT + entry("app: httpbin"),
    },
    {
      name: "a target in another namespace",
      finds: [{ path: "spec.targetRefs[0].namespace", severity: "warning" }],
      yaml: policy(ON_ENTRY.replace("name:", "namespace: other, name:")),
    },
    {
      name: "all waypoints, outside of the root namespace",
      finds: [{ path: "spec.targetRefs[0].kind", severity: "warning" }],
      yaml: policy("targetRefs: [{group: gateway.networking.k8s.io, kind: GatewayClass, name: istio-waypoint}]"),
    },
  ],
  good: [
    { name: "a ServiceEntry that is bound", yaml: policy(ON_ENTRY) + AMBIENT + entry(BOUND) + WAYPOINT },
    {
      name: "conditions that ztunnel can judge",
      yaml:
        policy(
          "action: ALLOW",
          'rules: [{from: [{source: {namespaces: [team-a]}}], to: [{operation: {ports: ["80"]}}]}]',
        ) + AMBIENT,
    },
    { name: "a namespace with sidecars", yaml: policy("action: ALLOW") + namespace("istio-injection: enabled") },
    { name: "a namespace that is not in view", yaml: policy("action: ALLOW") },
    {
      name: "another gateway of the namespace, which enforces it",
      yaml: policy("action: ALLOW") + AMBIENT + gateway("istio", "{name: http, port: 80, protocol: HTTP}"),
    },
  ],
});
