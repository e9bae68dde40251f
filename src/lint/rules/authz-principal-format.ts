import type { Mend } from "../../model/edit.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type { Kinds } from "../../model/kinds.ts";
import { formatName } from "../../model/object-ref.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { actionOf, targetsOf } from "../mesh/policy-conditions.ts";
import { defineRule, type Report } from "../rule.ts";

type Policy = Kinds["AuthorizationPolicy"];
type Source = { readonly value: string; readonly path: FieldPath; readonly field: string; readonly negated: boolean };

/** Every value of a policy that is compared with the caller's certificate. */
function sourcesOf({ spec }: Policy): readonly Source[] {
  return (spec?.rules ?? []).flatMap(({ from = [], when = [] }, rule) => {
    const values = (list: readonly string[] | undefined, field: string, at: FieldPath, negated: boolean) =>
      (list ?? []).map(
        (value, index): Source => ({
          value,
          field,
          negated,
          path: ["spec", "rules", rule, ...at, index],
        }),
      );
    return [
      ...from.flatMap(({ source = {} }, index) =>
        (["principals", "notPrincipals", "namespaces", "notNamespaces"] as const).flatMap((field) =>
          values(source[field], field, ["from", index, "source", field], field.startsWith("not")),
        ),
      ),
      ...when.flatMap(({ key, values: given, notValues }, index) =>
        key !== "source.principal"
          ? []
          : [
              ...values(given, "principals", ["when", index, "values"], false),
              ...values(notValues, "notPrincipals", ["when", index, "notValues"], true),
            ],
      ),
    ];
  });
}

const ACCOUNT = /^system:serviceaccount:([^:]*):([^:]*)$/;

/** How a value must be written; undefined when it is well-formed. */
function wellFormed({ value, field }: Source): string | undefined {
  const account = ACCOUNT.exec(value);
  if (field === "namespaces" || field === "notNamespaces") return account === null ? undefined : account[1];
  if (account !== null) return `cluster.local/ns/${account[1]}/sa/${account[2]}`;
  if (value.startsWith(SCHEME)) return value.slice(SCHEME.length);
  const middle = value.replace(/^\*/, "").replace(/\*$/, "");
  if (middle.includes("*")) return "<trust domain>/ns/<namespace>/sa/<account>, with `*` only first or last";
  if (value.includes("*") || /^[^/]+\/ns\/[^/]+\/sa\/[^/]+$/.test(value)) return undefined;
  const [, namespace, account2] = /^(?:ns\/)?([a-z0-9-]+)\/(?:sa\/)?([a-z0-9-]+)$/.exec(value) ?? [];
  return `cluster.local/ns/${namespace ?? "<namespace>"}/sa/${account2 ?? "<account>"}`;
}

const SCHEME = "spiffe://";

/** The scheme is Istio's to add. A trust domain that is not written cannot be known. */
const mendFor = (source: Source, right: string): Mend | undefined =>
  source.value.startsWith(SCHEME) && wellFormed({ ...source, value: right }) === undefined
    ? {
        title: "remove `spiffe://`, which Istio adds",
        edits: [{ op: "replace-text", path: source.path, range: { start: 0, end: SCHEME.length }, text: "" }],
      }
    : undefined;

const outcome = (policy: Policy, negated: boolean): string => {
  if (negated) return "so it leaves nobody out";
  return actionOf(policy) === "DENY" ? "so nobody is denied by it" : "so nobody is allowed by it, and requests get 403";
};

/** An egress gateway that the policy targets, whose listeners all take plain HTTP: callers show no certificate there. */
function plainGateway(policy: Policy, { objects, egressGateways }: Topology): Kinds["Gateway"] | undefined {
  const gateways = targetsOf(policy)
    .filter(({ kind }) => kind === "Gateway")
    .map(({ name }) => objects.get("Gateway", policy.metadata.namespace, name));
  return gateways.find((gateway): gateway is Kinds["Gateway"] => {
    if (gateway === undefined || !egressGateways.includes(gateway)) return false;
    const labels = [gateway.metadata.labels, gateway.spec?.infrastructure?.labels];
    const inMesh = labels.some((one) => one?.["istio.io/dataplane-mode"] === "ambient");
    return !inMesh && (gateway.spec?.listeners ?? []).every(({ protocol }) => protocol === "HTTP");
  });
}

