import type { RelatedPlace } from "../../model/finding.ts";
import type { AuthenticationItem } from "../../model/kinds/auth-policy.ts";
import { formatRef } from "../../model/object-ref.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { type AuthItem, type AuthView, authFlows, headerOf, holdsIn, itemsOf, viewsOf } from "../auth/auth-flow.ts";
import { isApiServerAudience } from "../auth/token-audiences.ts";
import { defineRule, type Report } from "../rule.ts";
import { type LeavingBackend, leavingBackends } from "../upstream/leaving-backends.ts";

/** Where the caller puts its credential. `header` is a lower-case name; undefined for a parameter of the URL. */
type Carrier = { readonly header?: string; readonly words: string };

type Leak = { readonly view: AuthView; readonly backend: LeavingBackend };

const METHODS = ["kubernetesTokenReview", "jwt", "apiKey"] as const;

const methodOf = (value: AuthenticationItem): (typeof METHODS)[number] | undefined =>
  METHODS.find((method) => value[method] !== undefined);

/** Authorino's default is the header `authorization`, whatever the prefix. */
function carrierOf({ credentials }: AuthenticationItem): Carrier {
  const { queryString, cookie, customHeader } = credentials ?? {};
  if (queryString !== undefined) return { words: `the URL, as parameter \`${queryString.name ?? ""}\`` };
  const header = cookie !== undefined ? "cookie" : (customHeader?.name ?? "authorization").toLowerCase();
  return { header, words: `\`${header}\`` };
}

const isForApiServer = ({ kubernetesTokenReview }: AuthenticationItem): boolean =>
  kubernetesTokenReview?.audiences?.some(isApiServerAudience) === true;

/** A token for audiences of its own may be meant for the provider: workload identity federation. */
const mayBeMeant = ({ kubernetesTokenReview }: AuthenticationItem): boolean =>
  (kubernetesTokenReview?.audiences ?? []).some((audience) => !isApiServerAudience(audience));

/** One way out, whatever the credential is. */
type Exit = {
  readonly view: AuthView;
  readonly backends: readonly LeavingBackend[];
  /** Lower-case names of the headers that the policy sets. */
  readonly injected: ReadonlySet<string>;
};

/** Every way on which requests leave, read once for all credentials. */
function exitsOf(views: readonly AuthView[], topology: Topology): readonly Exit[] {
  // Ways on which the same holds share their items.
  const different = [...new Map(views.map((view) => [view.items, view])).values()];
  const headers = new Map(
    different.map((view) => [view.items, new Set(itemsOf(view, "response").flatMap((one) => headerOf(one) ?? []))]),
  );
  return views
    .map((view) => ({
      view,
      backends: leavingBackends(view.on, topology),
      injected: headers.get(view.items) ?? new Set<string>(),
    }))
    .filter(({ backends }) => backends.length > 0);
}

/** The ways on which requests leave with the credential that the item reads. */
function leaksOf(item: AuthItem<"authentication">, exits: readonly Exit[]): readonly Leak[] {
  const { header } = carrierOf(item.value);
  return exits
    .filter(({ view, injected }) => holdsIn(view, item) && (header === undefined || !injected.has(header)))
    .flatMap(({ view, backends }) => backends.map((backend) => ({ view, backend })))
    .filter(({ backend }) => header === undefined || !backend.replacedHeaders.has(header));
}

/** One place per backend: a rule is reached through every listener of the route. */
function placesOf(leaks: readonly Leak[], carrier: Carrier): readonly RelatedPlace[] {
  const places = leaks.map(
    ({ view, backend }): RelatedPlace => ({
      object: refOf(view.on.attachment.route),
      path: backend.path,
      message: `leads to ${backend.host} and leaves ${carrier.words} as it came`,
    }),
  );
  return [...new Map(places.map((place) => [JSON.stringify([place.object, place.path]), place])).values()];
}

function reportOn(item: AuthItem<"authentication">, leaks: readonly Leak[]): readonly Report[] {
  const [first] = leaks;
  const method = methodOf(item.value);
  if (first === undefined || method === undefined) return [];
  const carrier = carrierOf(item.value);
  const routes = [...new Set(leaks.map(({ view }) => formatRef(refOf(view.on.attachment.route))))];
  const others = routes.length === 1 ? "" : ` and ${routes.length - 1} more`;
  const what = method === "apiKey" ? "API key" : "token";
  const where = isForApiServer(item.value) ? "against the Kubernetes API" : "inside the cluster";
  return [
    {
      path: [...item.path, method],
      at: "key",
      ...(!isForApiServer(item.value) && mayBeMeant(item.value) ? { severity: "warning" } : {}),
      message: `requests through \`${routes[0]}\`${others} leave the cluster with the workload's own ${what} in ${carrier.words}; ${first.backend.host} could replay it ${where}`,
      hint: hintFor(carrier, method, isForApiServer(item.value)),
      related: placesOf(leaks, carrier),
    },
  ];
}

