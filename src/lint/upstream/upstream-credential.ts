import { parseExpression } from "../../cel/parse.ts";
import { namesOf } from "../../cel/path.ts";
import { AUTHORINO_PRESENCE, pathUses } from "../../cel/path-uses.ts";
import { selectorPaths } from "../../cel/selector.ts";
import type { Route } from "../../model/attachment.ts";
import { type EffectiveRule, effectivePolicy } from "../../model/effective-policy.ts";
import type { AuthenticationItem, DynamicValue, ResponseItem } from "../../model/kinds/auth-policy.ts";
import type { Topology } from "../../model/topology.ts";
import { CREDENTIAL_HEADERS } from "../auth/credential-headers.ts";

/** A credential that a request carries when it leaves the gateway. */
export type UpstreamCredential = {
  /** Lower-case header name. */
  readonly header: string;
  /** Whether the effective AuthPolicy puts it there, or the workload's own token is left on the request. */
  readonly origin: "injected" | "forwarded";
  readonly rule: EffectiveRule;
};

const INJECTED = "response.success.headers/";
const AUTHENTICATED = "authentication/";

/** The credential that requests of one rule of a route carry upstream, by the effective AuthPolicy of any of its paths. */
export function upstreamCredential(
  route: Route,
  ruleIndex: number,
  topology: Topology,
): UpstreamCredential | undefined {
  for (const attachment of topology.attachmentsOf(route)) {
    const policy = effectivePolicy("AuthPolicy", { attachment, ruleIndex }, topology.objects);
    const rules = [...(policy?.rules.values() ?? [])];
    const found = injected(rules) ?? forwarded(rules, route, ruleIndex);
    if (found !== undefined) return found;
  }
  return undefined;
}

const nameAfter = ({ key }: EffectiveRule, prefix: string): string => key.slice(prefix.length);

/** The header that a response item sets: its `key`, else its own name. */
const headerOf = (rule: EffectiveRule): string =>
  ((rule.value as ResponseItem).key ?? nameAfter(rule, INJECTED)).toLowerCase();

function injected(rules: readonly EffectiveRule[]): UpstreamCredential | undefined {
  const rule = rules.find(
    (candidate) =>
      candidate.key.startsWith(INJECTED) && isCredential(headerOf(candidate), candidate.value as ResponseItem),
  );
  return rule === undefined ? undefined : { header: headerOf(rule), origin: "injected", rule };
}

function isCredential(header: string, item: ResponseItem): boolean {
  const values = [item.plain, ...Object.values(item.json?.properties ?? {})].filter((value) => value !== undefined);
  // A constant empty header is the usual way to take the caller's token off.
  if (values.some(readsFetchedMetadata)) return true;
  return CREDENTIAL_HEADERS.has(header) && !values.every(({ value }) => value === "");
}

const isFetched = ([root, phase]: readonly string[]): boolean => root === "auth" && phase === "metadata";

/** Whether a value comes from what the AuthPolicy fetched, such as a secret store's answer. */
function readsFetchedMetadata({ expression, selector = "" }: DynamicValue): boolean {
  if (expression === undefined) {
    return selectorPaths(selector).some(({ segments }) => isFetched(segments.map(({ name }) => name)));
  }
  const parsed = parseExpression(expression);
  return parsed.ok && pathUses(parsed.value, AUTHORINO_PRESENCE).some(({ path }) => isFetched(namesOf(path)));
}

/** The workload's own token: read from a header that nothing removes or overwrites on the way. */
function forwarded(rules: readonly EffectiveRule[], route: Route, ruleIndex: number): UpstreamCredential | undefined {
  const replaced = new Set([
    ...rules.filter(({ key }) => key.startsWith(INJECTED)).map(headerOf),
    ...headersChangedBy(route, ruleIndex),
  ]);
  for (const rule of rules) {
    if (!rule.key.startsWith(AUTHENTICATED)) continue;
    const header = tokenHeader(rule.value as AuthenticationItem);
    if (header !== undefined && !replaced.has(header)) return { header, origin: "forwarded", rule };
  }
  return undefined;
}

function tokenHeader({ kubernetesTokenReview, jwt, apiKey, credentials }: AuthenticationItem): string | undefined {
  if (kubernetesTokenReview === undefined && jwt === undefined && apiKey === undefined) return undefined;
  if (credentials?.queryString !== undefined) return undefined;
  if (credentials?.cookie !== undefined) return "cookie";
  return credentials?.customHeader?.name?.toLowerCase() ?? "authorization";
}

/** Headers that the route itself removes or sets, for any of the rule's backends. Router filters run after authentication. */
function headersChangedBy(route: Route, ruleIndex: number): readonly string[] {
  const { filters = [], backendRefs = [] } = route.spec?.rules?.[ruleIndex] ?? {};
  return [...filters, ...backendRefs.flatMap((backend) => backend.filters ?? [])].flatMap(
    ({ requestHeaderModifier: change }) => [
      ...(change?.remove ?? []).map((name) => name.toLowerCase()),
      ...(change?.set ?? []).map(({ name = "" }) => name.toLowerCase()),
    ],
  );
}
