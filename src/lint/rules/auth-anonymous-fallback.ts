import type { Severity } from "../../model/finding.ts";
import type { Topology } from "../../model/topology.ts";
import { type AuthBlockFlow, type AuthFlow, type AuthItem, authFlows, itemsOf } from "../auth/auth-flow.ts";
import { itemReads } from "../auth/auth-sites.ts";
import { dependenceOf } from "../auth/dependence.ts";
import { GATEWAY, POLICY, ROUTE } from "../auth/example-objects.ts";
import { contextsOf, injectedCredentials } from "../auth/injection.ts";
import { readsBelow } from "../expressions/attribute-reads.ts";
import { defineRule, type Report } from "../rule.ts";

/** How far authorization looks at who calls: never, only under conditions, or on every request. */
type Check = "never" | "sometimes" | "always";

/** What Rego and SpiceDB ask for is not analysed: they count as looking. */
function identityCheck(flow: AuthFlow): Check {
  const looking = itemsOf(flow, "authorization").filter((item) => {
    const { opa, spicedb } = item.value;
    if (opa !== undefined || spicedb !== undefined) return true;
    return itemReads(item, flow).some(({ part, read }) => part !== "when" && readsBelow(read, ["auth", "identity"]));
  });
  if (looking.some(({ when }) => when.length === 0)) return "always";
  return looking.length > 0 ? "sometimes" : "never";
}

/** Everything is immutable, and many policies share one list of items. */
const checked = new WeakMap<AuthFlow["items"], Check>();

function knownCheck(flow: AuthFlow): Check {
  const check = checked.get(flow.items) ?? identityCheck(flow);
  checked.set(flow.items, check);
  return check;
}

/** Whether a credential is injected that is not looked up for the caller: nobody's identity finds nothing. */
const givesToAnybody = (flow: AuthFlow): boolean =>
  injectedCredentials(flow).some((item) => item.when.length === 0 && !dependenceOf(item, flow).identity);

const isAnonymous = ({ value }: AuthItem<"authentication">): boolean => value.anonymous !== undefined;

/** Why everybody is let in. */
type Opening = { readonly path: Report["path"]; readonly reason: string; readonly explicit: boolean };

function openingsOf(flow: AuthBlockFlow, contexts: readonly AuthFlow[]): readonly Opening[] {
  const own = itemsOf(flow, "authentication");
  const always = own.filter((item) => isAnonymous(item) && item.when.length === 0);
  if (always.length > 0) {
    const others = contexts.some((context) => itemsOf(context, "authentication").some((item) => !isAnonymous(item)));
    const reason = others
      ? "one success is enough, and `anonymous` succeeds for everybody"
      : "`anonymous` is the only method";
    return always.map(({ path }) => ({ path: [...path, "anonymous"], reason, explicit: !others }));
  }
  const lacking = contexts.every((context) => itemsOf(context, "authentication").length === 0);
  if (own.length > 0 || flow.items.length === 0 || !lacking) return [];
  const reason = "Authorino adds anonymous access where no method is listed";
  return [{ path: [...flow.path, "rules"], reason, explicit: false }];
}

/** A block that no path in view shows may get its authentication from another policy. */
function severityOf(opening: Opening, check: Check, injects: boolean, inView: boolean): Severity {
  const own = opening.path.at(-1) === "anonymous";
  return injects && check === "never" && !opening.explicit && (own || inView) ? "error" : "warning";
}

function judge(flow: AuthBlockFlow, topology: Topology): readonly Report[] {
  const contexts = contextsOf(flow, topology);
  const inView = contexts[0] !== flow;
  return openingsOf(flow, contexts).flatMap((opening): readonly Report[] => {
    const checks = contexts.map(knownCheck);
    const check = checks.find((one) => one === "never") ?? checks.find((one) => one === "sometimes") ?? "always";
    const injects = contexts.some(givesToAnybody);
    const missing = opening.path.at(-1) === "rules";
    if (check === "always" && !missing) return [];
    if (opening.explicit && !injects) return [];
    if (missing && !inView && flow.merges) return [];
    const outcome =
      check === "always"
        ? "; nobody has an identity, so the authorization that asks for one answers 403 to everybody"
        : injects
          ? "; the provider credential is injected for anyone who reaches the gateway"
          : "";
    return [
      {
        path: opening.path,
        at: "key",
        severity: severityOf(opening, check, injects, inView),
        ...(inView && missing ? { scope: "conflict" as const } : {}),
        message: `authentication here always succeeds because ${opening.reason}${outcome}`,
        ...(missing ? { hint: "Add an authentication method, such as `kubernetesTokenReview`." } : {}),
      },
    ];
  });
}

/** A single method that not every request reaches, and nothing that takes the others. */
function conditionalReports(flow: AuthBlockFlow, topology: Topology): readonly Report[] {
  const [item, ...others] = itemsOf(flow, "authentication");
  if (item === undefined || others.length > 0 || item.when.length === 0 || flow.merges) return [];
  if (contextsOf(flow, topology).some((context) => itemsOf(context, "authentication").length > 1)) return [];
  return [
    {
      path: [...item.path, "when"],
      at: "key",
      severity: "warning",
      message: "the only authentication method has a condition: a request for which it does not hold gets 401",
      hint: "Take the condition off, or add a method for the other requests.",
    },
  ];
}

