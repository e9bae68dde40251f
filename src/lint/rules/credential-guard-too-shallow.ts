import type { RelatedPlace } from "../../model/finding.ts";
import type { Kinds } from "../../model/kinds.ts";
import { formatRef } from "../../model/object-ref.ts";
import { refOf } from "../../model/topology.ts";
import type { GuardFlaw, Guarding, Mention } from "../auth/auth-guards.ts";
import { type GuardedNeed, type HeaderNeed, unguardedNeeds } from "../auth/header-needs.ts";
import { rangeOfNames, spellPath, spellPresence } from "../expressions/attribute-reads.ts";
import { deepenedGuard } from "../mends/guard-depth.ts";
import { defineRule, type Report } from "../rule.ts";

const POLICY = `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: credential}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}`;

const SECRET = `vault_secret: {http: {url: "https://vault.vault.svc:8200/v1/kv/data/openai", method: GET}}`;

type Flawed = Extract<Guarding, { readonly status: "flawed" }>;

/** Headers that one guard fails to protect, for the same value. */
type Case = { readonly flawed: Flawed; readonly guarded: readonly [GuardedNeed, ...GuardedNeed[]] };

function casesOf(needs: readonly GuardedNeed[]): readonly Case[] {
  const cases = new Map<string, Case>();
  for (const guarded of needs) {
    if (guarded.need.without === "fallback") continue;
    const flawed = guarded.guardings.find((guarding): guarding is Flawed => guarding.status === "flawed");
    if (flawed === undefined || guarded.guardings.some(({ status }) => status === "absent")) continue;
    const { item, place } = flawed.nearest;
    const key = JSON.stringify([item.path, place.site.path, place.read.start, guarded.need.names]);
    const known = cases.get(key);
    cases.set(key, { flawed, guarded: known === undefined ? [guarded] : [...known.guarded, guarded] });
  }
  return [...cases.values()];
}

function whatFails(flaw: GuardFlaw, { place }: Mention, need: HeaderNeed): string {
  const value = spellPath(need.names);
  const checked = spellPath(place.read.names);
  switch (flaw) {
    case "shallow":
    case "sibling":
      return `the guard checks \`${checked}\` but the header needs \`${value}\``;
    case "passes":
      return `the guard also passes when \`${value}\` is not there`;
    case "conditional":
      return `the guard on \`${value}\` is skipped when its \`when\` does not hold, and the header is injected all the same`;
  }
}

/** A test of the item as a whole lets a store's error reply pass; any other at least a reply without the value. */
function whatFollows({ without, header, credential }: HeaderNeed, { place }: Mention): string {
  const reply = place.read.names.length <= 3 ? "an error reply" : "a reply that lacks it";
  if (without === "nil") return `${reply} passes, and \`${header}\` carries the text \`<nil>\``;
  return credential
    ? `${reply} passes the guard and the caller's token is forwarded unchanged`
    : `${reply} passes the guard and the request goes upstream without \`${header}\``;
}

const hintFor = (flaw: GuardFlaw, { names }: HeaderNeed): string => {
  const condition = names.length > 3 ? `${spellPresence(names)} && ${spellPath(names)} != ''` : spellPresence(names);
  return flaw === "conditional"
    ? "Remove the `when`, or give the header the same one."
    : `Test what is used: \`${condition}\`.`;
};

const readHere = ({ need }: GuardedNeed): RelatedPlace => ({
  object: refOf(need.item.owner),
  path: need.place.site.path,
  message: `header \`${need.header}\` reads it here`,
});

/** On the guard, if it is the policy's own; else on the header, which is. */
/** All values that the same guard is to protect: it is made to test them together. */
function valuesAt({ site, read }: Mention["place"], cases: readonly Case[]): readonly (readonly string[])[] {
  const same = cases.filter(
    ({ flawed: { flaw, nearest } }) =>
      flaw === "shallow" && nearest.place.site === site && nearest.place.read.start === read.start,
  );
  const values = same.flatMap(({ guarded }) => guarded.map(({ need }) => need.names));
  return [...new Map(values.map((names) => [JSON.stringify(names), names])).values()];
}

function toReport(
  { flawed: { flaw, nearest }, guarded }: Case,
  policy: Kinds["AuthPolicy"],
  cases: readonly Case[],
): Report {
  const [first] = guarded;
  const { need } = guarded.find(({ need }) => need.without === "untouched") ?? first;
  const { item, place } = nearest;
  const certain =
    flaw !== "conditional" &&
    need.without === "untouched" &&
    guarded.some(({ guardings }) => guardings.every(({ status }) => status === "flawed"));
  const report = {
    ...(certain ? {} : { severity: "warning" as const }),
    ...(first.own ? {} : { scope: "conflict" as const }),
    message: `${whatFails(flaw, nearest, need)}; ${whatFollows(need, nearest)}`,
    hint: hintFor(flaw, need),
  };
  if (place.owner !== policy) {
    const guard = {
      object: refOf(place.owner),
      path: place.site.path,
      message: `${formatRef(refOf(place.owner))} has the guard`,
    };
    const { read, site } = need.place;
    return { ...report, path: site.path, range: rangeOfNames(read, read.names.length), related: [guard] };
  }
  const related = guarded.map(readHere);
  if (flaw === "conditional") return { ...report, path: [...item.path, "when"], related };
  const range = rangeOfNames(place.read, place.read.names.length);
  const mend = flaw === "shallow" ? deepenedGuard(place, valuesAt(place, cases)) : undefined;
  return { ...report, path: place.site.path, range, related, ...(mend === undefined ? {} : { mend }) };
}

