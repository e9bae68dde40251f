import { formatAttributePath, pathKey, pathRange } from "../../cel/path.ts";
import { type PathUse, pathUses, wasmPresence } from "../../cel/path-uses.ts";
import type { Mend } from "../../model/edit.ts";
import { formatPath } from "../../model/field-path.ts";
import type { RelatedPlace } from "../../model/finding.ts";
import type { AuthenticationItem } from "../../model/kinds/auth-policy.ts";
import { formatName } from "../../model/object-ref.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { type CelSite, celSites } from "../expressions/expression-sites.ts";
import {
  dynamicType,
  filterNamed,
  type GatewayPolicy,
  isScalar,
  isTokenReviewRead,
  type Publication,
  propertyOf,
  publicationsBeside,
  publicationsFor,
  publishesBelowIdentity,
} from "../expressions/published-filters.ts";
import { publisherIn, publishing } from "../mends/publish-property.ts";
import { defineRule, type Report } from "../rule.ts";

/** Published by the PlanPolicy extension, beside the filters of the AuthPolicy. */
const EXTENSION_FILTER = "kuadrant";

/** Whether a read of `auth.K.P…` fails where this is published. What fails only perhaps is left alone. */
function failsWith({ filters }: Publication, { path, present }: PathUse): boolean {
  const [, outer, inner] = path.segments;
  if (outer === undefined || outer.access === "dynamic" || outer.optional) return false;
  const isPresent = (names: readonly string[]): boolean => present.has(JSON.stringify(names));
  const filter = filterNamed(filters, outer.name);
  if (filter === undefined) return !(path.test && inner === undefined) && !isPresent(["auth", outer.name]);
  if (inner === undefined || inner.access === "dynamic" || inner.optional) return false;
  if (filter.item.json !== undefined) {
    if (propertyOf(filter, inner.name) !== undefined) return false;
    const onlyTests = path.test && path.segments.length === 3;
    return !onlyTests && !isPresent(["auth", outer.name, inner.name]);
  }
  // A plain filter publishes one value. When that may have fields of its own, nothing is certain.
  return filter.item.plain !== undefined && !path.test && isScalar(dynamicType(filter.item.plain));
}

/** What one failing read does; a policy of a Gateway is told for which of its routes. */
function consequence(object: GatewayPolicy, { role }: CelSite, { route }: Publication): string {
  const named = route !== undefined && object.spec?.targetRef?.kind === "Gateway";
  const where = named ? `${route.kind} \`${formatName(refOf(route))}\`` : "this route";
  return `a failing ${role} turns off every limit on ${where} (rate limiting fails open)`;
}

/** At most this many published values are listed in a message. */
const MAX_LISTED = 5;

function listPublished({ filters }: Publication): string {
  const names = filters.flatMap(({ name, item }) => {
    const root = `auth.${item.key ?? name}`;
    const properties = Object.keys(item.json?.properties ?? {});
    return properties.length === 0 ? [root] : properties.map((property) => `${root}.${property}`);
  });
  if (names.length === 0) return "nothing";
  const listed = names.slice(0, MAX_LISTED).map((name) => `\`${name}\``);
  return `only ${listed.join(", ")}${names.length > MAX_LISTED ? ", …" : ""}`;
}

/** Where it should be published. */
function publisherOf({ auth }: Publication): RelatedPlace | undefined {
  const publisher = publisherIn(auth);
  if (publisher === undefined) return undefined;
  const message = "the values that the gateway can read are published here";
  return { object: refOf(publisher.policy), path: publisher.path, message };
}

/** What publishes a value that is read by its two names, and by nothing else. */
function mendFor(failing: readonly Publication[], { path: { segments } }: PathUse): Mend | undefined {
  const [, outer, inner] = segments;
  if (outer === undefined || inner === undefined || segments.length !== 3 || inner.access === "dynamic")
    return undefined;
  const edits = publishing(failing, outer.name, inner.name);
  return edits === undefined || edits.length === 0
    ? undefined
    : { title: `add \`${inner.name}\` to what the AuthPolicy publishes`, edits };
}

/** The selector that most likely gives the value, below an AuthPolicy's `rules`. */
function selectorFor(property: string, { auth }: Publication): string {
  const methods = [...(auth?.rules.values() ?? [])].filter(({ key }) => key.startsWith("authentication/"));
  const reviewed = methods.some(({ value }) => (value as AuthenticationItem).kubernetesTokenReview !== undefined);
  const ofUser = ["username", "uid", "groups"].includes(property) && (reviewed || methods.length === 0);
  return ofUser ? `auth.identity.user.${property}` : `auth.identity.${property}`;
}

type Failure = {
  readonly use: PathUse;
  readonly failing: readonly [Publication, ...Publication[]];
  readonly beside: boolean;
};

