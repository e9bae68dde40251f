import type { Mend } from "../../model/edit.ts";
import type { Severity } from "../../model/finding.ts";
import { nearestName } from "../../model/nearest-name.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import {
  AUTH_PHASES,
  type AuthBlockFlow,
  type AuthFlow,
  type AuthItem,
  authFlows,
  callsNetwork,
  differentViews,
  formatItem,
  holdsIn,
  itemsOf,
} from "../auth/auth-flow.ts";
import {
  dashedName,
  type Problem,
  problemOf,
  REFERENCE_DEPTH,
  type Reference,
  referencesOf,
  targetsOf,
} from "../auth/item-references.ts";
import { rangeOfNames, spellPath } from "../expressions/attribute-reads.ts";
import { orderedPriorities } from "../mends/item-priorities.ts";
import { replacing } from "../mends/text-changes.ts";
import { defineRule, type Report } from "../rule.ts";
import { worstPerMessage } from "../worst-report.ts";

const POLICY = `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: credential}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}`;

/**
 * How much the problem weighs. An error must be certain: an item of the same priority that needs no network is often
 * there in time (observed), a place that allows for absence or has an alternative goes on, a cache key only loses the
 * cache, and a policy that merges may get the item from another one.
 */
function severityOf(problem: Problem, { place }: Reference, flow: AuthBlockFlow): Severity {
  const races = problem.kind === "concurrent" && !callsNetwork(problem.target);
  const mayComeFromElsewhere = problem.kind === "missing" && flow.merges && dashedName(place, flow) === undefined;
  const survives = place.part === "cache" || place.alternative || place.read.absence(REFERENCE_DEPTH) !== "fails";
  return races || mayComeFromElsewhere || survives ? "warning" : "error";
}

function judge(item: AuthItem, reference: Reference, flow: AuthBlockFlow, topology: Topology): readonly Report[] {
  const problem = problemOf(item, reference, flow);
  if (problem === undefined) return [];
  const views = differentViews(item.owner, topology).filter((view) => holdsIn(view, item));
  const broken = views.filter((view) => problemOf(item, reference, view) !== undefined).length;
  if (views.length > 0 && broken === 0) return [];
  const severity = broken < views.length ? "warning" : severityOf(problem, reference, flow);
  return [toReport(item, reference, problem, { flow, severity })];
}

function toReport(
  item: AuthItem,
  { phase, name, place }: Reference,
  problem: Problem,
  { flow, severity }: { readonly flow: AuthBlockFlow; readonly severity: Severity },
): Report {
  const mend = mendFor(item, { phase, name, place }, problem, flow);
  const { message, hint } = words(item, { phase, name, place }, problem, flow);
  const target = "target" in problem ? problem.target : targetsOf({ phase, name }, flow)[0];
  const related = [
    ...(target === undefined || target === item
      ? []
      : [{ object: refOf(target.owner), path: target.path, message: `${formatItem(target)} is defined here` }]),
    ...(place.patternRef === undefined
      ? []
      : [{ object: refOf(item.owner), path: item.path, message: `pattern \`${place.patternRef}\` is used here` }]),
  ];
  return {
    path: place.site.path,
    range: rangeOfNames(place.read, REFERENCE_DEPTH),
    severity,
    message: `${formatItem(item)} uses \`${spellPath(["auth", phase, name])}\`, which ${message}`,
    hint,
    ...(related.length === 0 ? {} : { related }),
    ...(mend === undefined ? {} : { mend }),
  };
}

/** An order has one solution, and a name with a dash one spelling; what else is missing is for a person to find. */
function mendFor(
  item: AuthItem,
  { phase, name, place }: Reference,
  problem: Problem,
  flow: AuthBlockFlow,
): Mend | undefined {
  if (problem.kind === "concurrent" || problem.kind === "after") {
    const edits = problem.target.key === item.key ? [] : (orderedPriorities(item.phase, flow) ?? []);
    return edits.length === 0 ? undefined : { title: `give \`${item.name}\` a later priority than \`${name}\``, edits };
  }
  const meant = problem.kind === "missing" ? dashedName(place, flow) : undefined;
  if (meant === undefined || place.read.tested) return undefined;
  const spelt = spellPath(["auth", phase, meant]);
  const { start, end } = place.read;
  const replacement = { start, end: end + meant.length - name.length, text: spelt };
  return { title: `write \`${spelt}\``, edits: replacing(place.site.path, [replacement]) };
}

type Words = { readonly message: string; readonly hint: string };

function words(item: AuthItem, reference: Reference, problem: Problem, flow: AuthFlow): Words {
  const { phase, name } = reference;
  switch (problem.kind) {
    case "missing":
      return wordsForMissing(reference, flow);
    case "later":
      return {
        message: `runs in the later \`${phase}\` phase`,
        hint: `The ${item.phase} phase ends before the ${phase} phase starts: move what needs \`${name}\` to an item of a later phase.`,
      };
    case "itself":
      return { message: "is its own result", hint: `Name the item whose result \`${item.name}\` needs.` };
    case "concurrent":
    case "after": {
      const { priority } = problem.target;
      return {
        message:
          problem.kind === "concurrent"
            ? `runs at the same priority, ${priority}, i.e. concurrently`
            : `runs after it, at priority ${priority}`,
        hint: `Give \`${item.name}\` a higher priority number than \`${name}\`: \`priority: ${priority + 1}\`.`,
      };
    }
  }
}