function check(object: Policy, topology: Topology): readonly Report[] {
  const sources = sourcesOf(object);
  const plain = plainGateway(object, topology);
  const malformed = sources.flatMap((source): readonly Report[] => {
    const right = wellFormed(source);
    if (right === undefined) return [];
    const message = `\`${source.value}\` never matches, ${outcome(object, source.negated)}`;
    const mend = plain === undefined ? mendFor(source, right) : undefined;
    return [{ path: source.path, message, hint: `Write \`${right}\`.`, ...(mend === undefined ? {} : { mend }) }];
  });
  const gateway = malformed.length > 0 ? undefined : plain;
  const first = sources.find(({ negated }) => !negated);
  if (gateway === undefined || first === undefined) return malformed;
  return [
    {
      path: first.path,
      scope: "conflict",
      message: `callers reach egress gateway \`${formatName(gateway.metadata)}\` by plain HTTP and show no certificate: \`${first.value}\` never matches there, ${outcome(object, false)}`,
      hint: "Identify workloads with an AuthPolicy (`kubernetesTokenReview`) at an egress gateway.",
      related: [{ object: refOf(gateway), path: ["spec", "listeners"], message: "only listeners for plain HTTP" }],
    },
  ];
}

const policy = (rules: string, more = ""): string => `
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {namespace: istio-egress, name: callers}
        spec:${more}
          rules: [${rules}]`;

const from = (source: string): string => policy(`{from: [{source: {${source}}}]}`);

const gateway = (protocol: string): string => `
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: istio-egress, name: egress, labels: {sluice.dev/egress-gateway: "true"}}
        spec: {gatewayClassName: istio, listeners: [{name: all, port: 80, protocol: ${protocol}}]}`;

const ON_GATEWAY = "\n          targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: egress}]";
const RIGHT = '{from: [{source: {principals: ["cluster.local/ns/team-a/sa/default"]}}]}';
const FIRST = "spec.rules[0].from[0].source.principals[0]";

export const rule = defineRule({
  id: "authz-principal-format",
  kinds: ["AuthorizationPolicy"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute", "DNSPolicy", "Secret", "Service"],
  severity: "error",
  scope: "object",
  title: "The policy names callers in a form that never matches",
  why: "Istio compares the caller's certificate with `<trust domain>/ns/<namespace>/sa/<account>`. Any other form matches nobody: ALLOW then refuses everyone, and DENY lets everyone pass.",
  fix: "Write `<trust domain>/ns/<namespace>/sa/<account>`.",
  sources: [
    "Istio AuthorizationPolicy reference, Source: principals and namespaces are taken from the peer's certificate",
    "istio pilot/pkg/security/authz/matcher: the prefix spiffe:// is added; a `*` counts only first or last",
    "Observed: a rule on principals at a gateway for plain HTTP refuses every request with 403",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "the scheme in front",
      finds: [{ path: FIRST, mended: "cluster.local/ns/team-a/sa/default" }],
      yaml: from('principals: ["spiffe://cluster.local/ns/team-a/sa/default"]'),
    },
    {
      name: "the name that the API server uses",
      finds: [{ path: "spec.rules[0].from[0].source.notPrincipals[0]" }],
      yaml: from('notPrincipals: ["system:serviceaccount:team-a:default"]'),
    },
    { name: "namespace and account only", finds: [{ path: FIRST }], yaml: from("principals: [team-a/default]") },
    { name: "an account only", finds: [{ path: FIRST }], yaml: from("principals: [default]") },
    { name: "a star in the middle", finds: [{ path: FIRST }], yaml: from('principals: ["*/ns/team-a/sa/*/x"]') },
    {
      name: "an account in namespaces",
      finds: [{ path: "spec.rules[0].from[0].source.namespaces[0]" }],
      yaml: from('namespaces: ["system:serviceaccount:team-a:default"]'),
    },
    {
      name: "a condition on the principal",
      finds: [{ path: "spec.rules[0].when[0].values[0]" }],
      yaml: policy("{when: [{key: source.principal, values: [team-a]}]}", "\n          action: DENY"),
    },
    {
      name: "principals at an egress gateway for plain HTTP",
      finds: [{ path: FIRST }],
      yaml: policy(RIGHT, ON_GATEWAY) + gateway("HTTP"),
    },
  ],
  good: [
    { name: "the whole form", yaml: policy(RIGHT) },
    { name: "a star at the end", yaml: from('principals: ["cluster.local/ns/team-a/sa/*"]') },
    { name: "a star in front", yaml: from('principals: ["*/ns/team-a/sa/default"], namespaces: [team-a]') },
    { name: "anyone in the mesh", yaml: from('principals: ["*"]') },
    { name: "principals at a gateway that checks certificates", yaml: policy(RIGHT, ON_GATEWAY) + gateway("HTTPS") },
  ],
});