export const rule = defineRule({
  id: "credential-guard-too-shallow",
  kinds: ["AuthPolicy"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute"],
  severity: "error",
  relaxed: "warning",
  scope: "object",
  title: "The guard of an injected header does not test what the header needs",
  why: "A secret store's error reply is a document too, and so is a secret without the key. Either can pass a test of something else than the value, and the caller's own token then goes to the provider.",
  fix: "Test the value that the header reads, and that it is not empty.",
  sources: [
    "authorino 58fecc6c pkg/evaluators/metadata/generic_http.go: the status of the reply is not checked",
    "Observed on Authorino 58fecc6c with the guide's guard: a secret without the key and a deleted version of a secret pass it, and the caller's ServiceAccount token reaches the provider",
  ],
  since: "0.1.0",

  check(object, topology) {
    const cases = casesOf(unguardedNeeds(object, topology));
    return cases.map((found) => toReport(found, object, cases));
  },

  bad: [
    {
      name: "a test of the document around the value",
      finds: [
        {
          path: "spec.rules.authorization.check.patternMatching.patterns[0].predicate",
          text: "auth.metadata.vault_secret.data",
          mended:
            "has(auth.metadata.vault_secret.data.data.api_key) && auth.metadata.vault_secret.data.data.api_key != ''",
        },
      ],
      yaml: `${POLICY}
          rules:
            metadata:
              ${SECRET}
            authorization:
              check: {patternMatching: {patterns: [{predicate: has(auth.metadata.vault_secret.data)}]}}
            response:
              success:
                headers:
                  authorization: {plain: {expression: "'Bearer ' + auth.metadata.vault_secret.data.data.api_key"}}`,
    },
    {
      name: "a test of another key, in defaults and through a named pattern",
      finds: [
        {
          path: "spec.defaults.patterns.fetched.allOf[0].predicate",
          text: "auth.metadata.vault_secret.data.data.user",
        },
      ],
      yaml: `${POLICY}
          defaults:
            patterns:
              fetched: {allOf: [{predicate: "auth.metadata.vault_secret.data.data.user != ''"}]}
            rules:
              metadata:
                ${SECRET}
              authorization:
                check: {patternMatching: {patterns: [{patternRef: fetched}]}}
              response:
                success:
                  headers:
                    x-api-key: {plain: {expression: auth.metadata.vault_secret.data.data.password}}`,
    },
    {
      name: "the right test beside an alternative",
      finds: [
        {
          path: "spec.rules.authorization.check.patternMatching.patterns[0].any[0].predicate",
          text: "auth.metadata.vault_secret.data.data.api_key",
        },
      ],
      yaml: `${POLICY}
          rules:
            metadata:
              ${SECRET}
            authorization:
              check:
                patternMatching:
                  patterns:
                    - any:
                        - predicate: has(auth.metadata.vault_secret.data.data.api_key)
                        - predicate: request.method == 'GET'
            response:
              success:
                headers:
                  authorization: {plain: {expression: "'Bearer ' + auth.metadata.vault_secret.data.data.api_key"}}`,
    },
    {
      name: "the right test, under a condition that the header does not have",
      finds: [{ path: "spec.rules.authorization.check.when", severity: "warning" }],
      yaml: `${POLICY}
          rules:
            metadata:
              ${SECRET}
            authorization:
              check:
                when: [{predicate: "request.method == 'POST'"}]
                patternMatching: {patterns: [{predicate: has(auth.metadata.vault_secret.data.data.api_key)}]}
            response:
              success:
                headers:
                  authorization: {plain: {expression: "'Bearer ' + auth.metadata.vault_secret.data.data.api_key"}}`,
    },
  ],
  good: [
    {
      name: "a test of the value",
      yaml: `${POLICY}
          rules:
            metadata:
              ${SECRET}
            authorization:
              check: {patternMatching: {patterns: [{predicate: has(auth.metadata.vault_secret.data.data.api_key)}]}}
            response:
              success:
                headers:
                  authorization: {plain: {expression: "'Bearer ' + auth.metadata.vault_secret.data.data.api_key"}}`,
    },
    {
      name: "a comparison by selector, and a test by membership",
      yaml: `${POLICY}
          rules:
            metadata:
              ${SECRET}
            authorization:
              user: {patternMatching: {patterns: [{selector: auth.metadata.vault_secret.data.data.user, operator: neq, value: ""}]}}
              password: {patternMatching: {patterns: [{predicate: "'pass-word' in auth.metadata.vault_secret.data.data"}]}}
            response:
              success:
                headers:
                  authorization:
                    plain: {expression: "auth.metadata.vault_secret.data.data.user + ':' + auth.metadata.vault_secret.data.data['pass-word']"}`,
    },
  ],
});
