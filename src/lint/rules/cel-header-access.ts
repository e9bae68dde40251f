import type { Node } from "../../cel/ast.ts";
import { headerSegment, headerSubtractions, testedHeaders } from "../../cel/header-names.ts";
import { pathRange } from "../../cel/path.ts";
import { AUTHORINO_PRESENCE, pathUses, readsHeadersWhole } from "../../cel/path-uses.ts";
import type { Mend } from "../../model/edit.ts";
import type { TextRange } from "../../model/place.ts";
import {
  type CelSite,
  celSites,
  EXPRESSION_KINDS,
  type SelectorSite,
  selectorSites,
} from "../expressions/expression-sites.ts";
import { celString } from "../expressions/quote.ts";
import { conditionAt, type Replacement, replacing } from "../mends/text-changes.ts";
import { defineRule, type Report } from "../rule.ts";

const hasUpperCase = (name: string): boolean => /[A-Z]/.test(name);

/** A header name as it is written, and whether it is a test for presence or a dotted name. */
type HeaderName = TextRange & { readonly name: string };

function upperCase(path: Report["path"], { name, start, end }: HeaderName, text: string): Report {
  const lower = name.toLowerCase();
  const written = text.slice(start, end);
  // A name with escapes is not what it looks like.
  const edits = written.includes(name) ? replacing(path, [{ start, end, text: written.replace(name, lower) }]) : [];
  return {
    path,
    range: { start, end },
    message: `header names are lower-case here: \`${name}\` never matches`,
    hint: `Write \`${lower}\`.`,
    ...(edits.length === 0 ? {} : { mend: { title: `write \`${lower}\``, edits } }),
  };
}

function upperCaseNames(tree: Node, { path, text }: CelSite): readonly Report[] {
  const read = pathUses(tree, AUTHORINO_PRESENCE).flatMap((use) => headerSegment(use.path) ?? []);
  return [...read, ...testedHeaders(tree)]
    .filter(({ name }) => hasUpperCase(name))
    .map((name) => upperCase(path, name, text));
}

const mendFor = ({ path }: CelSite, replacement: Replacement): Mend => ({
  title: `write \`${replacement.text}\``,
  edits: replacing(path, [replacement]),
});

function subtractions(tree: Node, site: CelSite): readonly Report[] {
  const { path, text } = site;
  return headerSubtractions(tree, text).map(({ header, start, end }) => ({
    path,
    range: { start, end },
    message: `this is a subtraction, \`${text.slice(start, end).replaceAll("-", " - ")}\`, and reads no header \`${header}\``,
    hint: `Write \`request.headers[${celString(header.toLowerCase())}]\`.`,
    mend: mendFor(site, { start, end, text: `request.headers[${celString(header.toLowerCase())}]` }),
  }));
}

/** has() of a header that the gateway fetches by itself: null when there is none, and null is there. */
function testsThatAlwaysHold(tree: Node, site: CelSite): readonly Report[] {
  const { path, engine, text } = site;
  if (engine !== "wasm" || readsHeadersWhole(tree)) return [];
  return pathUses(tree, AUTHORINO_PRESENCE).flatMap((use) => {
    const header = headerSegment(use.path);
    if (!use.path.test || header === undefined || use.path.segments.length !== 3) return [];
    const { start, end } = use.path;
    const test = `${celString(header.name.toLowerCase())} in request.headers`;
    return [
      {
        path,
        range: pathRange(use.path),
        severity: "warning" as const,
        message: `has() on a dotted header is always true in the gateway, whether or not the request has \`${header.name}\``,
        hint: `Write \`${test}\`.`,
        mend: mendFor(site, { start, end, text: conditionAt(test, text, { start, end }) }),
      },
    ];
  });
}

