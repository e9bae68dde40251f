import type { Node } from "../../cel/ast.ts";
import { type Availability, availability } from "../../cel/attributes.ts";
import { headerSubtractions } from "../../cel/header-names.ts";
import { fetchedNames, formatAttributePath, namesOf, pathKey, pathRange } from "../../cel/path.ts";
import { AUTHORINO_PRESENCE, type PathUse, pathUses, wasmPresence } from "../../cel/path-uses.ts";
import { EPHEMERAL_PORT, taintOf } from "../../cel/taint.ts";
import type { Severity } from "../../model/finding.ts";
import {
  type CelSite,
  celSites,
  EXPRESSION_KINDS,
  type SelectorSite,
  selectorSites,
} from "../expressions/expression-sites.ts";
import { patternReports } from "../expressions/selector-denials.ts";
import { selectedRight, spelledRight } from "../mends/attribute-names.ts";
import { defineRule, type Report } from "../rule.ts";

const CALLED = { wasm: "the gateway", authorino: "Authorino", selector: "Authorino's selectors" } as const;

/** Roots of which the gateway fetches fields, one by one, when they are selected with dots. */
const FETCHED_ROOTS = new Set(["request", "source", "destination"]);

type Verdict = {
  readonly severity: Severity;
  readonly message: string;
  readonly hint?: string;
  /** What is wrong with the spelling alone. */
  readonly spelling?: "dotted" | "renamed";
};

/** `source['address']`: nothing is fetched, and the root is null. Fine when the same field is fetched elsewhere. */
function isBracketAtFirstLevel({ path }: PathUse, uses: readonly PathUse[]): boolean {
  const [root, first] = path.segments;
  if (!FETCHED_ROOTS.has(root.name) || first === undefined || first.optional) return false;
  if (first.access !== "index" && first.access !== "dynamic") return false;
  return !uses.some((other) => {
    const [otherRoot, otherFirst] = fetchedNames(other.path);
    return (
      otherRoot === root.name && otherFirst !== undefined && (first.access === "dynamic" || otherFirst === first.name)
    );
  });
}

/** Whether it does no harm that an attribute of a bound root is not there. */
const isAllowedFor = ({ path, present }: PathUse): boolean =>
  path.test || path.segments.some((segment) => segment.optional) || present.has(pathKey(path));

const missing = (spelt: string, found: Availability, called: string): Verdict | undefined => {
  if (found.status === "available") return undefined;
  const instead = found.instead === undefined ? "" : `; use \`${found.instead}\``;
  const hint = found.instead === undefined ? {} : { hint: `Use \`${found.instead}\`.` };
  return found.status === "absent"
    ? { severity: "error", message: `\`${spelt}\` is not available in ${called}${instead}`, ...hint }
    : { severity: "warning", message: `\`${spelt}\` is not among the attributes of ${called}${instead}`, ...hint };
};

function judge(use: PathUse, site: CelSite, uses: readonly PathUse[]): Verdict | undefined {
  const { path } = use;
  const [root, first] = path.segments;
  // What is published or fetched below `auth` is the business of other rules.
  if (root.name === "auth") return undefined;
  const spelt = formatAttributePath(path);
  if (site.engine === "wasm" && isBracketAtFirstLevel(use, uses)) {
    const dotted = first?.access === "index" ? `${root.name}.${first.name}` : `${root.name}.<name>`;
    const message = `\`${spelt}\` is not available in the gateway, which fetches only what is selected with a dot; use \`${dotted}\``;
    return {
      severity: "error",
      message,
      hint: `Write \`${dotted}\`: the first level must be dotted.`,
      spelling: "dotted",
    };
  }
  const dynamic = path.segments.findIndex((segment) => segment.access === "dynamic");
  const names = namesOf(path).slice(0, dynamic < 0 ? undefined : dynamic);
  const rootFound = availability(site.engine, [root.name]);
  if (rootFound.status === "available" && isAllowedFor(use)) return undefined;
  const verdict = missing(spelt, availability(site.engine, names), CALLED[site.engine]);
  return operatorRefuses(root.name, site)
    ? {
        severity: root.name === "metadata" ? "warning" : "error",
        message: `\`${spelt}\` is not available to the operator, which checks this condition and leaves out what it cannot check`,
        ...(verdict?.hint === undefined ? {} : { hint: verdict.hint }),
      }
    : verdict && { ...verdict, spelling: "renamed" };
}

/** A `when` of the gateway is type-checked by the operator, which declares fewer variables. */
const operatorRefuses = (root: string, site: CelSite): boolean =>
  site.operatorChecks &&
  availability("operator", [root]).status === "absent" &&
  availability("wasm", [root]).status !== "absent";

