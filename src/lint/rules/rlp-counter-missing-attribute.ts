import type { Node } from "../../cel/ast.ts";
import { valueKey } from "../../cel/guards.ts";
import { headerSegment, headerSubtractions } from "../../cel/header-names.ts";
import { fetchedNames, pathKey, pathRange } from "../../cel/path.ts";
import {
  type CallUse,
  callUses,
  type PathUse,
  pathUses,
  readsHeadersWhole,
  wasmPresence,
} from "../../cel/path-uses.ts";
import type { Topology } from "../../model/topology.ts";
import { type CelSite, celSites } from "../expressions/expression-sites.ts";
import { isGuaranteed } from "../expressions/guaranteed-headers.ts";
import { type GatewayPolicy, type Publication, publicationsFor } from "../expressions/published-filters.ts";
import { celString, quote } from "../expressions/quote.ts";
import { defineRule, type Report } from "../rule.ts";

/** Every request has them. */
const ALWAYS_THERE = new Set([":authority", "host", ":method", ":path"]);

/** Whether a value that is null when absent stands where null does no harm. */
const isCompared = (parent: Node | undefined): boolean =>
  parent?.kind === "binary" && ["==", "!=", "in"].includes(parent.operator);

function headerReports(site: CelSite, tree: Node, publications: readonly Publication[]): readonly Report[] {
  const whole = readsHeadersWhole(tree);
  const subtractions = headerSubtractions(tree, site.text);
  // A header that is fetched by itself reads null when it is absent.
  const harmless = ({ path, parent, present }: PathUse): boolean =>
    path.test ||
    path.segments.some((segment) => segment.optional) ||
    present.has(pathKey(path)) ||
    (!whole && fetchedNames(path).length > 2 && isCompared(parent)) ||
    subtractions.some(({ start, end }) => start <= path.start && path.start < end);
  const reported = new Set<string>();
  return pathUses(tree, wasmPresence(tree)).flatMap((use): readonly Report[] => {
    const name = headerSegment(use.path)?.name.toLowerCase();
    if (name === undefined || ALWAYS_THERE.has(name) || reported.has(name)) return [];
    if (harmless(use) || isGuaranteed(name, publications)) return [];
    reported.add(name);
    const read = `request.headers[${celString(name)}]`;
    return [
      {
        path: site.path,
        range: pathRange(use.path),
        message: `if a request has no \`${name}\` header this counter fails, and a failing counter makes the gateway skip all rate limits on the route for that request`,
        hint: hintFor(
          use.path.start === tree.start && use.path.end === tree.end,
          `${celString(name)} in request.headers`,
          read,
        ),
      },
    ];
  });
}

/** A counter that is the read alone is replaced as a whole. */
function hintFor(isWholeCounter: boolean, test: string, read: string): string {
  const withDefault = `${test} ? ${read} : 'none'`;
  return isWholeCounter
    ? `Give a default: \`${withDefault}\`.`
    : `Give it a default where it is read: \`(${withDefault})\`.`;
}

function bodyReports(site: CelSite, tree: Node): readonly Report[] {
  const harmless = ({ call, parent, present }: CallUse): boolean =>
    present.has(valueKey(call) ?? "") ||
    isCompared(parent) ||
    (parent?.kind === "call" && parent.name === "optional.ofNonZeroValue");
  return callUses(tree, wasmPresence(tree))
    .filter((use) => use.call.name === "requestBodyJSON" && !harmless(use))
    .map(({ call }) => {
      const read = site.text.slice(call.start, call.end);
      const [pointer] = call.args;
      const field = pointer?.kind === "literal" ? String(pointer.value) : read;
      return {
        path: site.path,
        range: { start: call.start, end: call.end },
        message: `if the body of a request has no ${quote(field)} this counter fails, and a failing counter makes the gateway skip all rate limits on the route for that request`,
        hint: `Give a default: \`(${read} != null ? ${read} : 'none')\`.`,
      };
    });
}

function check(object: GatewayPolicy, topology: Topology): readonly Report[] {
  const publications = publicationsFor(object, topology);
  return celSites(object).flatMap((site) =>
    site.role !== "counter" || site.tree === undefined
      ? []
      : [...headerReports(site, site.tree, publications), ...bodyReports(site, site.tree)],
  );
}

const counted = (counter: string): string => `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-tenant}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            per-tenant:
              rates: [{limit: 50, window: 1m}]
              counters: [{expression: "${counter}"}]`;

const COUNTER = 'spec.limits["per-tenant"].counters[0].expression';

export const rule = defineRule({
  id: "rlp-counter-missing-attribute",
  kinds: ["RateLimitPolicy", "TokenRateLimitPolicy"],
  reads: ["AuthPolicy", "Gateway", "HTTPRoute", "GRPCRoute"],
  severity: "warning",
  scope: "object",
  title: "A caller can switch the limits off by leaving something out",
  why: "All limits of a route are one message. A counter that cannot be evaluated fails the message, and without an answer the gateway lets the request pass. Where the operator's rate-limit service is set to deny on failure, the route answers 500 instead.",
  fix: "Give a default: `'x-tenant' in request.headers ? request.headers['x-tenant'] : 'none'`.",
  sources: [
    "kuadrant-operator `internal/controller/data_plane_policies_workflow.go`, `internal/wasm/action_spec.go`: one message, failure mode allow",
    "wasm-shim `pipeline/tasks/failure_mode.rs`, `tests/failuremode.rs`",
    "Observed on wasm-shim af0f9b4: an absent header gives NoSuchKey, inside optional.of() as well",
  ],
  since: "0.1.0",

  check,

  bad: [
    {
      name: "a header without a default",
      finds: [{ path: COUNTER, text: "request.headers['x-tenant']" }],
      yaml: counted("request.headers['x-tenant']"),
    },
    {
      name: "optional.of(), which evaluates what it is given first",
      finds: [{ path: COUNTER, text: "request.headers['x-tenant']" }],
      yaml: counted("optional.of(request.headers['x-tenant']).orValue('none')"),
    },
    {
      name: "a field of the body",
      finds: [{ path: COUNTER, text: "requestBodyJSON('/model')" }],
      yaml: counted("requestBodyJSON('/model')"),
    },
  ],
  good: [
    { name: "a default", yaml: counted("'x-tenant' in request.headers ? request.headers['x-tenant'] : 'none'") },
    { name: "an optional index with a default", yaml: counted("request.headers[?'x-tenant'].orValue('none')") },
    { name: "a header that every request has", yaml: counted("request.headers['host']") },
    {
      name: "a comparison that null passes",
      yaml: counted("requestBodyJSON('/model') == 'gpt-4o' ? 'large' : 'small'"),
    },
  ],
});