export const rule = defineRule({
  id: "auth-anonymous-fallback",
  kinds: ["AuthPolicy"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute"],
  severity: "error",
  scope: "object",
  title: "Authentication lets everybody in",
  why: "One successful method is enough, and anonymous access always succeeds: the stricter method beside it is never needed. A policy that injects a credential then gives it to every pod that reaches the gateway.",
  fix: "Remove `anonymous`, or give it a `when` and add an authorization rule that checks the identity.",
  sources: [
    "authorino 58fecc6c pkg/service/auth_pipeline.go: the first success ends authentication; without any method anonymous access is added",
    "Observed on Authorino 58fecc6c: with `anonymous` beside a TokenReview a request without a token gets 200",
  ],
  since: "0.2.0",

  check(object, topology) {
    return authFlows(object).flatMap((flow) => [...judge(flow, topology), ...conditionalReports(flow, topology)]);
  },

  bad: [
    {
      name: "a fallback beside a TokenReview, and a credential",
      finds: [{ path: "spec.rules.authentication.fallback.anonymous" }],
      yaml: `${POLICY}
          rules:
            authentication:
              workload-sa: {kubernetesTokenReview: {audiences: [egress.example.internal]}}
              fallback: {anonymous: {}, priority: 1}
            response:
              success:
                headers:
                  x-api-key: {plain: {value: not-a-real-key}}`,
    },
    {
      name: "a fallback without a credential, in defaults, authorization looking at it for some requests only",
      finds: [{ path: "spec.defaults.rules.authentication.fallback.anonymous", severity: "warning" }],
      yaml: `${POLICY}
          defaults:
            rules:
              authentication:
                workload-sa: {kubernetesTokenReview: {audiences: [egress.example.internal]}}
                fallback: {anonymous: {}}
              authorization:
                writers:
                  when: [{predicate: request.method != 'GET'}]
                  patternMatching: {patterns: [{predicate: auth.identity.user.username != ''}]}`,
    },
    {
      name: "a fallback, and a credential that is looked up for the caller",
      finds: [{ path: "spec.rules.authentication.fallback.anonymous", severity: "warning" }],
      yaml: `${POLICY}
          rules:
            authentication:
              workload-sa: {kubernetesTokenReview: {audiences: [egress.example.internal]}}
              fallback: {anonymous: {}, priority: 1}
            metadata: {secret: {http: {urlExpression: "'https://vault.vault.svc:8200/v1/kv/data/' + auth.identity.user.username"}}}
            response: {success: {headers: {x-api-key: {plain: {expression: auth.metadata.secret.data.data.api_key}}}}}`,
    },
    {
      name: "no authentication on the route of a policy that injects",
      finds: [{ path: "spec.rules" }],
      yaml: `${POLICY}
          rules:
            metadata: {secret: {http: {url: "https://vault.vault.svc:8200/v1/kv/data/provider"}}}
            response:
              success: {headers: {x-key: {plain: {expression: auth.metadata.secret.data.data.api_key}}}}
        ---${GATEWAY}
        ---${ROUTE}`,
    },
    {
      name: "no authentication, the route not in view, and a rule that needs an identity",
      finds: [{ path: "spec.rules", severity: "warning" }],
      yaml: `${POLICY}
          rules:
            authorization:
              team: {patternMatching: {patterns: [{predicate: "auth.identity.user.username != ''"}]}}`,
    },
    {
      name: "anonymous access on purpose, and a credential",
      finds: [{ path: "spec.rules.authentication.public.anonymous", severity: "warning" }],
      yaml: `${POLICY}
          rules:
            authentication: {public: {anonymous: {}}}
            response: {success: {headers: {x-api-key: {plain: {expression: "'x'"}}}}}`,
    },
    {
      name: "a single method with a condition",
      finds: [{ path: 'spec.rules.authentication["workload-sa"].when', severity: "warning" }],
      yaml: `${POLICY}
          rules:
            authentication:
              workload-sa:
                when: [{predicate: "'authorization' in request.headers"}]
                kubernetesTokenReview: {audiences: [egress.example.internal]}`,
    },
  ],
  good: [
    {
      name: "one strict method",
      yaml: `${POLICY}
          rules:
            authentication:
              workload-sa: {kubernetesTokenReview: {audiences: [egress.example.internal]}}`,
    },
    {
      name: "a fallback whose requests authorization looks at",
      yaml: `${POLICY}
          rules:
            authentication:
              workload-sa: {kubernetesTokenReview: {audiences: [egress.example.internal]}}
              fallback: {anonymous: {}, priority: 1}
            authorization:
              team: {patternMatching: {patterns: [{predicate: "auth.identity.user.username != ''"}]}}`,
    },
    {
      name: "authentication from the gateway's policy, which merges",
      yaml: `${POLICY}
          rules:
            response: {success: {headers: {x-api-key: {plain: {expression: "'x'"}}}}}
        ---
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: platform}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
          defaults:
            strategy: merge
            rules:
              authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress.example.internal]}}}
        ---${GATEWAY}
        ---${ROUTE}`,
    },
    {
      name: "two methods for different requests, and public access without a credential",
      yaml: `${POLICY}
          rules:
            authentication:
              workload-sa:
                when: [{predicate: "!('x-api-key' in request.headers)"}]
                kubernetesTokenReview: {audiences: [egress.example.internal]}
              key:
                when: [{predicate: "'x-api-key' in request.headers"}]
                apiKey: {}
                credentials: {customHeader: {name: x-api-key}}
        ---
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: public}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: other}
          rules: {authentication: {public: {anonymous: {}}}}`,
    },
  ],
});
