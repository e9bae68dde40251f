import { formatAttributePath, pathRange } from "../../cel/path.ts";
import { COARSE_TIMES, carriedPaths, isPerRequest } from "../expressions/counter-values.ts";
import { celSites } from "../expressions/expression-sites.ts";
import { defineRule } from "../rule.ts";

const counted = (counter: string): string => `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: all}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            all:
              rates: [{limit: 100, window: 1m}]
              counters: [{expression: ${JSON.stringify(counter)}}]`;

const COUNTER = "spec.limits.all.counters[0].expression";

const TRACES = ["x-request-id", "traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-spanid"];

export const rule = defineRule({
  id: "rlp-counter-per-request",
  kinds: ["RateLimitPolicy", "TokenRateLimitPolicy"],
  reads: [],
  severity: "error",
  scope: "object",
  title: "A counter is different for every request, so the limit never fills",
  why: "Every value of a counter has a budget of its own. One that never comes back leaves each request a full budget, and the rate limiter one more counter to keep.",
  fix: "Count by an identity, such as `auth.identity.username`; time is what `rates[].window` is for.",
  sources: [
    'Observed on wasm-shim af0f9b4: `request.id` gives the id of the request, "r-1"',
    "Envoy attributes: `request.id` and `request.time` are set anew for every request",
    "limitador: the values of the counters are part of the key that is counted",
  ],
  since: "0.2.0",

  check: (object) =>
    celSites(object).flatMap(({ role, tree, path, owner }) => {
      if (role !== "counter" || tree === undefined) return [];
      const [first] = carriedPaths(tree, isPerRequest, COARSE_TIMES);
      if (first === undefined) return [];
      return [
        {
          path,
          range: pathRange(first),
          message: `\`${formatAttributePath(first)}\` is different for every request: limit \`${owner}\` never fills, and the rate limiter stores one counter for each request`,
        },
      ];
    }),

  bad: [
    { name: "the id of the request", finds: [{ path: COUNTER, text: "request.id" }], yaml: counted("request.id") },
    {
      name: "the time to the second",
      finds: [{ path: COUNTER, text: "request.time" }],
      yaml: counted("request.host + string(request.time)"),
    },
    {
      name: "the seconds of the time",
      finds: [{ path: COUNTER, text: "request.time" }],
      yaml: counted("request.time.getMilliseconds()"),
    },
    {
      name: "the id of the connection",
      finds: [{ path: COUNTER, text: "connection.id" }],
      yaml: counted("connection.id"),
    },
    ...TRACES.map((header) => ({
      name: `the header ${header}`,
      finds: [{ path: COUNTER, text: `request.headers['${header}']` }],
      yaml: counted(`'${header}' in request.headers ? request.headers['${header}'] : 'none'`),
    })),
  ],
  good: [
    { name: "the caller's address", yaml: counted("source.remote_address") },
    { name: "the hour, which many requests share", yaml: counted("request.time.getHours()") },
    { name: "one of two groups by a trace", yaml: counted("'traceparent' in request.headers ? 'traced' : 'other'") },
  ],
});
