import { EPHEMERAL_PORT, isTainted, taintOf } from "../../cel/taint.ts";
import { celSites } from "../expressions/expression-sites.ts";
import { quote } from "../expressions/quote.ts";
import { withoutPort } from "../mends/counter-address.ts";
import { defineRule } from "../rule.ts";

export const rule = defineRule({
  id: "rlp-source-address-counter",
  kinds: ["RateLimitPolicy", "TokenRateLimitPolicy"],
  reads: [],
  severity: "error",
  scope: "object",
  title: "A counter contains the client's port, so every connection has its own budget",
  why: "`source.address` is `IP:port`, and the port is new for every TCP connection: the limit never fills. A test over one kept-alive connection does not show it, because one connection is one bucket.",
  fix: "Use `source.remote_address` for a budget per pod IP, or better a workload identity such as `auth.identity.username`, which the AuthPolicy must publish (see rlp-identity-not-exposed).",
  sources: [
    "Kuadrant user guide, Egress Gateway: `source.address` contains the ephemeral port",
    "Kuadrant/kuadrant-operator issue 1984; wasm-shim PR 111, `kuadrant/context.rs`: `remote_address`",
    'Observed on wasm-shim af0f9b4: `source.address` gives "10.244.1.7:53124"',
  ],
  since: "0.1.0",

  check: (object) =>
    celSites(object).flatMap((site) => {
      const { role, tree, text, path, owner } = site;
      if (role !== "counter" || tree === undefined) return [];
      const taint = taintOf(tree, EPHEMERAL_PORT);
      const [first] = taint.from;
      if (!isTainted(taint) || first === undefined) return [];
      const mend = withoutPort(site);
      return [
        {
          path,
          range: { start: first.start, end: first.end },
          message: `counter ${quote(text)} contains the client's ephemeral port, so each connection gets its own budget and limit \`${owner}\` never takes effect`,
          ...(mend === undefined ? {} : { mend }),
        },
      ];
    }),

  bad: [
    {
      name: "source.address itself",
      finds: [
        {
          path: 'spec.limits["per-client"].counters[0].expression',
          text: "source.address",
          mended: "source.remote_address",
        },
      ],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-client}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            per-client:
              rates: [{limit: 100, window: 1m}]
              counters:
                - expression: source.address`,
    },
    {
      name: "both branches of a ternary",
      finds: [
        {
          path: 'spec.limits["per-client"].counters[0].expression',
          text: "source.address",
          mended: "request.method == 'GET' ? source.remote_address : source.remote_address",
        },
      ],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-client}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            per-client:
              rates: [{limit: 100, window: 1m}]
              counters:
                - expression: "request.method == 'GET' ? source.address : source['address']"`,
    },
    {
      name: "the part after the colon, under defaults",
      finds: [{ path: "spec.defaults.limits.daily.counters[1].expression", text: "source.address" }],
      yaml: `
        apiVersion: kuadrant.io/v1alpha1
        kind: TokenRateLimitPolicy
        metadata: {namespace: gateway-system, name: per-client}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}
          defaults:
            limits:
              daily:
                rates: [{limit: 100000, window: 24h}]
                counters:
                  - expression: request.host
                  - expression: source.address.split(':')[1]`,
    },
  ],
  good: [
    {
      name: "the part before the port",
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-client}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            per-client:
              rates: [{limit: 100, window: 1m}]
              counters:
                - expression: source.address.split(':')[0]`,
    },
    {
      name: "the address without port, and the port in a condition only",
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-client}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            per-client:
              rates: [{limit: 100, window: 1m}]
              counters:
                - expression: source.remote_address
                - expression: "source.port < 1024 ? 'system' : 'user'"`,
    },
  ],
});
