import { isEgressRoute } from "../../model/egress-gateway.ts";
import { formatRef } from "../../model/object-ref.ts";
import { refOf } from "../../model/topology.ts";
import {
  type AuthItem,
  type AuthView,
  authFlows,
  differentViews,
  holdsIn,
  itemsOf,
  viewsOf,
} from "../auth/auth-flow.ts";
import { dependenceOf } from "../auth/dependence.ts";
import { GATEWAY, POLICY, ROUTE } from "../auth/example-objects.ts";
import { headerNeeds } from "../auth/header-needs.ts";
import { isApiServerAudience } from "../auth/token-audiences.ts";
import { defineRule, type Report } from "../rule.ts";

/** The method by which every pod of the cluster can authenticate; undefined when the item has none. */
function clusterMethod({ value }: AuthItem<"authentication">): "kubernetesTokenReview" | "jwt" | undefined {
  if (value.kubernetesTokenReview !== undefined) return "kubernetesTokenReview";
  const { issuerUrl } = value.jwt ?? {};
  return issuerUrl !== undefined && isApiServerAudience(issuerUrl) ? "jwt" : undefined;
}

/** Whether what is injected is looked up for the caller: who has nothing there gets nothing. */
const looksUpCaller = (view: AuthView): boolean =>
  headerNeeds(view).some(({ names }) =>
    itemsOf(view, "metadata").some((item) => item.name === names[2] && dependenceOf(item, view).identity),
  );

function reportOn(item: AuthItem<"authentication">, views: readonly AuthView[]): readonly Report[] {
  const method = clusterMethod(item);
  const open = method === undefined ? undefined : views.find((view) => holdsIn(view, item));
  if (method === undefined || open === undefined) return [];
  const { route } = open.on.attachment;
  return [
    {
      path: [...item.path, method],
      at: "key",
      message: `any pod in the cluster with a ServiceAccount token passes this policy and may use \`${formatRef(refOf(route))}\``,
      related: [
        { object: refOf(route), path: ["spec", "rules", open.on.ruleIndex], message: "leads out of the cluster" },
      ],
    },
  ];
}

export const rule = defineRule({
  id: "auth-no-authorization",
  kinds: ["AuthPolicy"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute", "Service"],
  severity: "warning",
  scope: "conflict",
  title: "Every workload of the cluster may use the route",
  why: "Authentication says who calls, not who may. Every pod has a ServiceAccount token, so that all of them can reach the provider, with its credential if one is injected.",
  fix: "Add authorization: `patternMatching` on the namespace, `auth.identity.user.username.startsWith('system:serviceaccount:team-a:')`, or a `kubernetesSubjectAccessReview`.",
  sources: [
    "kuadrant egress gateway guide: authorization is what limits the namespaces",
    "Observed on Authorino 58fecc6c: with authentication only, a token of any namespace gets 200",
  ],
  since: "0.2.0",

  check(object, topology) {
    const items = authFlows(object).flatMap((flow) => itemsOf(flow, "authentication"));
    if (!items.some((item) => clusterMethod(item) !== undefined)) return [];
    const open = differentViews(object, topology).filter(
      (view) => itemsOf(view, "authorization").length === 0 && !looksUpCaller(view),
    );
    const openItems = new Set(open.map((view) => view.items));
    const views = viewsOf(object, topology).filter(
      (view) => openItems.has(view.items) && isEgressRoute(view.on.attachment.route, topology.objects),
    );
    return items.flatMap((item) => reportOn(item, views));
  },

  bad: [
    {
      name: "a TokenReview and nothing else",
      finds: [{ path: 'spec.rules.authentication["any-sa"].kubernetesTokenReview' }],
      yaml: `${POLICY}
          rules:
            authentication: {any-sa: {kubernetesTokenReview: {audiences: [egress.example.internal]}}}
        ---${GATEWAY}
        ---${ROUTE}`,
    },
    {
      name: "tokens of the cluster's issuer as JWT, in defaults, and a shared credential",
      finds: [{ path: 'spec.defaults.rules.authentication["any-sa"].jwt' }],
      yaml: `${POLICY}
          defaults:
            rules:
              authentication: {any-sa: {jwt: {issuerUrl: "https://kubernetes.default.svc.cluster.local"}}}
              metadata: {secret: {http: {url: "https://vault.vault.svc:8200/v1/kv/data/provider", method: GET}}}
              response:
                success: {headers: {x-api-key: {plain: {expression: auth.metadata.secret.data.data.api_key}}}}
        ---${GATEWAY}
        ---${ROUTE}`,
    },
  ],
  good: [
    {
      name: "one namespace",
      yaml: `${POLICY}
          rules:
            authentication: {any-sa: {kubernetesTokenReview: {audiences: [egress.example.internal]}}}
            authorization:
              team-a-only:
                patternMatching:
                  patterns: [{predicate: "auth.identity.user.username.startsWith('system:serviceaccount:team-a:')"}]
        ---${GATEWAY}
        ---${ROUTE}`,
    },
    {
      name: "a credential that is looked up for the caller",
      yaml: `${POLICY}
          rules:
            authentication: {any-sa: {kubernetesTokenReview: {audiences: [egress.example.internal]}}}
            metadata:
              secret:
                http: {urlExpression: "'https://vault.vault.svc:8200/v1/kv/data/' + auth.identity.user.username.split(':')[2]"}
            response:
              success: {headers: {x-api-key: {plain: {expression: auth.metadata.secret.data.data.api_key}}}}
        ---${GATEWAY}
        ---${ROUTE}`,
    },
    {
      name: "a route that stays in the cluster",
      yaml: `${POLICY}
          rules:
            authentication: {any-sa: {kubernetesTokenReview: {audiences: [egress.example.internal]}}}
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
      name: "an identity from elsewhere",
      yaml: `${POLICY}
          rules:
            authentication: {staff: {jwt: {issuerUrl: "https://login.example.com"}}}
        ---${GATEWAY}
        ---${ROUTE}`,
    },
  ],
});
