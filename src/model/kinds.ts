import { authPolicyShape } from "./kinds/auth-policy.ts";
import { backendTlsPolicyShape } from "./kinds/backend-tls-policy.ts";
import { configMapShape } from "./kinds/config-map.ts";
import { dnsPolicyShape, dnsRecordShape, tlsPolicyShape } from "./kinds/dns-policy.ts";
import { endpointSliceShape } from "./kinds/endpoint-slice.ts";
import { planPolicyShape, telemetryPolicyShape } from "./kinds/extension-policies.ts";
import { gatewayClassShape, gatewayShape } from "./kinds/gateway.ts";
import {
  authorizationPolicyShape,
  destinationRuleShape,
  proxyConfigShape,
  serviceEntryShape,
  virtualServiceShape,
} from "./kinds/istio.ts";
import type { Metadata } from "./kinds/metadata.ts";
import { namespaceShape } from "./kinds/namespace.ts";
import { podShape } from "./kinds/pod.ts";
import { rateLimitPolicyShape } from "./kinds/rate-limit-policy.ts";
import { roleBindingShape, roleShape } from "./kinds/rbac.ts";
import { referenceGrantShape } from "./kinds/reference-grant.ts";
import { grpcRouteShape, httpRouteShape, streamRouteShape } from "./kinds/route.ts";
import { secretShape } from "./kinds/secret.ts";
import { serviceShape } from "./kinds/service.ts";
import { serviceAccountShape } from "./kinds/service-account.ts";
import type { Read } from "./shape.ts";

const kind = <S>(
  group: string,
  versions: readonly [string, ...string[]],
  plural: string,
  shape: S,
  namespaced = true,
) => ({
  group,
  versions,
  plural,
  shape,
  namespaced,
});

const GATEWAY_API = "gateway.networking.k8s.io";
const KUADRANT = "kuadrant.io";
const KUADRANT_EXTENSIONS = "extensions.kuadrant.io";
const ISTIO_VERSIONS = ["v1", "v1beta1", "v1alpha3"] as const;

/**
 * Every kind that Sluice understands, with the versions it can read, the preferred one first. All versions of a
 * kind are read with one shape: unknown fields are passed over and the fields read have not changed between them.
 */
export const KINDS = {
  Namespace: kind("", ["v1"], "namespaces", namespaceShape, false),
  Pod: kind("", ["v1"], "pods", podShape),
  Service: kind("", ["v1"], "services", serviceShape),
  ServiceAccount: kind("", ["v1"], "serviceaccounts", serviceAccountShape),
  Secret: kind("", ["v1"], "secrets", secretShape),
  ConfigMap: kind("", ["v1"], "configmaps", configMapShape),
  Role: kind("rbac.authorization.k8s.io", ["v1"], "roles", roleShape),
  RoleBinding: kind("rbac.authorization.k8s.io", ["v1"], "rolebindings", roleBindingShape),
  EndpointSlice: kind("discovery.k8s.io", ["v1"], "endpointslices", endpointSliceShape),
  Gateway: kind(GATEWAY_API, ["v1", "v1beta1"], "gateways", gatewayShape),
  GatewayClass: kind(GATEWAY_API, ["v1", "v1beta1"], "gatewayclasses", gatewayClassShape, false),
  HTTPRoute: kind(GATEWAY_API, ["v1", "v1beta1"], "httproutes", httpRouteShape),
  GRPCRoute: kind(GATEWAY_API, ["v1"], "grpcroutes", grpcRouteShape),
  TLSRoute: kind(GATEWAY_API, ["v1", "v1alpha3", "v1alpha2"], "tlsroutes", streamRouteShape),
  TCPRoute: kind(GATEWAY_API, ["v1", "v1alpha2"], "tcproutes", streamRouteShape),
  BackendTLSPolicy: kind(GATEWAY_API, ["v1", "v1alpha3"], "backendtlspolicies", backendTlsPolicyShape),
  ReferenceGrant: kind(GATEWAY_API, ["v1", "v1beta1"], "referencegrants", referenceGrantShape),
  ServiceEntry: kind("networking.istio.io", ISTIO_VERSIONS, "serviceentries", serviceEntryShape),
  DestinationRule: kind("networking.istio.io", ISTIO_VERSIONS, "destinationrules", destinationRuleShape),
  VirtualService: kind("networking.istio.io", ISTIO_VERSIONS, "virtualservices", virtualServiceShape),
  ProxyConfig: kind("networking.istio.io", ["v1beta1"], "proxyconfigs", proxyConfigShape),
  AuthorizationPolicy: kind("security.istio.io", ["v1", "v1beta1"], "authorizationpolicies", authorizationPolicyShape),
  AuthPolicy: kind(KUADRANT, ["v1"], "authpolicies", authPolicyShape),
  RateLimitPolicy: kind(KUADRANT, ["v1"], "ratelimitpolicies", rateLimitPolicyShape),
  TokenRateLimitPolicy: kind(KUADRANT, ["v1", "v1alpha1"], "tokenratelimitpolicies", rateLimitPolicyShape),
  DNSPolicy: kind(KUADRANT, ["v1"], "dnspolicies", dnsPolicyShape),
  DNSRecord: kind(KUADRANT, ["v1alpha1"], "dnsrecords", dnsRecordShape),
  TLSPolicy: kind(KUADRANT, ["v1"], "tlspolicies", tlsPolicyShape),
  PlanPolicy: kind(KUADRANT_EXTENSIONS, ["v1alpha1"], "planpolicies", planPolicyShape),
  TelemetryPolicy: kind(KUADRANT_EXTENSIONS, ["v1alpha1"], "telemetrypolicies", telemetryPolicyShape),
} as const;

export type Kind = keyof typeof KINDS;

/** What every object has, whatever its kind. */
export type KubeObject<K extends Kind = Kind> = {
  readonly apiVersion: string;
  readonly kind: K;
  readonly metadata: Metadata;
};

/** The typed view of each kind: `Kinds["Gateway"]`. */
export type Kinds = { readonly [K in Kind]: KubeObject<K> & Read<(typeof KINDS)[K]["shape"]> };

/** Whether a group and kind are ones that Sluice reads. The version plays no part: later versions are read as well. */
export const isKnownKind = (group: string, name: string): name is Kind =>
  Object.hasOwn(KINDS, name) && KINDS[name as Kind].group === group;
