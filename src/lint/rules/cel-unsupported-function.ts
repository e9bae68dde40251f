import { type Call, type Comprehension, type Node, visit } from "../../cel/ast.ts";
import { type CelEngine, FUNCTIONS, hasFunction, MACROS, nearestFunction } from "../../cel/functions.ts";
import type { TextRange } from "../../model/place.ts";
import { type CelSite, celSites, EXPRESSION_KINDS } from "../expressions/expression-sites.ts";
import { calledRight } from "../mends/function-names.ts";
import { defineRule, type Report } from "../rule.ts";

/** A function or macro that an expression calls, or its optional syntax; the range is that of the name or the selection. */
type Called = TextRange & {
  readonly name: string;
  readonly style: "global" | "receiver" | "syntax";
  /** Whether it is a macro's name with arguments that cel-go's standard macros do not have. */
  readonly malformed: boolean;
};

const OPTIONAL_SYNTAX = "?.";

/** A macro that was not taken for one because of its arguments, or one that binds two names. */
const isMalformed = (node: Call | Comprehension): boolean =>
  node.kind === "call"
    ? node.receiver !== undefined && Object.hasOwn(MACROS, node.name)
    : node.variables.length === 2 && hasFunction("operator", node.macro);

function calledIn(tree: Node): readonly Called[] {
  const found: Called[] = [];
  visit(tree, (node) => {
    if (node.kind === "call" || node.kind === "comprehension") {
      const name = node.kind === "call" ? node.name : node.macro;
      const isGlobal = node.kind === "call" ? node.receiver === undefined : name.includes(".");
      // A namespace belongs to the name: `math.greatest`.
      const start = isGlobal ? node.start : node.nameRange.start;
      found.push({
        name,
        style: isGlobal ? "global" : "receiver",
        start,
        end: node.nameRange.end,
        malformed: isMalformed(node),
      });
    } else if ((node.kind === "select" || node.kind === "index") && node.optional) {
      found.push({ name: OPTIONAL_SYNTAX, style: "syntax", start: node.start, end: node.end, malformed: false });
    }
  });
  const first = new Map<string, Called>();
  for (const call of found.toSorted((a, b) => Number(b.malformed) - Number(a.malformed) || a.start - b.start)) {
    if (!first.has(call.name)) first.set(call.name, call);
  }
  return [...first.values()];
}

const CALLED: Readonly<Record<CelEngine, string>> = {
  wasm: "the gateway",
  operator: "the operator, which checks this condition first",
  authorino: "Authorino",
};

/** What follows when an engine does not have what an expression asks for. */
function consequence(engine: CelEngine, { role }: CelSite): string {
  if (engine === "operator") return "what the condition stands for is left out";
  if (engine === "authorino") return "the configuration is not loaded, and its hosts answer 404";
  if (role === "predicate") return "every evaluation is an error";
  return `the ${role} fails, and all limits of the route are skipped`;
}

/** What to write instead, where no name is near enough. */
const INSTEAD: Readonly<Record<string, string>> = {
  existsOne: "`.exists_one(…)`",
  toLower: "`.lowerAscii()`",
  toLowerCase: "`.lowerAscii()`",
  toUpper: "`.upperAscii()`",
  toUpperCase: "`.upperAscii()`",
  len: "`size(…)`",
  length: "`size(…)`",
  substr: "`.substring(…)`",
  format: "a sum of texts, `'a' + string(x)`",
  bool: "a comparison, `… == 'true'`",
  queryMap: "a test of the text, `request.query.contains('key=value')`",
  requestBodyJSON: "a limit's `when`, which the gateway evaluates",
  "optional.of": "`'k' in map ? map['k'] : 'none'`",
  orValue: "`'k' in map ? map['k'] : 'none'`",
  [OPTIONAL_SYNTAX]: "`'k' in map ? map['k'] : 'none'`",
};

function missing(call: Called, engine: CelEngine, site: CelSite): Report {
  const near = nearestFunction(engine, call.name);
  const instead = INSTEAD[call.name] ?? (near === undefined ? undefined : `\`${near}\``);
  const what = call.style === "syntax" ? "optional selection (`?.`, `[?…]`)" : `\`${call.name}\``;
  return {
    path: site.path,
    range: { start: call.start, end: call.end },
    message: `${what} does not exist in ${CALLED[engine]}: ${consequence(engine, site)}`,
    ...(instead === undefined ? {} : { hint: `Use ${instead}.` }),
  };
}

/** cel-go knows a macro by its arguments; the gateway may know more forms. */
function wrongArguments(call: Called, engine: CelEngine, site: CelSite): Report {
  return {
    path: site.path,
    range: { start: call.start, end: call.end },
    message: `\`${call.name}\` does not exist with these arguments in ${CALLED[engine]}: ${consequence(engine, site)}`,
    hint: `Write a name and a condition or value: \`list.${call.name}(item, …)\`.`,
  };
}

/** The gateway takes both ways of calling most functions; cel-go, which the other two use, takes the declared one. */
function wrongStyle(call: Called, engine: CelEngine, site: CelSite): readonly Report[] {
  const style = FUNCTIONS.get(call.name)?.style;
  if (engine === "wasm" || style === undefined || style === "both" || style === call.style) return [];
  const right = style === "global" ? `${call.name}(x)` : `x.${call.name}(…)`;
  return [
    {
      path: site.path,
      range: { start: call.start, end: call.end },
      message: `\`${call.name}\` is not called this way in ${CALLED[engine]}: ${consequence(engine, site)}`,
      hint: `Write \`${right}\`.`,
    },
  ];
}

