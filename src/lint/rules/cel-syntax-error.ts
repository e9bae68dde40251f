import type { SyntaxProblem } from "../../cel/parse.ts";
import type { Mend } from "../../model/edit.ts";
import type { TextRange } from "../../model/place.ts";
import { knownSecret } from "../auth/secret-text.ts";
import { type CelSite, celSites, EXPRESSION_KINDS } from "../expressions/expression-sites.ts";
import { quote } from "../expressions/quote.ts";
import { validForm } from "../mends/cel-syntax.ts";
import { changing } from "../mends/text-changes.ts";
import { defineRule, type Report } from "../rule.ts";

const CONSEQUENCE = {
  wasm: "the policy plugin of the whole gateway fails to load, for all of its routes",
  authorino: "the auth configuration is not loaded, and its hosts answer 404",
} as const;

/** Where the text at fault is; when something is missing at the end, the last character that is there. */
function rangeOf({ offset, end }: SyntaxProblem, text: string): TextRange | undefined {
  if (end > offset) return { start: offset, end };
  const last = text.trimEnd().length;
  return last === 0 ? undefined : { start: last - 1, end: last };
}

/** Position in the expression as people count: from 1, with the line when there are several. */
function position(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  const column = `column ${(before.at(-1)?.length ?? 0) + 1}`;
  return text.trim().includes("\n") ? `line ${before.length}, ${column}` : column;
}

function reportOn(site: CelSite, problem: SyntaxProblem): Report {
  const { path, text, engine } = site;
  const range = rangeOf(problem, text);
  const placed = { path, ...(range === undefined ? {} : { range }) };
  if (problem.certainty === "unchecked") {
    return {
      ...placed,
      severity: "warning",
      message: `${quote(text)} was not checked: ${problem.message}`,
      hint: "Write it in a shorter or plainer form, so that mistakes in it can be found.",
    };
  }
  if (text === "") {
    return {
      ...placed,
      // Authorino takes an empty predicate for one that is not set; what it then does depends on the version.
      ...(engine === "authorino" ? { severity: "warning" as const } : {}),
      message: `the expression is empty${engine === "wasm" ? `: ${CONSEQUENCE.wasm}` : ", so nothing is checked here"}`,
      hint: "Quote an expression that begins with `!`: without quotes YAML reads a tag, and the text is lost.",
    };
  }
  const mend = mendFor(site);
  return {
    ...placed,
    message: `${quote(text)} is not valid CEL at ${position(text, problem.offset)}: ${problem.message}. As a result ${CONSEQUENCE[engine]}`,
    ...(problem.hint === undefined ? {} : { hint: sentence(problem.hint) }),
    ...(mend === undefined ? {} : { mend }),
  };
}

function mendFor({ path, text }: CelSite): Mend | undefined {
  const valid = validForm(text);
  if (valid === undefined) return undefined;
  const title = knownSecret(valid) === undefined ? `write ${quote(valid)}` : "write it in CEL";
  return { title, edits: [changing(path, text, valid)] };
}

const sentence = (hint: string): string => `${hint.charAt(0).toUpperCase()}${hint.slice(1)}.`;

export const rule = defineRule({
  id: "cel-syntax-error",
  kinds: [...EXPRESSION_KINDS],
  reads: [],
  severity: "error",
  scope: "object",
  title: "An expression is not valid CEL",
  why: "In the gateway one expression that does not parse stops the policy plugin for every route; in Authorino it takes the hosts of the policy off.",
  fix: "Correct the expression at the place that is marked.",
  sources: [
    "wasm-shim `kuadrant/pipeline/factory.rs`: building the configuration fails as a whole; kuadrant-operator issue 849",
    'Observed on wasm-shim af0f9b4: has() of an index gives "invalid argument to has() macro"',
    "Observed on Authorino 58fecc6c: a predicate that does not parse leaves the AuthConfig unready, requests get 404",
  ],
  since: "0.1.0",

  check: (object) =>
    celSites(object).flatMap((site) => (site.problem === undefined ? [] : [reportOn(site, site.problem)])),

  bad: [
    {
      name: "has() of an index",
      finds: [
        { path: "spec.when[0].predicate", text: "request.headers['x-skip']", mended: "'x-skip' in request.headers" },
      ],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: workload-identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          when:
            - predicate: has(request.headers['x-skip'])
          rules: {authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress]}}}}`,
    },
    {
      name: "a call that is left open, below the rules",
      finds: [{ path: "spec.rules.authorization.team.patternMatching.patterns[0].predicate", text: "(" }],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: workload-identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          rules:
            authorization:
              team: {patternMatching: {patterns: [{predicate: "auth.identity.user.username.startsWith("}]}}`,
    },
    {
      name: "a single = in a condition of a limit",
      finds: [{ path: "spec.limits.writes.when[0].predicate", text: "=", mended: "request.method == 'POST'" }],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: writes}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            writes:
              rates: [{limit: 10, window: 1m}]
              when: [{predicate: request.method = 'POST'}]`,
    },
  ],
  good: [
    {
      name: "in instead of has() of an index",
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: workload-identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          when:
            - predicate: "!('x-skip' in request.headers)"
          rules: {authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress]}}}}`,
    },
  ],
});