/** `request.headers.X-Team` in a selector: dashes are right there, capitals are not. */
function selectorNames({ path, paths, text }: SelectorSite): readonly Report[] {
  return paths.flatMap(({ segments }) => {
    const names = segments.map(({ name }) => name).join(".");
    const position = names.startsWith("request.headers.")
      ? 2
      : names.startsWith("context.request.http.headers.")
        ? 4
        : -1;
    const segment = segments[position];
    return segment === undefined || !hasUpperCase(segment.name) ? [] : [upperCase(path, segment, text)];
  });
}

const limitedWhen = (predicate: string): string => `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-team}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            per-team:
              rates: [{limit: 100, window: 1m}]
              when: [{predicate: "${predicate}"}]`;

const allowedWhen = (pattern: string): string => `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: team}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          rules:
            authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress]}}}
            authorization: {team: {patternMatching: {patterns: [${pattern}]}}}`;

const PREDICATE = 'spec.limits["per-team"].when[0].predicate';

export const rule = defineRule({
  id: "cel-header-access",
  kinds: [...EXPRESSION_KINDS],
  reads: [],
  severity: "error",
  scope: "object",
  title: "A header is read in a way that never finds it",
  why: "The condition never holds, or always does, without any error message.",
  fix: "Read headers by their lower-case name in brackets, `request.headers['x-team']`, and test with `'x-team' in request.headers`.",
  sources: [
    "kuadrant-operator issue 1911: `request.headers.x-team` is a subtraction",
    "Envoy keeps header names in lower case; wasm-shim `data/cel.rs`: a dotted header is fetched by itself and null when absent",
    'Observed on wasm-shim af0f9b4: `request.headers["X-Team"]` NoSuchKey, `request.headers.x-team` undeclared `team`, `has(request.headers.x_none)` true',
    "Observed on Authorino 58fecc6c: `request.headers.x-team == 'a'` leaves the AuthConfig unready",
  ],
  since: "0.1.0",

  check: (object) => [
    ...celSites(object).flatMap((site) => {
      const { tree } = site;
      if (tree === undefined) return [];
      return [...upperCaseNames(tree, site), ...subtractions(tree, site), ...testsThatAlwaysHold(tree, site)];
    }),
    ...selectorSites(object).flatMap(selectorNames),
  ],

  bad: [
    {
      name: "a dash after a dot",
      finds: [{ path: PREDICATE, text: "request.headers.x-team", mended: "request.headers['x-team'] == 'payments'" }],
      yaml: limitedWhen("request.headers.x-team == 'payments'"),
    },
    {
      name: "capitals, read and tested",
      finds: [
        {
          path: PREDICATE,
          text: "'X-Team'",
          mended: "'x-team' in request.headers && request.headers['X-Team'] == 'payments'",
        },
        {
          path: PREDICATE,
          text: "'X-Team'",
          mended: "'X-Team' in request.headers && request.headers['x-team'] == 'payments'",
        },
      ],
      yaml: limitedWhen("'X-Team' in request.headers && request.headers['X-Team'] == 'payments'"),
    },
    {
      name: "has() of a dotted header in the gateway",
      finds: [
        { path: PREDICATE, text: "request.headers.team", severity: "warning", mended: "'team' in request.headers" },
      ],
      yaml: limitedWhen("has(request.headers.team)"),
    },
    {
      name: "capitals in a selector",
      finds: [
        {
          path: "spec.rules.authorization.team.patternMatching.patterns[0].selector",
          text: "X-Team",
          mended: "request.headers.x-team",
        },
      ],
      yaml: allowedWhen("{selector: request.headers.X-Team, operator: eq, value: payments}"),
    },
  ],
  good: [
    {
      name: "brackets and in",
      yaml: limitedWhen("'x-team' in request.headers && request.headers['x-team'] == 'payments'"),
    },
    {
      name: "has() in Authorino, and a dash in a selector",
      yaml: allowedWhen(
        "{predicate: '!has(request.headers.team)'}, {selector: request.headers.x-team, operator: eq, value: a}",
      ),
    },
    {
      name: "has() where all headers are read as well",
      yaml: limitedWhen("has(request.headers.team) && size(request.headers) > 1"),
    },
  ],
});