function expressionReports(tree: Node, site: CelSite): readonly Report[] {
  const uses = pathUses(tree, site.engine === "wasm" ? wasmPresence(tree) : AUTHORINO_PRESENCE);
  const others = new Set([
    // Words of a header's name that was read as a subtraction: cel-header-access.
    ...headerSubtractions(tree, site.text).flatMap(({ words }) => words),
    // `source["address"]` in a counter: rlp-source-address-counter says what matters about it.
    ...(site.role === "counter" ? taintOf(tree, EPHEMERAL_PORT).from.map(({ start }) => start) : []),
  ]);
  const reported = new Set<string>();
  const byPath = Map.groupBy(uses, ({ path }) => pathKey(path));
  return uses.flatMap((use) => {
    const verdict = others.has(use.path.start) ? undefined : judge(use, site, uses);
    if (verdict === undefined || reported.has(pathKey(use.path))) return [];
    reported.add(pathKey(use.path));
    const { spelling, ...report } = verdict;
    const same = (byPath.get(pathKey(use.path)) ?? []).map(({ path }) => path);
    const mend = spelling === undefined ? undefined : spelledRight(same, site, spelling);
    return [{ path: site.path, range: pathRange(use.path), ...report, ...(mend === undefined ? {} : { mend }) }];
  });
}

function selectorReports(site: SelectorSite): readonly Report[] {
  return site.paths.flatMap(({ segments, plain }) => {
    const [first] = segments;
    const names = segments.map(({ name }) => name);
    if (first === undefined || !plain || first.name === "auth") return [];
    const verdict = missing(names.join("."), availability("selector", names), CALLED.selector);
    const range = { start: first.start, end: segments.at(-1)?.end ?? first.end };
    const mend = selectedRight(names, range, site);
    return verdict === undefined
      ? []
      : [{ path: site.path, range, ...verdict, ...(mend === undefined ? {} : { mend }) }];
  });
}

const limited = (field: string): string => `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-client}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits: {x: {rates: [{limit: 100, window: 1m}], ${field}}}`;

const authorized = (pattern: string): string => `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: workload-identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          rules:
            authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress]}}}
            authorization: {who: {patternMatching: {patterns: [${pattern}]}}}`;

const WHEN = "spec.limits.x.when[0].predicate";
const PATTERN = "spec.rules.authorization.who.patternMatching.patterns[0]";

export const rule = defineRule({
  id: "cel-unknown-attribute",
  kinds: [...EXPRESSION_KINDS],
  reads: [],
  severity: "error",
  scope: "object",
  title: "An attribute is read that its engine does not have",
  why: "The gateway, Authorino and its selectors know different attributes. In the gateway a read of a missing one fails, and all limits of the route are skipped; in Authorino the condition is false, or the configuration is not loaded.",
  fix: "Use an attribute that the engine has; the names differ between RateLimitPolicy and AuthPolicy.",
  sources: [
    "wasm-shim `data/cel.rs`: the roots that are bound, the attributes that are known, v0.8.0 to af0f9b4",
    "kuadrant-operator `internal/wasm/action_spec.go`: what is sent to Authorino; authorino `pkg/service/auth_pipeline.go`",
    'Observed on wasm-shim af0f9b4: `connection`, `ratelimit`, `filter_state`, `response`, `xds` are undeclared; `auth["identity"]` is read',
  ],
  since: "0.1.0",

  check: (object) => [
    ...celSites(object).flatMap((site) => (site.tree === undefined ? [] : expressionReports(site.tree, site))),
    ...selectorSites(object).flatMap((site) => patternReports(object, site) ?? selectorReports(site)),
  ],

  bad: [
    {
      name: "a connection attribute in the gateway",
      finds: [{ path: WHEN, text: "connection.mtls" }],
      yaml: limited("when: [{predicate: connection.mtls}]"),
    },
    {
      name: "a bracket at the first level",
      finds: [{ path: WHEN, text: "request['method']", mended: "request.method == 'GET'" }],
      yaml: limited(`when: [{predicate: "request['method'] == 'GET'"}]`),
    },
    {
      name: "the gateway's name of the user agent in Authorino",
      finds: [{ path: `${PATTERN}.predicate`, text: "request.useragent", mended: "request.user_agent == 'curl'" }],
      yaml: authorized("{predicate: \"request.useragent == 'curl'\"}"),
    },
    {
      name: "an attribute that nobody documents",
      finds: [{ path: "spec.limits.x.counters[0].expression", text: "request.colour", severity: "warning" }],
      yaml: limited("counters: [{expression: request.colour}]"),
    },
    {
      name: "a denial by a selector that finds nothing",
      finds: [{ path: `${PATTERN}.selector`, text: "source.remote_address" }],
      yaml: authorized("{selector: source.remote_address, operator: neq, value: 10.0.0.1}"),
    },
  ],
  good: [
    {
      name: "the address without port, in the gateway",
      yaml: limited(`when: [{predicate: "source.remote_address.startsWith('10.')"}]`),
    },
    { name: "the user agent of each engine", yaml: authorized("{predicate: \"request.user_agent != 'curl'\"}") },
    {
      name: "a name bound by a macro",
      yaml: limited(`when: [{predicate: "['a', 'b'].exists(team, team == request.host)"}]`),
    },
  ],
});
