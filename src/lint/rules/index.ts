import type { Rule } from "../rule.ts";
import { rule as authAnonymousFallback } from "./auth-anonymous-fallback.ts";
import { rule as authCacheKeyShared } from "./auth-cache-key-shared.ts";
import { rule as authConstantHeader } from "./auth-constant-header.ts";
import { rule as authContradictoryPatterns } from "./auth-contradictory-patterns.ts";
import { rule as authItemOrder } from "./auth-item-order.ts";
import { rule as authLiteralCredential } from "./auth-literal-credential.ts";
import { rule as authNoAuthorization } from "./auth-no-authorization.ts";
import { rule as authSaTokenForwarded } from "./auth-sa-token-forwarded.ts";
import { rule as authTimeBudget } from "./auth-time-budget.ts";
import { rule as authToplevelWhen } from "./auth-toplevel-when.ts";
import { rule as authorizationWhenFailsOpen } from "./authorization-when-fails-open.ts";
import { rule as authzPrincipalFormat } from "./authz-principal-format.ts";
import { rule as celCompositeExactMatch } from "./cel-composite-exact-match.ts";
import { rule as celHeaderAccess } from "./cel-header-access.ts";
import { rule as celSyntaxError } from "./cel-syntax-error.ts";
import { rule as celUnknownAttribute } from "./cel-unknown-attribute.ts";
import { rule as celUnsupportedFunction } from "./cel-unsupported-function.ts";
import { rule as corednsZoneMismatch } from "./coredns-zone-mismatch.ts";
import { rule as credentialGuardMissing } from "./credential-guard-missing.ts";
import { rule as credentialGuardTooShallow } from "./credential-guard-too-shallow.ts";
import { rule as credentialInjectionStripped } from "./credential-injection-stripped.ts";
import { rule as credentialPathShared } from "./credential-path-shared.ts";
import { rule as destinationRuleNotApplied } from "./destinationrule-not-applied.ts";
import { rule as destinationRuleWeakVerification } from "./destinationrule-weak-verification.ts";
import { rule as dnspolicyHealthcheck } from "./dnspolicy-healthcheck.ts";
import { rule as dnspolicyListenerWithoutHostname } from "./dnspolicy-listener-without-hostname.ts";
import { rule as dnspolicyPublicProvider } from "./dnspolicy-public-provider.ts";
import { rule as dnsrecordWrongTarget } from "./dnsrecord-wrong-target.ts";
import { rule as egressGatewayClass } from "./egress-gateway-class.ts";
import { rule as egressGatewayPublic } from "./egress-gateway-public.ts";
import { rule as egressListenerNotHttp } from "./egress-listener-not-http.ts";
import { rule as egressNoTlsOrigination } from "./egress-no-tls-origination.ts";
import { rule as egressOpenAttachment } from "./egress-open-attachment.ts";
import { rule as egressRouteUnprotected } from "./egress-route-unprotected.ts";
import { rule as gatewayPolicyReplacedByRoute } from "./gateway-policy-replaced-by-route.ts";
import { rule as hostnameBackendInvalidRef } from "./hostname-backend-invalid-ref.ts";
import { rule as hostnameBackendNoServiceEntry } from "./hostname-backend-no-serviceentry.ts";
import { rule as identityPrefixOpen } from "./identity-prefix-open.ts";
import { rule as mergeToplevelWhenGatesParent } from "./merge-toplevel-when-gates-parent.ts";
import { rule as meshDnsCaptured } from "./mesh-dns-captured.ts";
import { rule as metadataHttpContract } from "./metadata-http-contract.ts";
import { rule as metadataPlaintextSecret } from "./metadata-plaintext-secret.ts";
import { rule as metadataUntrustedUrl } from "./metadata-untrusted-url.ts";
import { rule as missingUrlRewriteHostname } from "./missing-urlrewrite-hostname.ts";
import { rule as planpolicyLimitSemantics } from "./planpolicy-limit-semantics.ts";
import { rule as policyShadowed } from "./policy-shadowed.ts";
import { rule as policyTargetMissing } from "./policy-target-missing.ts";
import { rule as predicateNotBoolean } from "./predicate-not-boolean.ts";
import { rule as rlpCounterClientControlled } from "./rlp-counter-client-controlled.ts";
import { rule as rlpCounterCredential } from "./rlp-counter-credential.ts";
import { rule as rlpCounterMissingAttribute } from "./rlp-counter-missing-attribute.ts";
import { rule as rlpCounterNotKeySafe } from "./rlp-counter-not-key-safe.ts";
import { rule as rlpCounterNotString } from "./rlp-counter-not-string.ts";
import { rule as rlpCounterPerRequest } from "./rlp-counter-per-request.ts";
import { rule as rlpIdentityNotExposed } from "./rlp-identity-not-exposed.ts";
import { rule as rlpIneffectiveRate } from "./rlp-ineffective-rate.ts";
import { rule as rlpPreauthBudget } from "./rlp-preauth-budget.ts";
import { rule as rlpSourceAddressCounter } from "./rlp-source-address-counter.ts";
import { rule as rlpTokenreviewPath } from "./rlp-tokenreview-path.ts";
import { rule as routeHostnameBroaderThanListener } from "./route-hostname-broader-than-listener.ts";
import { rule as routeHostnameNoListener } from "./route-hostname-no-listener.ts";
import { rule as routeMatchBreaksWasm } from "./route-match-breaks-wasm.ts";
import { rule as serviceEntryHostConflict } from "./serviceentry-host-conflict.ts";
import { rule as serviceEntryResolution } from "./serviceentry-resolution.ts";
import { rule as serviceEntryWaypointUnbound } from "./serviceentry-waypoint-unbound.ts";
import { rule as telemetryLabelBreaksRatelimit } from "./telemetry-label-breaks-ratelimit.ts";
import { rule as tlsOriginationWrongPort } from "./tls-origination-wrong-port.ts";
import { rule as tlspolicyExternalHostname } from "./tlspolicy-external-hostname.ts";
import { rule as tokenReviewAudience } from "./tokenreview-audience.ts";
import { rule as tokenReviewIdentityPath } from "./tokenreview-identity-path.ts";
import { rule as trlpUsageNotReadable } from "./trlp-usage-not-readable.ts";
import { rule as waypointAllowBlocksOtherHosts } from "./waypoint-allow-blocks-other-hosts.ts";
import { rule as waypointPolicyAttachment } from "./waypoint-policy-attachment.ts";
import { rule as waypointTlsPortL7 } from "./waypoint-tls-port-l7.ts";

