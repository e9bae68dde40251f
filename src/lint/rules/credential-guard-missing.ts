import type { Severity } from "../../model/finding.ts";
import { refOf } from "../../model/topology.ts";
import { type AuthFlow, itemsOf } from "../auth/auth-flow.ts";
import { type GuardedNeed, type HeaderNeed, unguardedNeeds } from "../auth/header-needs.ts";
import { rangeOfNames, spellPath, spellPresence } from "../expressions/attribute-reads.ts";
import { defineRule, type Report } from "../rule.ts";

const POLICY = `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: credential}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}`;

const SECRET = `secret: {http: {url: "https://vault.vault.svc:8200/v1/kv/data/openai", method: GET}}`;

/** The worst first: what the caller sent goes upstream, the text `<nil>` does, something else does. */
const OUTCOMES = ["untouched", "nil", "fallback"] as const satisfies readonly HeaderNeed["without"][];

const itemName = ({ names }: HeaderNeed): string => names[2] ?? "";

/** Guards of SpiceDB cannot be read here: its request may be made of the value, and then fails without it. */
const hasHiddenGuard = (flow: AuthFlow): boolean =>
  itemsOf(flow, "authorization").some(({ value }) => value.spicedb !== undefined);

/**
 * An error must be certain: a credential that nothing guards and whose failure leaves the request as the caller sent
 * it. An item that is not defined here is brought by another policy, which may bring the guard as well.
 */
function severityOf({ need, flow, contexts, guardings }: GuardedNeed): Severity {
  const everywhere = guardings.every(({ status }) => status === "absent");
  const readable = !contexts.some(hasHiddenGuard) && !(flow.merges && contexts.includes(flow));
  const defined = contexts.every((context) => itemsOf(context, "metadata").some(({ name }) => name === itemName(need)));
  const certain = everywhere && readable && defined && need.credential && need.without === "untouched";
  return certain ? "error" : "warning";
}

function messageFor(need: HeaderNeed): string {
  const event = `if \`${itemName(need)}\` fails (timeout, 403, bad JSON) the request goes upstream`;
  switch (need.without) {
    case "nil":
      return `${event} with the text \`<nil>\` in \`${need.header}\``;
    case "fallback":
      return `${event} all the same, without the value that \`${need.header}\` was to carry`;
    case "untouched":
      return need.credential
        ? `${event} without the injected \`${need.header}\` and with the caller's own token still on it`
        : `${event} without the injected \`${need.header}\``;
  }
}

function hintFor({ names }: HeaderNeed): string {
  const value = spellPath(names);
  const condition = names.length > 3 ? `${spellPresence(names)} && ${value} != ''` : spellPresence(names);
  return `Add an authorization item, such as \`${names[2]}_present\`, with the pattern \`predicate: ${condition}\`.`;
}

function toReport(guarded: GuardedNeed): Report {
  const { need, contexts, own } = guarded;
  const source = contexts
    .flatMap((context) => itemsOf(context, "metadata"))
    .find(({ name }) => name === itemName(need));
  return {
    path: need.place.site.path,
    range: rangeOfNames(need.place.read, need.place.read.names.length),
    severity: severityOf(guarded),
    ...(own ? {} : { scope: "conflict" as const }),
    message: messageFor(need),
    hint: hintFor(need),
    ...(source === undefined
      ? {}
      : {
          related: [{ object: refOf(source.owner), path: source.path, message: `\`${source.name}\` is fetched here` }],
        }),
  };
}

export const rule = defineRule({
  id: "credential-guard-missing",
  kinds: ["AuthPolicy"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute"],
  severity: "error",
  scope: "object",
  title: "An injected header is not guarded against a failed lookup",
  why: "Authorino only logs the failure of a lookup and of a header that is built from it, and lets the request pass. The provider then receives the caller's own token in place of the credential.",
  fix: "Add an authorization item that tests the fetched value, so that a failed lookup gives 403.",
  sources: [
    "kuadrant credential injection guide: the check on the fetched secret is what gives the 403",
    "authorino 58fecc6c pkg/service/auth_pipeline.go: errors of the metadata and response phases are logged",
    "Observed on Authorino 58fecc6c: when the expression of a header cannot be evaluated, the caller's token reaches the provider; a selector that finds nothing sends the text `<nil>`",
  ],
  since: "0.1.0",

  check(object, topology) {
    const absent = unguardedNeeds(object, topology)
      .filter(({ guardings }) => guardings.some(({ status }) => status === "absent"))
      .toSorted((a, b) => OUTCOMES.indexOf(a.need.without) - OUTCOMES.indexOf(b.need.without));
    const perLookup = new Map<string, GuardedNeed>();
    for (const guarded of absent) {
      const key = JSON.stringify([guarded.need.item.path, itemName(guarded.need)]);
      if (!perLookup.has(key)) perLookup.set(key, guarded);
    }
    return [...perLookup.values()].map(toReport);
  },

  bad: [
    {
      name: "a header built from a lookup that nothing tests",
      finds: [
        {
          path: "spec.rules.response.success.headers.authorization.plain.expression",
          text: "auth.metadata.secret.data.data.api_key",
        },
      ],
      yaml: `${POLICY}
          rules:
            metadata:
              ${SECRET}
            response:
              success:
                headers:
                  authorization: {plain: {expression: "'Bearer ' + auth.metadata.secret.data.data.api_key"}}`,
    },
    {
      name: "a test of another lookup, under overrides",
      finds: [
        {
          path: "spec.overrides.rules.response.success.headers.provider.plain.expression",
          text: "auth.metadata.secret.data.data.api_key",
        },
      ],
      yaml: `${POLICY}
          overrides:
            rules:
              metadata:
                ${SECRET}
                tenant: {http: {url: "https://tenants.platform.svc/v1/tenant", method: GET}}
              authorization:
                tenant: {patternMatching: {patterns: [{predicate: "auth.metadata.tenant.active == true"}]}}
              response:
                success:
                  headers:
                    provider: {key: X-Api-Key, plain: {expression: auth.metadata.secret.data.data.api_key}}`,
    },
    {
      name: "a selector, which sends <nil> instead of the credential",
      finds: [
        {
          path: "spec.rules.response.success.headers.authorization.plain.selector",
          text: "auth.metadata.secret.data.data.header",
          severity: "warning",
        },
      ],
      yaml: `${POLICY}
          rules:
            metadata:
              ${SECRET}
            response:
              success:
                headers:
                  authorization: {plain: {selector: auth.metadata.secret.data.data.header}}`,
    },
  ],
  good: [
    {
      name: "a pattern that tests the value itself",
      yaml: `${POLICY}
          rules:
            metadata:
              ${SECRET}
            authorization:
              secret-present:
                patternMatching:
                  patterns: [{predicate: "has(auth.metadata.secret.data.data.api_key) && auth.metadata.secret.data.data.api_key != ''"}]
            response:
              success:
                headers:
                  authorization: {plain: {expression: "'Bearer ' + auth.metadata.secret.data.data.api_key"}}`,
    },
    {
      name: "a Rego policy that names the lookup, and a header that reads the identity only",
      yaml: `${POLICY}
          rules:
            metadata:
              ${SECRET}
            authorization:
              secret-present: {opa: {rego: "allow { input.auth.metadata.secret.data.data.api_key != \\"\\" }"}}
            response:
              success:
                headers:
                  authorization: {plain: {expression: "'Bearer ' + auth.metadata.secret.data.data.api_key"}}
                  x-workload: {plain: {expression: auth.identity.user.username}}`,
    },
  ],
});
