import { compareNames } from "../../model/age.ts";
import type { Route } from "../../model/attachment.ts";
import type { Mend } from "../../model/edit.ts";
import { valueAt } from "../../model/field-path.ts";
import type { Severity } from "../../model/finding.ts";
import type { Kinds } from "../../model/kinds.ts";
import { formatRef } from "../../model/object-ref.ts";
import { levelOn, pathsOf, policiesOnPath } from "../../model/policy-target.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { readLast } from "../arrival.ts";
import { type AuthItem, type AuthView, headerOf, viewsOf, viewsOnRoute } from "../auth/auth-flow.ts";
import { GATEWAY, POLICY, ROUTE } from "../auth/example-objects.ts";
import { injectedCredentials } from "../auth/injection.ts";
import { defineRule, type Report } from "../rule.ts";
import { type HeaderChange, headerChanges } from "../upstream/header-changes.ts";

type AuthPolicy = Kinds["AuthPolicy"];

/** A credential that a policy puts on the request, and what a route then does to it. */
type Strip = {
  readonly item: AuthItem<"response">;
  readonly route: Route;
  readonly change: HeaderChange;
  readonly severity: Severity;
};

/**
 * A policy of a whole gateway injects for routes that need it; one of them may do without on purpose. A header with a
 * condition is not always there.
 */
const severityOf = ({ on }: AuthView, item: AuthItem, { partial }: HeaderChange): Severity =>
  partial || item.when.length > 0 || (levelOn(item.owner, on) ?? 0) < 2 ? "warning" : "error";

const isOf = (item: AuthItem, { metadata }: AuthPolicy): boolean =>
  item.owner.metadata.name === metadata.name && item.owner.metadata.namespace === metadata.namespace;

function stripsIn(views: readonly AuthView[], policy: AuthPolicy): readonly Strip[] {
  const strips = views.flatMap((view) => {
    const { attachment, ruleIndex } = view.on;
    const changes = headerChanges(attachment.route, ruleIndex);
    if (changes.length === 0) return [];
    return injectedCredentials(view)
      .filter((item) => isOf(item, policy))
      .flatMap((item) =>
        changes
          .filter(({ header }) => header === headerOf(item))
          .map(
            (change): Strip => ({ item, route: attachment.route, change, severity: severityOf(view, item, change) }),
          ),
      );
  });
  // A rule is reached through every listener of its route.
  const keyOf = ({ item, route, change }: Strip): string => JSON.stringify([item.key, refOf(route), change.path]);
  return [...new Map(strips.map((strip) => [keyOf(strip), strip])).values()];
}

/** Policies that are on some path of a route which changes headers. */
function policiesOn(route: Route, topology: Topology): readonly AuthPolicy[] {
  const changes = (route.spec?.rules ?? []).some((_, index) => headerChanges(route, index).length > 0);
  if (!changes) return [];
  const paths = pathsOf(topology.attachmentsOf(route));
  const found = paths.flatMap((path) => policiesOnPath("AuthPolicy", path, topology.objects));
  return [...new Set(found)].sort(compareNames);
}

function messageFor({ item, route, change }: Strip): string {
  const after = change.does === "duplicates" ? "beside what the policy injects" : "after the policy injected it";
  return `the route \`${formatRef(refOf(route))}\` ${change.does} \`${headerOf(item)}\` ${after}; the provider will answer 401`;
}

/** The name out of the list of a filter, and what that leaves empty. Another value may be meant to go upstream. */
function mendFor({ route, change, severity }: Strip): Mend | undefined {
  if (severity !== "error" || change.does !== "removes") return undefined;
  const { path, header } = change;
  const filters = valueAt(route, path.slice(0, -4));
  const { remove = [], set = [], add = [] } = (valueAt(route, path.slice(0, -2)) ?? {}) as HeaderLists;
  const alone = remove.length === 1;
  const empty = alone && set.length + add.length === 0;
  const last = empty && Array.isArray(filters) && filters.length === 1;
  const removed = path.slice(0, last ? -4 : empty ? -3 : alone ? -1 : undefined);
  return {
    title: `drop \`${header}\` from what the route removes`,
    edits: [{ op: "remove", path: removed, object: refOf(route) }],
  };
}

type HeaderLists = { readonly [List in "remove" | "set" | "add"]?: readonly unknown[] };

/** On the policy once for each of its headers, on the route once for each of its filters. */
function reportsOn(object: AuthPolicy | Route, strips: readonly Strip[]): readonly Report[] {
  const onPolicy = object.kind === "AuthPolicy";
  const groups = Map.groupBy(strips, ({ item, change }) => JSON.stringify(onPolicy ? item.path : change.path));
  return [...groups.values()].flatMap((group) => {
    const worst = group.find(({ severity }) => severity === "error") ?? group[0];
    if (worst === undefined) return [];
    const related = group.map(({ item, route, change }) =>
      onPolicy
        ? { object: refOf(route), path: change.path, message: `this filter ${change.does} it` }
        : { object: refOf(item.owner), path: item.path, message: "the policy injects it here" },
    );
    const path = onPolicy ? worst.item.path : worst.change.path;
    const mend = group.length === 1 ? mendFor(worst) : undefined;
    return [
      {
        path,
        ...(onPolicy ? { at: "key" } : {}),
        severity: worst.severity,
        message: messageFor(worst),
        related,
        ...(mend === undefined ? {} : { mend }),
      },
    ];
  });
}

