import type { Rule } from "../rule.ts";
import { rule as authContradictoryPatterns } from "./auth-contradictory-patterns.ts";
import { rule as authItemOrder } from "./auth-item-order.ts";
import { rule as authSaTokenForwarded } from "./auth-sa-token-forwarded.ts";
import { rule as celHeaderAccess } from "./cel-header-access.ts";
import { rule as celSyntaxError } from "./cel-syntax-error.ts";
import { rule as celUnknownAttribute } from "./cel-unknown-attribute.ts";
import { rule as credentialGuardMissing } from "./credential-guard-missing.ts";
import { rule as credentialGuardTooShallow } from "./credential-guard-too-shallow.ts";
import { rule as destinationRuleWeakVerification } from "./destinationrule-weak-verification.ts";
import { rule as egressNoTlsOrigination } from "./egress-no-tls-origination.ts";
import { rule as hostnameBackendNoServiceEntry } from "./hostname-backend-no-serviceentry.ts";
import { rule as missingUrlRewriteHostname } from "./missing-urlrewrite-hostname.ts";
import { rule as policyShadowed } from "./policy-shadowed.ts";
import { rule as policyTargetMissing } from "./policy-target-missing.ts";
import { rule as predicateNotBoolean } from "./predicate-not-boolean.ts";
import { rule as rlpCounterMissingAttribute } from "./rlp-counter-missing-attribute.ts";
import { rule as rlpCounterNotKeySafe } from "./rlp-counter-not-key-safe.ts";
import { rule as rlpCounterNotString } from "./rlp-counter-not-string.ts";
import { rule as rlpIdentityNotExposed } from "./rlp-identity-not-exposed.ts";
import { rule as rlpSourceAddressCounter } from "./rlp-source-address-counter.ts";
import { rule as rlpTokenreviewPath } from "./rlp-tokenreview-path.ts";
import { rule as serviceEntryWaypointUnbound } from "./serviceentry-waypoint-unbound.ts";
import { rule as tokenReviewIdentityPath } from "./tokenreview-identity-path.ts";

/** Every rule, sorted by id. A new rule is one new file and one line here. */
export const rules: readonly Rule[] = [
  authContradictoryPatterns,
  authItemOrder,
  authSaTokenForwarded,
  celHeaderAccess,
  celSyntaxError,
  celUnknownAttribute,
  credentialGuardMissing,
  credentialGuardTooShallow,
  destinationRuleWeakVerification,
  egressNoTlsOrigination,
  hostnameBackendNoServiceEntry,
  missingUrlRewriteHostname,
  policyShadowed,
  policyTargetMissing,
  predicateNotBoolean,
  rlpCounterMissingAttribute,
  rlpCounterNotKeySafe,
  rlpCounterNotString,
  rlpIdentityNotExposed,
  rlpSourceAddressCounter,
  rlpTokenreviewPath,
  serviceEntryWaypointUnbound,
  tokenReviewIdentityPath,
];
