/** The policy of most examples, up to and without its rules: on the route `provider`. */
export const POLICY = `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: credential}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: provider}`;

/** An egress gateway. */
export const GATEWAY = `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress}
        spec:
          gatewayClassName: istio
          listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: Same}}}]`;

/** A route of that gateway to a provider. More fields of its only rule can follow, at fourteen blanks. */
export const ROUTE = `
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: provider}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [api.example.com]
          rules:
            - backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.example.com, port: 443}]`;