/** A pair is reported once, on whichever of the two was read last (arrival.ts). */
export const rule = defineRule({
  id: "credential-injection-stripped",
  kinds: ["AuthPolicy", "HTTPRoute", "GRPCRoute"],
  reads: ["Gateway"],
  severity: "error",
  scope: "conflict",
  title: "The route takes the injected credential off again",
  why: "Filters of a route run in the router, after the policy's headers were set. What the policy injects is gone, replaced or doubled before the request leaves.",
  fix: "Drop the filter: the injection already replaces the caller's token. Inject into another header, such as `x-api-key`, where the caller's has to be removed.",
  sources: [
    "Envoy: HTTP filters such as wasm run before the router, which applies the route's header changes",
    "Gateway API: RequestHeaderModifier matches header names without regard to case",
  ],
  since: "0.2.0",

  check(object, topology) {
    const policies = object.kind === "AuthPolicy" ? [object] : policiesOn(object, topology);
    const viewsFor = (policy: AuthPolicy): readonly AuthView[] =>
      object.kind === "AuthPolicy" ? viewsOf(policy, topology) : viewsOnRoute(policy, object, topology);
    const strips = policies
      .flatMap((policy) => stripsIn(viewsFor(policy), policy).map((strip) => ({ policy, strip })))
      .filter(({ policy, strip }) => readLast([policy, strip.route], topology) === object)
      .map(({ strip }) => strip);
    return reportsOn(object, strips);
  },

  bad: [
    {
      name: "a filter that removes it",
      finds: [{ path: "spec.rules[0].filters[0].requestHeaderModifier.remove[0]", mended: "- spec.rules[0].filters" }],
      yaml: `${POLICY}
          rules:
            response: {success: {headers: {authorization: {plain: {expression: "'Bearer ' + auth.metadata.secret.key"}}}}}
        ---${GATEWAY}
        ---${ROUTE}
              filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [Authorization]}}]`,
    },
    {
      name: "filters that overwrite and double it, the policy being applied last",
      finds: [
        { path: "spec.rules.response.success.headers.key" },
        { path: 'spec.rules.response.success.headers["x-goog-api-key"]' },
      ],
      yaml: `${GATEWAY}
        ---${ROUTE}
              filters:
                - type: RequestHeaderModifier
                  requestHeaderModifier:
                    set: [{name: X-Api-Key, value: none}]
                    add: [{name: x-goog-api-key, value: none}]
        ---${POLICY}
          rules:
            response:
              success:
                headers:
                  key: {key: x-api-key, plain: {expression: auth.metadata.secret.key}}
                  x-goog-api-key: {plain: {expression: auth.metadata.secret.key}}`,
    },
    {
      name: "one of two backends, and a policy of the whole gateway",
      finds: [
        {
          path: "spec.rules[0].backendRefs[0].filters[0].requestHeaderModifier.remove[0]",
          severity: "warning",
        },
        { path: "spec.rules[1].filters[0].requestHeaderModifier.remove[0]", severity: "warning" },
      ],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: credential}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
          defaults:
            rules:
              response: {success: {headers: {authorization: {plain: {expression: "'Bearer ' + auth.metadata.secret.key"}}}}}
        ---${GATEWAY}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: provider}
        spec:
          parentRefs: [{name: egress}]
          rules:
            - backendRefs:
                - group: networking.istio.io
                  kind: Hostname
                  name: api.example.com
                  port: 443
                  filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [authorization]}}]
                - {group: networking.istio.io, kind: Hostname, name: api.example.org, port: 443}
            - filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [authorization]}}]
              backendRefs: [{group: networking.istio.io, kind: Hostname, name: public.example.com, port: 443}]`,
    },
  ],
  good: [
    {
      name: "another header is removed",
      yaml: `${POLICY}
          rules:
            response: {success: {headers: {authorization: {plain: {expression: "'Bearer ' + auth.metadata.secret.key"}}}}}
        ---${GATEWAY}
        ---${ROUTE}
              filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [x-internal-user]}}]`,
    },
    {
      name: "a key in a header of its own, and the caller's token removed",
      yaml: `${POLICY}
          rules:
            response: {success: {headers: {x-api-key: {plain: {expression: auth.metadata.secret.key}}}}}
        ---${GATEWAY}
        ---${ROUTE}
              filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [authorization]}}]`,
    },
    {
      name: "an empty header, a header that is no credential, and a change of the response",
      yaml: `${POLICY}
          rules:
            response: {success: {headers: {authorization: {plain: {expression: "''"}}, x-user: {plain: {expression: auth.identity.sub}}}}}
        ---${GATEWAY}
        ---${ROUTE}
              filters:
                - {type: RequestHeaderModifier, requestHeaderModifier: {remove: [authorization, x-user]}}
                - {type: ResponseHeaderModifier, responseHeaderModifier: {remove: [authorization]}}`,
    },
  ],
});