function reportsOn(site: CelSite): readonly Report[] {
  if (site.tree === undefined) return [];
  const engines: readonly CelEngine[] = site.operatorChecks ? ["wasm", "operator"] : [site.engine];
  return calledIn(site.tree).flatMap((call): readonly Report[] => {
    const has = (engine: CelEngine): boolean =>
      call.style === "syntax" ? engine !== "operator" : hasFunction(engine, call.name);
    const without = engines.find((engine) => !has(engine));
    const strict = call.malformed ? engines.find((engine) => engine !== "wasm") : undefined;
    if (without === undefined && strict !== undefined) return [wrongArguments(call, strict, site)];
    const reports =
      without !== undefined
        ? [missing(call, without, site)]
        : call.style === "syntax"
          ? []
          : engines.flatMap((engine) => wrongStyle(call, engine, site));
    // A macro's first argument is a name: moving it before the dot makes nothing right.
    const isMacro = Object.hasOwn(MACROS, call.name);
    const mend = reports.length === 0 || isMacro ? undefined : calledRight(call.name, site, engines);
    return mend === undefined ? reports : reports.map((report) => ({ ...report, mend }));
  });
}

const limited = (field: string): string => `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-team}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits: {x: {rates: [{limit: 100, window: 1m}], ${field}}}`;

const counted = (counter: string): string => limited(`counters: [{expression: ${JSON.stringify(counter)}}]`);
const when = (predicate: string): string => limited(`when: [{predicate: ${JSON.stringify(predicate)}}]`);

const authorized = (predicate: string): string => `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: workload-identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          rules:
            authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress]}}}
            authorization: {who: {patternMatching: {patterns: [{predicate: ${JSON.stringify(predicate)}}]}}}`;

const COUNTER = "spec.limits.x.counters[0].expression";
const WHEN = "spec.limits.x.when[0].predicate";
const PATTERN = "spec.rules.authorization.who.patternMatching.patterns[0].predicate";

export const rule = defineRule({
  id: "cel-unsupported-function",
  kinds: [...EXPRESSION_KINDS],
  reads: [],
  severity: "error",
  scope: "object",
  title: "A function is called that its engine does not have",
  why: "The gateway, the operator and Authorino each have their own set of CEL functions. One that is not there is an error on every request, or keeps the whole configuration from being loaded.",
  fix: "Use a function that the engine has: size, contains, startsWith, endsWith, matches, split, join, replace, substring, trim, lowerAscii and upperAscii are in all of them.",
  sources: [
    "wasm-shim `data/cel.rs`, `data/cel/strings.rs`; kuadrant-operator `internal/cel`; authorino `pkg/expressions/cel`",
    'Observed on wasm-shim af0f9b4: UndeclaredReference("lowerascii"), and the same for format, math, url, queryMap',
    "Observed on Authorino 58fecc6c: a configuration that calls `lowerascii` or an unknown function is not loaded",
  ],
  since: "0.2.0",

  check: (object) => celSites(object).flatMap(reportsOn),

  bad: [
    {
      name: "a name in the wrong letter case",
      finds: [{ path: COUNTER, text: "lowerascii", mended: "request.host.lowerAscii()" }],
      yaml: counted("lowerascii(request.host)"),
    },
    {
      name: "a function that only the operator has",
      finds: [{ path: WHEN, text: "format" }],
      yaml: when("'%s'.format([request.host]) == 'a'"),
    },
    {
      name: "a function of an extension library",
      finds: [{ path: COUNTER, text: "math.greatest" }],
      yaml: counted("string(math.greatest(1, 2))"),
    },
    {
      name: "an optional index in a condition that the operator checks",
      finds: [
        { path: WHEN, text: "request.headers[?'x-team']" },
        { path: WHEN, text: "orValue" },
      ],
      yaml: when("request.headers[?'x-team'].orValue('none') == 'payments'"),
    },
    {
      name: "the body in Authorino",
      finds: [{ path: PATTERN, text: "requestBodyJSON" }],
      yaml: authorized("requestBodyJSON('/model') == 'gpt-4o'"),
    },
    {
      name: "a macro that no engine has",
      finds: [{ path: PATTERN, text: "transformList" }],
      yaml: authorized("size(auth.identity.user.groups.transformList(i, g, g)) > 0"),
    },
    {
      name: "a method called as a function",
      finds: [{ path: PATTERN, text: "startsWith", mended: "auth.identity.user.username.startsWith('system:')" }],
      yaml: authorized("startsWith(auth.identity.user.username, 'system:')"),
    },
    {
      name: "a label of a TelemetryPolicy",
      finds: [{ path: "spec.metrics.default.labels.host", text: "toLower", mended: "request.host.lowerAscii()" }],
      yaml: `
        apiVersion: extensions.kuadrant.io/v1alpha1
        kind: TelemetryPolicy
        metadata: {namespace: gateway-system, name: usage}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
          metrics: {default: {labels: {host: request.host.toLower()}}}`,
    },
  ],
  good: [
    {
      name: "the function in its right spelling",
      yaml: counted("'x-team' in request.headers ? request.headers['x-team'].lowerAscii() : 'none'"),
    },
    { name: "an optional index in a counter", yaml: counted("request.headers[?'x-team'].orValue('none')") },
    { name: "the body in a limit's condition", yaml: when("requestBodyJSON('/model') == 'gpt-4o'") },
    { name: "functions of cel-go in Authorino", yaml: authorized("'%s'.format([request.host]) != '' && bool('true')") },
    {
      name: "optional values in Authorino",
      yaml: authorized("request.headers[?'x-team'].optMap(t, t == 'payments').orValue(false)"),
    },
    { name: "both ways of calling size and matches", yaml: when("size(request.host) > 3 && request.host.size() > 3") },
  ],
});
