import { formatAttributePath, pathRange, startsWithNames } from "../../cel/path.ts";
import { type PathUse, pathUses, wasmPresence } from "../../cel/path-uses.ts";
import type { Mend } from "../../model/edit.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type { Topology } from "../../model/topology.ts";
import { celSites } from "../expressions/expression-sites.ts";
import {
  type GatewayPolicy,
  isTokenReviewRead,
  publicationsBeside,
  publicationsFor,
  publishesBelowIdentity,
} from "../expressions/published-filters.ts";
import { publishing } from "../mends/publish-property.ts";
import { replacing } from "../mends/text-changes.ts";
import { defineRule, type Report } from "../rule.ts";

/** The name under which the value is best published: the last one that a property can have. */
const propertyFor = ({ path }: PathUse): string => {
  const last = path.segments.at(-1)?.name ?? "";
  return /^[A-Za-z_]\w*$/.test(last) ? last : "username";
};

/** The name by which the guides publish it, and its publication where an AuthPolicy in view does not have it. */
function mendFor({ path }: PathUse, field: FieldPath, object: GatewayPolicy, topology: Topology): Mend | undefined {
  const [, , , member] = path.segments;
  const plain = path.segments.length === 4 && startsWithNames(path, "auth", "identity", "user");
  if (!plain || member === undefined || path.segments.some(({ optional }) => optional)) return undefined;
  if (member.name !== "username" && member.name !== "uid") return undefined;
  const own = publicationsFor(object, topology);
  const publications = own.length > 0 ? own : publicationsBeside(object, topology);
  const published = publishing(publications, "identity", member.name);
  if (published === undefined) return undefined;
  const read = `auth.identity.${member.name}`;
  return {
    title: `read \`${read}\`${published.length === 0 ? "" : ", and publish it in the AuthPolicy"}`,
    edits: [...replacing(field, [{ ...pathRange(path), text: read }]), ...published],
  };
}

function reportsOn(object: GatewayPolicy, topology: Topology): readonly Report[] {
  return celSites(object).flatMap(({ tree, path: field, engine }) => {
    if (tree === undefined || engine !== "wasm") return [];
    return pathUses(tree, wasmPresence(tree))
      .filter(isTokenReviewRead)
      .filter((use) => !publishesBelowIdentity(use.path.segments[2]?.name ?? "", object, topology))
      .map((use): Report => {
        const property = propertyFor(use);
        const mend = mendFor(use, field, object, topology);
        return {
          path: field,
          range: pathRange(use.path),
          message: `\`${formatAttributePath(use.path)}\` is a path inside Authorino; the gateway only sees what the AuthPolicy publishes, as \`auth.<filter>.<property>\`, so it can never be read here`,
          hint: `Publish the value in the AuthPolicy as filter \`identity\`, property \`${property}\`, and use \`auth.identity.${property}\` here.`,
          ...(mend === undefined ? {} : { mend }),
        };
      });
  });
}

export const rule = defineRule({
  id: "rlp-tokenreview-path",
  kinds: ["RateLimitPolicy", "TokenRateLimitPolicy", "TelemetryPolicy"],
  reads: ["AuthPolicy", "Gateway", "HTTPRoute", "GRPCRoute"],
  severity: "error",
  scope: "object",
  title: "A path of Authorino is used where the gateway evaluates",
  why: "The counter can never be evaluated, and one failing counter makes the gateway skip all limits of the route: rate limiting fails open.",
  fix: "Publish the value as filter `identity`, property `username`, and use `auth.identity.username` here.",
  sources: [
    "Kuadrant user guide, Egress Gateway: the table of identity paths",
    "kuadrant-operator PR 2152",
    'Observed on wasm-shim af0f9b4: `auth.identity.user.username` gives NoSuchKey("user") although the username was published',
  ],
  since: "0.1.0",

  check: reportsOn,

  bad: [
    {
      name: "the path of a TokenReview, which no AuthPolicy publishes",
      finds: [
        {
          path: "spec.limits.x.counters[0].expression",
          text: "auth.identity.user.username",
          mended:
            'auth.identity.username; AuthPolicy workload-identity spec.rules.response.success.filters.identity.json.properties.username: {"selector":"auth.identity.user.username"}',
        },
      ],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: workload-identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          rules: {authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress]}}}}
        ---
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-workload}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits: {x: {rates: [{limit: 60, window: 1m}], counters: [{expression: auth.identity.user.username}]}}`,
    },
    {
      name: "the path of a TokenReview as a counter",
      finds: [
        {
          path: 'spec.limits["per-workload"].counters[0].expression',
          text: "auth.identity.user.username",
          mended: "auth.identity.username",
        },
      ],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-workload}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            per-workload:
              rates: [{limit: 60, window: 1m}]
              counters: [{expression: auth.identity.user.username}]`,
    },
    {
      name: "annotations of an API key in a condition",
      finds: [{ path: "spec.limits.gold.when[0].predicate", text: "auth.identity.metadata.annotations['tier']" }],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: gold}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            gold:
              rates: [{limit: 60, window: 1m}]
              when: [{predicate: "auth.identity.metadata.annotations['tier'] == 'gold'"}]`,
    },
  ],
  good: [
    {
      name: "what a filter publishes",
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-workload}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            per-workload:
              rates: [{limit: 60, window: 1m}]
              counters: [{expression: auth.identity.username}]`,
    },
    {
      name: "a filter that publishes the whole user",
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-workload}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            per-workload:
              rates: [{limit: 60, window: 1m}]
              counters: [{expression: auth.identity.user.username}]
        ---
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: workload-identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          rules:
            authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress]}}}
            response:
              success:
                filters: {identity: {json: {properties: {user: {selector: auth.identity.user}}}}}`,
    },
  ],
});
