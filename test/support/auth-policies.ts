import type { Rule } from "../../src/lint/rule.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { decodeObject } from "../../src/model/decode.ts";
import { formatPath, valueAt } from "../../src/model/field-path.ts";
import { identityOf } from "../../src/model/object-ref.ts";
import { buildTopology, type Topology } from "../../src/model/topology.ts";

const metadata = (name: string): object => ({ namespace: "gateways", name });

type PolicyOptions = {
  readonly name?: string;
  readonly target?: { readonly kind: string; readonly name: string };
  /** Days of January 2026, so that a higher number is a younger policy. */
  readonly day?: number;
};

/** An AuthPolicy with this spec, on the route `provider` unless told otherwise. */
export const authPolicy = (spec: object, { name = "policy", target, day = 1 }: PolicyOptions = {}): object => ({
  apiVersion: "kuadrant.io/v1",
  kind: "AuthPolicy",
  metadata: { ...metadata(name), creationTimestamp: `2026-01-${String(day).padStart(2, "0")}T00:00:00Z` },
  spec: {
    targetRef: { group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "provider", ...target },
    ...spec,
  },
});

export const ON_GATEWAY = { kind: "Gateway", name: "egress" } as const;

export const GATEWAY: object = {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: metadata("egress"),
  spec: { gatewayClassName: "istio", listeners: [{ name: "http", port: 80, protocol: "HTTP" }] },
};

export const EXTERNAL = { group: "networking.istio.io", kind: "Hostname", name: "api.example.com", port: 443 } as const;

/** An HTTPRoute of the gateway with these rules. */
export const route = (rules: readonly object[], name = "provider"): object => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: metadata(name),
  spec: { parentRefs: [{ name: "egress" }], hostnames: [`${name}.example.com`], rules },
});

export const EGRESS_ROUTE: object = route([{ backendRefs: [EXTERNAL] }]);

export function topologyOfObjects(objects: readonly object[]): Topology {
  return buildTopology(
    objects.map((raw) => {
      const outcome = decodeObject(raw);
      if (outcome.status !== "decoded") throw new Error(`not a known object: ${JSON.stringify(raw)}`);
      if (outcome.decoded.problems.length > 0) throw new Error(JSON.stringify(outcome.decoded.problems));
      return outcome.decoded;
    }),
  );
}

/** What one rule finds in the strict profile: `severity field «text under the caret»`, scope when it is not `object`. */
export function tell(rule: Rule, ...objects: readonly object[]): readonly string[] {
  const topology = topologyOfObjects(objects);
  return lintTopology(topology, { rules: [rule], profile: "strict" }).map(
    ({ severity, scope, object, path, range }) => {
      const raw = topology.decoded.find(({ ref }) => identityOf(ref) === identityOf(object))?.raw;
      const value = valueAt(raw, path);
      const text = range === undefined || typeof value !== "string" ? "" : ` «${value.slice(range.start, range.end)}»`;
      return `${severity}${scope === "object" ? "" : ` ${scope}`} ${formatPath(path)}${text}`;
    },
  );
}

/** A metadata item that calls a URL. */
export const lookup = (more: object = {}, http: object = {}): object => ({
  http: { url: "https://vault.vault.svc:8200/v1/kv/data/openai", method: "GET", ...http },
  ...more,
});

/** Authorization by these patterns. */
export const matching = (...patterns: readonly (string | object)[]): object => ({
  patternMatching: {
    patterns: patterns.map((pattern) => (typeof pattern === "string" ? { predicate: pattern } : pattern)),
  },
});

/** A response with these headers: CEL, or a value as the API has it. */
export const headers = (values: Readonly<Record<string, string | object>>): object => ({
  success: {
    headers: Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        typeof value === "string" ? { plain: { expression: value } } : value,
      ]),
    ),
  },
});