function hintFor({ header }: Carrier, method: string, forApiServer: boolean): string {
  const audience =
    method !== "kubernetesTokenReview" || !forApiServer
      ? ""
      : " Use a token with an audience of its own, such as `audiences: [egress-gateway]`.";
  if (header === undefined) {
    return `No filter takes a parameter off the URL: read the credential from a header, and strip that on the route.${audience}`;
  }
  return `Inject the provider's credential over \`${header}\`, or strip it on the route: \`filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [${header}]}}]\`.${audience}`;
}

const GATEWAY = `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress}
        spec:
          gatewayClassName: istio
          listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: Same}}}]`;

const ROUTE = `
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: provider}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [api.example.com]
          rules:
            - backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.example.com, port: 443}]`;

const POLICY = `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: provider}`;

export const rule = defineRule({
  id: "auth-sa-token-forwarded",
  kinds: ["AuthPolicy"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute", "ServiceEntry", "Service"],
  severity: "error",
  relaxed: "warning",
  scope: "conflict",
  title: "The workload's own token is sent to the provider",
  why: "Authentication reads the token and leaves it on the request. Whoever receives the request can use it as the workload until it expires; a default ServiceAccount token opens the Kubernetes API.",
  fix: "Inject the provider's credential over the same header, or strip the header on every rule of the route with a RequestHeaderModifier.",
  sources: [
    "Observed on Authorino 58fecc6c behind Envoy: with identity and authorization only, the provider received the caller's ServiceAccount token",
    "wasm-shim af0f9b4: sets the headers that Authorino returns and removes none",
    "Kubernetes TokenReview: a token is accepted by everyone among its audiences",
  ],
  since: "0.1.0",

  check(object, topology) {
    const items = authFlows(object)
      .flatMap((flow) => itemsOf(flow, "authentication"))
      .filter(({ value }) => methodOf(value) !== undefined);
    if (items.length === 0) return [];
    const exits = exitsOf(viewsOf(object, topology), topology);
    return items.flatMap((item) => reportOn(item, leaksOf(item, exits)));
  },

  bad: [
    {
      name: "a ServiceAccount token that nothing takes off the request",
      finds: [{ path: 'spec.rules.authentication["workload-sa"].kubernetesTokenReview' }],
      yaml: `${POLICY}
          rules:
            authentication:
              workload-sa:
                kubernetesTokenReview: {audiences: ["https://kubernetes.default.svc.cluster.local"]}
            authorization:
              team:
                patternMatching:
                  patterns: [{predicate: "auth.identity.user.username.startsWith('system:serviceaccount:team-a:')"}]
        ---${GATEWAY}
        ---${ROUTE}`,
    },
    {
      name: "a policy of the gateway, one of whose routes strips another header only",
      finds: [{ path: "spec.defaults.rules.authentication.key.apiKey" }],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
          defaults:
            rules:
              authentication:
                key:
                  apiKey: {allNamespaces: true}
                  credentials: {customHeader: {name: X-Workload-Key}}
        ---${GATEWAY}
        ---${ROUTE}
              filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [authorization]}}]`,
    },
    {
      name: "a token with an audience of its own, which the provider may be meant to check",
      finds: [{ path: "spec.rules.authentication.federated.kubernetesTokenReview", severity: "warning" }],
      yaml: `${POLICY}
          rules:
            authentication:
              federated: {kubernetesTokenReview: {audiences: [api.example.com]}}
        ---${GATEWAY}
        ---${ROUTE}`,
    },
  ],
  good: [
    {
      name: "the route strips the header",
      yaml: `${POLICY}
          rules:
            authentication:
              workload-sa: {kubernetesTokenReview: {audiences: ["https://kubernetes.default.svc.cluster.local"]}}
        ---${GATEWAY}
        ---${ROUTE}
              filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [Authorization]}}]`,
    },
    {
      name: "the policy injects the provider's credential over it",
      yaml: `${POLICY}
          rules:
            authentication:
              workload-sa: {kubernetesTokenReview: {audiences: ["https://kubernetes.default.svc.cluster.local"]}}
            response:
              success:
                headers:
                  provider: {key: Authorization, plain: {expression: "'Bearer ' + auth.identity.providerKey"}}
        ---${GATEWAY}
        ---${ROUTE}`,
    },
    {
      name: "a backend that belongs to the mesh",
      yaml: `${POLICY}
          rules:
            authentication:
              workload-sa: {kubernetesTokenReview: {audiences: ["https://kubernetes.default.svc.cluster.local"]}}
        ---${GATEWAY}
        ---${ROUTE}
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: gateway-system, name: provider}
        spec:
          hosts: [api.example.com]
          location: MESH_INTERNAL
          resolution: STATIC
          ports: [{number: 443, name: https, protocol: HTTPS}]
          endpoints: [{address: 10.20.0.7}]`,
    },
  ],
});