function wordsForMissing({ phase, name, place }: Reference, flow: AuthFlow): Words {
  const meant = dashedName(place, flow);
  if (meant !== undefined) {
    const spelt = spellPath(["auth", phase, meant]);
    return {
      message: `does not exist (did you mean \`${meant}\`)`,
      hint: `A dash is a subtraction in CEL: write \`${spelt}\`.`,
    };
  }
  const elsewhere = AUTH_PHASES.filter((other) => other !== "authentication")
    .flatMap((other) => targetsOf({ phase: other, name }, flow))
    .at(0);
  const near = nearestName(
    name,
    itemsOf(flow, phase).map((item) => item.name),
  );
  const spelt = near !== undefined ? ["auth", phase, near] : elsewhere && ["auth", elsewhere.phase, name];
  if (spelt === undefined) {
    return {
      message: "does not exist",
      hint: `Define ${formatItem({ phase, name })} in this policy, or do without it.`,
    };
  }
  return {
    message: `does not exist (did you mean \`${near ?? spellPath(spelt)}\`)`,
    hint: `Write \`${spellPath(spelt)}\`, or define ${formatItem({ phase, name })}.`,
  };
}

export const rule = defineRule({
  id: "auth-item-order",
  kinds: ["AuthPolicy"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute"],
  severity: "error",
  scope: "object",
  title: "An item uses a result that is not there when it runs",
  why: "What is not there yet cannot be evaluated: the item fails on every request, which denies it or sends it on without the value.",
  fix: "Give the item a higher priority number than the one that it uses, or correct the name.",
  sources: [
    "kuadrant credential injection guide: vault_secret has priority 1 because it uses vault_login, which has 0",
    "authorino 58fecc6c pkg/service/auth_pipeline.go: phases in sequence, priorities in sequence, equal priorities concurrently",
    "Observed on Authorino 58fecc6c: with the two priorities exchanged every request gets 403, `no such key: vault_secret`",
  ],
  since: "0.1.0",

  check(object, topology) {
    const reports = authFlows(object).flatMap((flow) =>
      flow.items.flatMap((item) =>
        referencesOf(item, flow).flatMap((reference) => judge(item, reference, flow, topology)),
      ),
    );
    return worstPerMessage(reports);
  },

  bad: [
    {
      name: "a login and what needs it at the same priority",
      finds: [
        {
          path: 'spec.rules.metadata.vault_secret.http.headers["X-Vault-Token"].expression',
          text: "auth.metadata.vault_login",
          mended: "spec.rules.metadata.vault_secret.priority: 1",
        },
      ],
      yaml: `${POLICY}
          rules:
            metadata:
              vault_login:
                http: {url: "https://vault.vault.svc:8200/v1/auth/kubernetes/login", method: POST, contentType: application/json}
              vault_secret:
                http:
                  url: https://vault.vault.svc:8200/v1/kv/data/openai
                  headers: {X-Vault-Token: {expression: auth.metadata.vault_login.auth.client_token}}`,
    },
    {
      name: "names that do not exist, in a selector of overrides and in a URL template",
      finds: [
        { path: "spec.overrides.rules.metadata.secret.http.url", text: "auth.metadata.tenants" },
        {
          path: "spec.overrides.rules.response.success.headers.authorization.plain.selector",
          text: "auth.metadata.secrets",
        },
      ],
      yaml: `${POLICY}
          overrides:
            rules:
              metadata:
                secret: {http: {url: "https://vault.vault.svc:8200/v1/kv/data/{auth.metadata.tenants.name}", method: GET}}
              response:
                success:
                  headers:
                    authorization: {plain: {selector: auth.metadata.secrets.data.data.api_key}}`,
    },
    {
      name: "a dash that CEL takes for a subtraction",
      finds: [
        {
          path: "spec.rules.authorization.ready.patternMatching.patterns[0].predicate",
          text: "auth.metadata.vault",
          mended: "auth.metadata['vault-login'].auth != null",
        },
      ],
      yaml: `${POLICY}
          rules:
            metadata:
              vault-login: {http: {url: "https://vault.vault.svc:8200/v1/auth/kubernetes/login", method: POST}}
            authorization:
              ready:
                patternMatching: {patterns: [{predicate: "auth.metadata.vault-login.auth != null"}]}`,
    },
    {
      name: "a condition on the result of a later phase, through a named pattern",
      finds: [{ path: "spec.patterns.allowed.allOf[0].selector", text: "auth.authorization.team" }],
      yaml: `${POLICY}
          patterns:
            allowed: {allOf: [{selector: auth.authorization.team, operator: eq, value: "true"}]}
          rules:
            metadata:
              secret:
                when: [{patternRef: allowed}]
                http: {url: "https://vault.vault.svc:8200/v1/kv/data/openai", method: GET}
            authorization:
              team:
                patternMatching: {patterns: [{predicate: "auth.identity.user.username != ''"}]}`,
    },
  ],
  good: [
    {
      name: "a higher number for the one that comes second",
      yaml: `${POLICY}
          rules:
            metadata:
              vault_login:
                http: {url: "https://vault.vault.svc:8200/v1/auth/kubernetes/login", method: POST, contentType: application/json}
                priority: 0
              vault_secret:
                http:
                  url: https://vault.vault.svc:8200/v1/kv/data/openai
                  headers: {X-Vault-Token: {expression: auth.metadata.vault_login.auth.client_token}}
                priority: 1`,
    },
    {
      name: "a name with a dash in brackets, read by a later phase, and an item's name inside a string",
      yaml: `${POLICY}
          rules:
            metadata:
              vault-login: {http: {url: "https://vault.vault.svc:8200/v1/auth/kubernetes/login", method: POST}}
            authorization:
              ready:
                patternMatching:
                  patterns: [{predicate: "auth.metadata['vault-login'].auth.lease != 'auth.metadata.none'"}]`,
    },
  ],
});