function report(object: GatewayPolicy, site: CelSite, { use, failing, beside }: Failure): Report {
  const read = formatAttributePath(use.path);
  const decided = failing.find(({ auth }) => auth !== undefined);
  const publisher = decided === undefined ? undefined : publisherOf(decided);
  const [, outer, inner] = use.path.segments;
  const place = publisher === undefined ? "rules.response.success.filters" : formatPath(publisher.path.slice(1));
  const property = inner === undefined || inner.access === "dynamic" ? "username" : inner.name;
  const field = formatPath([outer?.name ?? "identity", "json", "properties", property, "selector"]);
  const selector = decided === undefined ? `auth.identity.user.${property}` : selectorFor(property, decided);
  const mend = mendFor(failing, use);
  const because =
    publisher === undefined || decided === undefined
      ? "no AuthPolicy is effective here, so nothing is published as `auth`"
      : `the effective AuthPolicy \`${formatName(publisher.object)}\` publishes ${listPublished(decided)} to the gateway`;
  const where =
    publisher === undefined ? "an AuthPolicy for this target" : `AuthPolicy \`${formatName(publisher.object)}\``;
  return {
    path: site.path,
    range: pathRange(use.path),
    scope: publisher === undefined || beside ? "absence" : "conflict",
    message: `\`${read}\` can never be read: ${because}, and ${consequence(object, site, decided ?? failing[0])}`,
    hint: `In ${where} add \`${place}.${field}: ${selector}\`.`,
    ...(publisher === undefined ? {} : { related: [publisher] }),
    ...(mend === undefined ? {} : { mend }),
  };
}

function check(object: GatewayPolicy, topology: Topology): readonly Report[] {
  const own = publicationsFor(object, topology);
  const publications = own.length > 0 ? own : publicationsBeside(object, topology);
  return celSites(object).flatMap((site) => {
    if (site.tree === undefined || site.engine !== "wasm") return [];
    const reported = new Set<string>();
    return pathUses(site.tree, wasmPresence(site.tree)).flatMap((use) => {
      const [root, outer] = use.path.segments;
      if (root.name !== "auth" || outer === undefined || outer.name === EXTENSION_FILTER) return [];
      // rlp-tokenreview-path says it, with the remedy that fits.
      const isOthers =
        isTokenReviewRead(use) && !publishesBelowIdentity(use.path.segments[2]?.name ?? "", object, topology);
      const failing = publications.filter((publication) => failsWith(publication, use));
      const [first, ...rest] = failing;
      if (isOthers || first === undefined || reported.has(pathKey(use.path))) return [];
      reported.add(pathKey(use.path));
      return [report(object, site, { use, failing: [first, ...rest], beside: own.length === 0 })];
    });
  });
}

const INFRASTRUCTURE = `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress}
        spec:
          gatewayClassName: istio
          listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: httpbin-external}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [httpbin.org]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: httpbin.org, port: 443}]}]`;

const PER_WORKLOAD = `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-workload}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            per-workload:
              rates: [{limit: 60, window: 1m}]
              counters: [{expression: auth.identity.username}]`;

const authPolicy = (response: string): string => `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: workload-identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          rules:
            authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress]}}}
            response: ${response}`;

const COUNTER = 'spec.limits["per-workload"].counters[0].expression';

export const rule = defineRule({
  id: "rlp-identity-not-exposed",
  kinds: ["RateLimitPolicy", "TokenRateLimitPolicy", "TelemetryPolicy"],
  reads: ["AuthPolicy", "Gateway", "HTTPRoute", "GRPCRoute", "RateLimitPolicy", "TokenRateLimitPolicy"],
  severity: "error",
  scope: "conflict",
  title: "An identity is counted that no AuthPolicy publishes to the gateway",
  why: "All limits of a route are one message to the rate limiter. A value in it that cannot be read makes the gateway give up on the message and let the request pass: nothing is limited, and nothing says so.",
  fix: "In the AuthPolicy add `rules.response.success.filters.identity.json.properties.username.selector: auth.identity.user.username`.",
  sources: [
    "kuadrant-operator PR 2152: the egress guide publishes the username in `response.success.filters`",
    "kuadrant-operator `internal/controller/data_plane_policies_workflow.go`: all limits in one message; failure mode allow",
    "Observed on wasm-shim af0f9b4: without a filter `auth.identity.username` gives NoSuchOverload, has() included",
  ],
  since: "0.1.0",

  check,

  bad: [
    {
      name: "an AuthPolicy without filters",
      finds: [
        {
          path: COUNTER,
          text: "auth.identity.username",
          mended:
            'AuthPolicy workload-identity spec.rules.response.success.filters.identity.json.properties.username: {"selector":"auth.identity.user.username"}',
        },
      ],
      yaml: [INFRASTRUCTURE, PER_WORKLOAD, authPolicy("{success: {headers: {}}}")].join("\n        ---"),
    },
    {
      name: "a filter without the property",
      finds: [
        {
          path: COUNTER,
          text: "auth.identity.username",
          mended:
            'AuthPolicy workload-identity spec.rules.response.success.filters.identity.json.properties.username: {"selector":"auth.identity.user.username"}',
        },
      ],
      yaml: [
        INFRASTRUCTURE,
        PER_WORKLOAD,
        authPolicy("{success: {filters: {identity: {json: {properties: {uid: {selector: auth.identity.user.uid}}}}}}}"),
      ].join("\n        ---"),
    },
    {
      name: "no AuthPolicy at all",
      finds: [{ path: COUNTER, text: "auth.identity.username" }],
      yaml: [INFRASTRUCTURE, PER_WORKLOAD].join("\n        ---"),
    },
  ],
  good: [
    {
      name: "a filter that publishes the username",
      yaml: [
        INFRASTRUCTURE,
        PER_WORKLOAD,
        authPolicy(
          "{success: {filters: {identity: {json: {properties: {username: {selector: auth.identity.user.username}}}}}}}",
        ),
      ].join("\n        ---"),
    },
  ],
});
