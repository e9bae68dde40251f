import { isEgressRoute } from "../../model/egress-gateway.ts";
import type { Severity } from "../../model/finding.ts";
import type { Kinds } from "../../model/kinds.ts";
import type { Topology } from "../../model/topology.ts";
import { type AuthBlockFlow, authFlows, differentViews, viewsOf } from "../auth/auth-flow.ts";
import { requestPath } from "../auth/dependence.ts";
import { GATEWAY, POLICY, ROUTE } from "../auth/example-objects.ts";
import { contextsOf, injectedCredentials } from "../auth/injection.ts";
import { type AttributeRead, attributeReads, spellPath } from "../expressions/attribute-reads.ts";
import { type CelSite, celSites } from "../expressions/expression-sites.ts";
import { defineRule, type Report } from "../rule.ts";

type AuthPolicy = Kinds["AuthPolicy"];

/** What a condition of the gateway reads that makes it a bad place for it, the worst first. */
type Reason = "identity" | "caller" | "path";

const CALLER_FIELDS = new Set(["headers", "query", "method", "useragent", "user_agent", "referer", "body"]);

function reasonOf({ names }: AttributeRead): Reason | undefined {
  const [root, field = ""] = requestPath(names);
  if (root === "auth") return "identity";
  if (root !== "request") return undefined;
  if (CALLER_FIELDS.has(field)) return "caller";
  return field === "path" || field === "url_path" ? "path" : undefined;
}

type Outlook = {
  /** Whether requests leave the cluster, as far as that can be told. */
  readonly egress: boolean;
  readonly injects: boolean;
};

function outlookOf(policy: AuthPolicy, flows: readonly AuthBlockFlow[], topology: Topology): Outlook {
  const contexts = flows.flatMap((flow) => contextsOf(flow, topology));
  const injects = contexts.some((context) => injectedCredentials(context).length > 0);
  const views = viewsOf(policy, topology);
  const egress =
    differentViews(policy, topology).length === 0
      ? injects
      : views.some(({ on }) => isEgressRoute(on.attachment.route, topology.objects));
  return { egress, injects };
}

const applies = (reason: Reason, { egress, injects }: Outlook): boolean => {
  if (reason === "identity") return true;
  return egress && (reason === "caller" || injects);
};

const MESSAGES: Record<Reason, string> = {
  identity:
    "before authentication there is no identity, so that the condition is never decided and the request passes without authentication",
  caller: "the caller chooses this value, and so whether it is authenticated",
  path: "every other path skips authentication",
};

function reportOn(site: CelSite, outlook: Outlook): readonly Report[] {
  const reads = attributeReads(site).flatMap((read) => {
    const reason = reasonOf(read);
    return reason === undefined || !applies(reason, outlook) ? [] : [{ read, reason }];
  });
  const worst = (["identity", "caller", "path"] as const)
    .map((reason) => reads.find((candidate) => candidate.reason === reason))
    .find((found) => found !== undefined);
  if (worst === undefined) return [];
  const { read, reason } = worst;
  const severity: Severity = reason === "identity" ? "error" : "warning";
  const injection = outlook.injects ? " and injection: its own token then goes upstream" : "";
  return [
    {
      path: site.path,
      range: { start: read.start, end: read.end },
      severity,
      message: `top-level \`when\` decides in the gateway whether authorization runs at all; \`${spellPath(read.names)}\`: ${MESSAGES[reason]}${reason === "identity" ? "" : injection}`,
    },
  ];
}

export const rule = defineRule({
  id: "auth-toplevel-when",
  kinds: ["AuthPolicy"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute", "Service"],
  severity: "error",
  scope: "object",
  title: "A top-level `when` lets requests skip authentication",
  why: "The gateway evaluates it before it asks Authorino. Where it does not hold nothing is authenticated, refused or injected: the request goes on as the caller sent it.",
  fix: "Move the condition to `when` of the item that needs it, which Authorino evaluates once the identity is known, or use a route of its own.",
  sources: [
    "kuadrant-operator ae698811 internal/wasm: `when` becomes a predicate of the gateway's auth action",
    "wasm-shim af0f9b4: an action whose predicate does not hold is skipped, and one that waits for `auth` is never decided",
  ],
  since: "0.2.0",

  check(object, topology) {
    const sites = celSites(object).filter(({ engine }) => engine === "wasm");
    if (sites.length === 0) return [];
    const outlook = outlookOf(object, authFlows(object), topology);
    return sites.flatMap((site) => reportOn(site, outlook));
  },

  bad: [
    {
      name: "a header that the caller can send, on a route that leads out",
      finds: [{ path: "spec.when[0].predicate", text: "request.headers", severity: "warning" }],
      yaml: `${POLICY}
          when: [{predicate: "!('x-internal' in request.headers)"}]
          rules:
            authentication: {sa: {kubernetesTokenReview: {audiences: [egress-gateway]}}}
        ---${GATEWAY}
        ---${ROUTE}`,
    },
    {
      name: "an identity that does not exist yet, in defaults",
      finds: [{ path: "spec.defaults.when[0].predicate", text: "auth.identity.user.username" }],
      yaml: `${POLICY}
          defaults:
            when: [{predicate: "request.method == 'GET' && auth.identity.user.username != ''"}]
            rules:
              authentication: {sa: {kubernetesTokenReview: {audiences: [egress-gateway]}}}`,
    },
    {
      name: "one path of a policy that injects, its route not in view",
      finds: [{ path: "spec.when[0].predicate", text: "request.url_path", severity: "warning" }],
      yaml: `${POLICY}
          when: [{predicate: "request.url_path.startsWith('/v1/chat')"}]
          rules:
            authentication: {sa: {kubernetesTokenReview: {audiences: [egress-gateway]}}}
            response: {success: {headers: {authorization: {plain: {expression: "'Bearer ' + auth.identity.key"}}}}}`,
    },
  ],
  good: [
    {
      name: "the condition on the item",
      yaml: `${POLICY}
          rules:
            authentication: {sa: {kubernetesTokenReview: {audiences: [egress-gateway]}}}
            authorization:
              writes:
                when: [{predicate: "request.method != 'GET'"}]
                patternMatching: {patterns: [{predicate: "auth.identity.user.username.endsWith(':writer')"}]}
        ---${GATEWAY}
        ---${ROUTE}`,
    },
    {
      name: "a health check and CORS on a route that stays in the cluster",
      yaml: `${POLICY}
          when: [{predicate: "request.method != 'OPTIONS'"}, {predicate: "request.url_path != '/healthz'"}]
          rules:
            authentication: {sa: {kubernetesTokenReview: {audiences: [egress-gateway]}}}
        ---${GATEWAY}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: provider}
        spec:
          parentRefs: [{name: egress}]
          rules: [{backendRefs: [{name: web, port: 80}]}]`,
    },
    {
      name: "the host of a route that leads out, and a path of a policy that injects nothing",
      yaml: `${POLICY}
          when: [{predicate: "request.host == 'api.example.com'"}, {predicate: "request.url_path != '/healthz'"}]
          rules:
            authentication: {sa: {kubernetesTokenReview: {audiences: [egress-gateway]}}}
        ---${GATEWAY}
        ---${ROUTE}`,
    },
  ],
});