/** Every rule, sorted by id. A new rule is one new file and one line here. */
export const rules: readonly Rule[] = [
  authAnonymousFallback,
  authCacheKeyShared,
  authConstantHeader,
  authContradictoryPatterns,
  authItemOrder,
  authLiteralCredential,
  authNoAuthorization,
  authSaTokenForwarded,
  authTimeBudget,
  authToplevelWhen,
  authorizationWhenFailsOpen,
  authzPrincipalFormat,
  celCompositeExactMatch,
  celHeaderAccess,
  celSyntaxError,
  celUnknownAttribute,
  celUnsupportedFunction,
  corednsZoneMismatch,
  credentialGuardMissing,
  credentialGuardTooShallow,
  credentialInjectionStripped,
  credentialPathShared,
  destinationRuleNotApplied,
  destinationRuleWeakVerification,
  dnspolicyHealthcheck,
  dnspolicyListenerWithoutHostname,
  dnspolicyPublicProvider,
  dnsrecordWrongTarget,
  egressGatewayClass,
  egressGatewayPublic,
  egressListenerNotHttp,
  egressNoTlsOrigination,
  egressOpenAttachment,
  egressRouteUnprotected,
  gatewayPolicyReplacedByRoute,
  hostnameBackendInvalidRef,
  hostnameBackendNoServiceEntry,
  identityPrefixOpen,
  mergeToplevelWhenGatesParent,
  meshDnsCaptured,
  metadataHttpContract,
  metadataPlaintextSecret,
  metadataUntrustedUrl,
  missingUrlRewriteHostname,
  planpolicyLimitSemantics,
  policyShadowed,
  policyTargetMissing,
  predicateNotBoolean,
  rlpCounterClientControlled,
  rlpCounterCredential,
  rlpCounterMissingAttribute,
  rlpCounterNotKeySafe,
  rlpCounterNotString,
  rlpCounterPerRequest,
  rlpIdentityNotExposed,
  rlpIneffectiveRate,
  rlpPreauthBudget,
  rlpSourceAddressCounter,
  rlpTokenreviewPath,
  routeHostnameBroaderThanListener,
  routeHostnameNoListener,
  routeMatchBreaksWasm,
  serviceEntryHostConflict,
  serviceEntryResolution,
  serviceEntryWaypointUnbound,
  telemetryLabelBreaksRatelimit,
  tlsOriginationWrongPort,
  tlspolicyExternalHostname,
  tokenReviewAudience,
  tokenReviewIdentityPath,
  trlpUsageNotReadable,
  waypointAllowBlocksOtherHosts,
  waypointPolicyAttachment,
  waypointTlsPortL7,
];
