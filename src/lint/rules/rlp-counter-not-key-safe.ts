import { tokenize } from "../../cel/tokens.ts";
import type { TextRange } from "../../model/place.ts";
import { type CelSite, celSites } from "../expressions/expression-sites.ts";
import { safeCounter } from "../mends/counter-key.ts";
import { defineRule, type Report } from "../rule.ts";

/** What ends or escapes the double-quoted text that the operator pastes a counter into. */
const UNSAFE = /["\\\n\r]/;

/** The quoted text of the expression that the character belongs to, or the character alone. */
function around(text: string, offset: number): TextRange {
  const token = tokenize(text).find(({ kind, start, end }) => kind === "string" && start <= offset && offset < end);
  return token === undefined ? { start: offset, end: offset + 1 } : { start: token.start, end: token.end };
}

const nameOf = (unit: string): string => (unit === "\n" || unit === "\r" ? "a line break" : `\`${unit}\``);

function unsafeCharacter({ text, path, owner }: CelSite): readonly Report[] {
  const lead = text.length - text.trimStart().length;
  const found = UNSAFE.exec(text.trim());
  if (found === null) return [];
  return [
    {
      path,
      range: around(text, lead + found.index),
      message: `the operator pastes this counter of limit \`${owner}\` between double quotes into Limitador's limits; ${nameOf(found[0])} makes that file invalid, so all limits in the cluster stop updating and Limitador will not restart (kuadrant-operator ae698811)`,
    },
  ];
}

function untrimmed({ text, path, owner }: CelSite): readonly Report[] {
  if (text.trim() === "" || text === text.trim()) return [];
  const end = text.trimEnd().length;
  const range =
    end < text.length ? { start: end, end: text.length } : { start: 0, end: text.length - text.trimStart().length };
  return [
    {
      path,
      range,
      message: `the operator trims this counter but the gateway does not, so the two keys differ and limit \`${owner}\` is never applied (kuadrant-operator ae698811)`,
      hint: "End the block scalar with `>-` or `|-`, or write the counter as a plain scalar, without blanks around it.",
    },
  ];
}

export const rule = defineRule({
  id: "rlp-counter-not-key-safe",
  kinds: ["RateLimitPolicy", "TokenRateLimitPolicy"],
  reads: [],
  severity: "error",
  scope: "object",
  title: "The text of a counter breaks the limits of the whole cluster, or its own",
  why: "Limitador's limits of all policies are one file, and a counter's text is copied into it unescaped and trimmed; the gateway sends the text as it is written.",
  fix: "Quote strings inside CEL with single quotes, as in `request.headers['x-team']`, without backslashes, and keep the counter on one line.",
  sources: [
    'kuadrant-operator ae698811 `internal/cel/transformer.go`: `descriptors[0]["%s"]` with TrimSpace and without escaping; `internal/controller/limitador_limits_reconciler.go`',
    "limitador 2981b2b `limitador-server/src/main.rs`: loading of the limits file",
  ],
  since: "0.1.0",

  check: (object) =>
    celSites(object)
      .filter(({ role }) => role === "counter")
      .flatMap((site) => {
        const reports = [...unsafeCharacter(site), ...untrimmed(site)];
        const mend = reports.length === 0 ? undefined : safeCounter(site);
        return mend === undefined ? reports : reports.map((report) => ({ ...report, mend }));
      }),

  bad: [
    {
      name: "a double quote",
      finds: [
        {
          path: 'spec.limits["per-team"].counters[0].expression',
          text: '"x-team"',
          mended: "request.headers['x-team']",
        },
      ],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-team}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            per-team:
              rates: [{limit: 100, window: 1m}]
              counters:
                - expression: request.headers["x-team"]`,
    },
    {
      name: "a block scalar that keeps its last line break",
      finds: [{ path: 'spec.limits["per-team"].counters[0].expression', text: "\n", mended: "auth.identity.username" }],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-team}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            per-team:
              rates: [{limit: 100, window: 1m}]
              counters:
                - expression: |
                    auth.identity.username`,
    },
    {
      name: "a line break in the middle",
      finds: [
        {
          path: 'spec.limits["per-team"].counters[0].expression',
          text: "\n",
          mended: "'x-team' in request.headers ? request.headers['x-team'] : 'none'",
        },
      ],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-team}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            per-team:
              rates: [{limit: 100, window: 1m}]
              counters:
                - expression: |-
                    'x-team' in request.headers
                    ? request.headers['x-team'] : 'none'`,
    },
  ],
  good: [
    {
      name: "single quotes, one line; a predicate may have double quotes",
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-team}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            per-team:
              rates: [{limit: 100, window: 1m}]
              when:
                - predicate: |
                    request.method == "POST"
              counters:
                - expression: >-
                    'x-team' in request.headers
                    ? request.headers['x-team'] : 'none'`,
    },
  ],
});
