import { compareAge } from "./age.ts";
import type { Attachment, Route } from "./attachment.ts";
import { isWaypoint } from "./egress-gateway.ts";
import type { FieldPath } from "./field-path.ts";
import { entriesCovering, rulesCovering } from "./host-lookup.ts";
import { compareSpecificity, isSubset } from "./hostname.ts";
import type { ClientTlsSettings, TrafficPolicy } from "./kinds/istio.ts";
import type { Kinds } from "./kinds.ts";
import { defineLookup, type ObjectIndex } from "./object-index.ts";

/** Where Istio looks for settings of the whole mesh. `meshConfig.rootNamespace` may name another; nobody can see that here. */
export const ISTIO_ROOT_NAMESPACE = "istio-system";

/** The proxy that opens the connection upstream: a Gateway's. `gateway` is undefined when the Gateway is not in view. */
export type UpstreamProxy = {
  readonly namespace: string;
  readonly name: string;
  readonly gateway: Kinds["Gateway"] | undefined;
};

export type UpstreamBackend = { readonly host: string; readonly port: number };

/** A field of the DestinationRule that settles a transport. */
export type RuleField = { readonly rule: Kinds["DestinationRule"]; readonly path: FieldPath };

/**
 * How a connection is secured.
 * `plaintext` without `by`: no DestinationRule applies. With it, `cause` says why that one gives no TLS: it has no
 * `tls` at all, a port-level entry hides the one it has, or its mode is DISABLE (which an absent mode means as well).
 * `policy`: no DestinationRule gives TLS, a BackendTLSPolicy does.
 * `unknown`: a DestinationRule selects workloads by labels that are not in view, or has a mode of a later version.
 */
export type UpstreamTls =
  | { readonly status: "plaintext" }
  | { readonly status: "plaintext"; readonly by: RuleField; readonly cause: "missing" | "hidden" | "disabled" }
  | {
      readonly status: "originated";
      readonly mode: "SIMPLE" | "MUTUAL";
      /** Server name sent; undefined: Istio sends the host. */
      readonly sni: string | undefined;
      /** Whether the name in the certificate is compared with anything. */
      readonly sanCheck: boolean;
      readonly caFile: string | undefined;
      readonly by: RuleField;
    }
  | { readonly status: "mesh"; readonly by: RuleField }
  | { readonly status: "policy"; readonly policy: Kinds["BackendTLSPolicy"] }
  | { readonly status: "unknown"; readonly by: RuleField };

/** What happens to a request for one host and port once it leaves a gateway's proxy. */
export type Transport =
  | { readonly status: "unresolved"; readonly lookup: Exclude<EntryLookup, { readonly status: "found" }> }
  | {
      readonly status: "resolved";
      readonly entry: Kinds["ServiceEntry"];
      /** Position in `spec.ports` of the entry. */
      readonly portIndex: number;
      /** Ports that may be dialled: one, or one for each endpoint that maps the port. */
      readonly dialled: readonly number[];
      readonly tls: UpstreamTls;
    };

/** Which ServiceEntries define a host and port for a namespace, best first, or what stands in the way. */
export type EntryLookup =
  | { readonly status: "found"; readonly entries: readonly Kinds["ServiceEntry"][] }
  | { readonly status: "absent" }
  | { readonly status: "not-exported"; readonly entries: readonly Kinds["ServiceEntry"][] }
  | { readonly status: "no-port"; readonly entries: readonly Kinds["ServiceEntry"][] };

export { isHostnameBackend } from "./host-lookup.ts";

/**
 * Whether an object's `exportTo` shows it to a namespace: absent is everybody, `.` its own, `~` nobody.
 * Source: Istio ServiceEntry and DestinationRule reference, `exportTo`.
 */
export function isExportedTo(exportTo: readonly string[] | undefined, home: string, namespace: string): boolean {
  if (exportTo === undefined || exportTo.length === 0) return true;
  return exportTo.some((value) => value === "*" || value === namespace || (value === "." && home === namespace));
}

/** Whether a host of a ServiceEntry or DestinationRule, wildcard or not, covers a host name. */
export const covers = (pattern: string, host: string): boolean =>
  pattern === "*" || (pattern !== "" && isSubset(host, pattern));

/**
 * Looks a host and port up as the proxy of a namespace sees them; an exact host before a wildcard, the namespace's
 * own entry before others, the oldest first. Istio's status compares with the route's namespace instead, but
 * requests go by the proxy's (observed: `BackendNotFound` in the status and 200 for the request).
 */
export function findServiceEntries(
  { host, port }: { readonly host: string; readonly port: number | undefined },
  namespace: string,
  objects: ObjectIndex,
): EntryLookup {
  const all = entriesCovering(host, objects);
  if (all.length === 0) return { status: "absent" };
  const visible = all.filter(({ spec, metadata }) => isExportedTo(spec?.exportTo, metadata.namespace, namespace));
  if (visible.length === 0) return { status: "not-exported", entries: all };
  const open = visible.filter(({ spec }) => port === undefined || spec?.ports?.some(({ number }) => number === port));
  if (open.length === 0) return { status: "no-port", entries: visible };
  const rank = (entry: Kinds["ServiceEntry"]): number =>
    (entry.spec?.hosts?.includes(host) ? 0 : 2) + (entry.metadata.namespace === namespace ? 0 : 1);
  return { status: "found", entries: open.toSorted((a, b) => rank(a) - rank(b) || compareAge(a, b)) };
}

/** The transport of one backend behind one proxy. */
export function upstreamTransport(backend: UpstreamBackend, proxy: UpstreamProxy, objects: ObjectIndex): Transport {
  const lookup = findServiceEntries(backend, proxy.namespace, objects);
  if (lookup.status !== "found") return { status: "unresolved", lookup };
  const entry = lookup.entries[0] as Kinds["ServiceEntry"];
  const ports = entry.spec?.ports ?? [];
  const portIndex = ports.findIndex(({ number }) => number === backend.port);
  const { name = "", targetPort = backend.port } = ports[portIndex] ?? {};
  const mapped = (entry.spec?.endpoints ?? []).map((endpoint) => endpoint.ports?.[name] ?? targetPort);
  return {
    status: "resolved",
    entry,
    portIndex,
    dialled: mapped.length === 0 ? [targetPort] : [...new Set(mapped)],
    tls: withPolicy(tlsOf(backend, entry, proxy, objects), entry, name, objects),
  };
}

/**
 * The DestinationRules that a proxy uses for a host: those of the proxy's namespace, else those that the service's
 * namespace exports to it, else those of the root namespace; of them the most specific host, the oldest first.
 * Source: istio pilot/pkg/model/push_context.go, destinationRule.
 */
export function destinationRulesFor(
  host: string,
  entryNamespace: string,
  proxyNamespace: string,
  objects: ObjectIndex,
): readonly Kinds["DestinationRule"][] {
  const matching = rulesCovering(host, objects);
  for (const home of [proxyNamespace, entryNamespace, ISTIO_ROOT_NAMESPACE]) {
    const candidates = matching.filter(
      ({ metadata, spec }) =>
        metadata.namespace === home && isExportedTo(spec?.exportTo, metadata.namespace, proxyNamespace),
    );
    const [best] = candidates.map(({ spec }) => spec?.host ?? "").sort(compareSpecificity);
    if (best !== undefined) return candidates.filter(({ spec }) => spec?.host === best).sort(compareAge);
  }
  return [];
}

function tlsOf(
  { host, port }: UpstreamBackend,
  entry: Kinds["ServiceEntry"],
  proxy: UpstreamProxy,
  objects: ObjectIndex,
): UpstreamTls {
  const rules = destinationRulesFor(host, entry.metadata.namespace, proxy.namespace, objects);
  const selections = rules.map((rule) => ({ rule, selected: selects(rule, proxy) }));
  const unsure = selections.find(({ selected }) => selected === "unknown");
  if (unsure !== undefined) return { status: "unknown", by: { rule: unsure.rule, path: ["spec", "workloadSelector"] } };
  const chosen = selections.filter(({ selected }) => selected === "selected");
  const applied = (chosen.length > 0 ? chosen : selections.filter(({ selected }) => selected === "everywhere")).map(
    ({ rule }) => rule,
  );
  // Rules for one host in one namespace are merged; the first that has a traffic policy gives it.
  const rule = applied.find(({ spec }) => spec?.trafficPolicy !== undefined) ?? applied[0];
  return rule === undefined ? { status: "plaintext" } : tlsIn(rule, port, entry);
}

const TLS_POLICIES_BY_ENTRY = defineLookup({
  kinds: ["BackendTLSPolicy"],
  keysOf: ({ metadata, spec }) =>
    (spec?.targetRefs ?? [])
      .filter(({ group, kind }) => group === "networking.istio.io" && kind === "ServiceEntry")
      .map(({ name = "" }) => `${metadata.namespace}/${name}`),
});

/** Where no DestinationRule gives TLS, a BackendTLSPolicy on the ServiceEntry, or on its port, may. */
function withPolicy(
  tls: UpstreamTls,
  { metadata }: Kinds["ServiceEntry"],
  port: string,
  objects: ObjectIndex,
): UpstreamTls {
  if (tls.status !== "plaintext") return tls;
  const policy = objects
    .having(TLS_POLICIES_BY_ENTRY, `${metadata.namespace}/${metadata.name}`)
    .find(({ spec }) =>
      spec?.targetRefs?.some(
        ({ kind, name, sectionName = port }) =>
          kind === "ServiceEntry" && name === metadata.name && sectionName === port,
      ),
    );
  return policy === undefined ? tls : { status: "policy", policy };
}

/** Whether a DestinationRule means this proxy: by its `workloadSelector`, as far as the proxy's labels are known. */
function selects(rule: Kinds["DestinationRule"], proxy: UpstreamProxy): "everywhere" | "selected" | "no" | "unknown" {
  const wanted = Object.entries(rule.spec?.workloadSelector?.matchLabels ?? {});
  if (rule.spec?.workloadSelector === undefined || wanted.length === 0) return "everywhere";
  const known: Readonly<Record<string, string>> = {
    ...proxy.gateway?.spec?.infrastructure?.labels,
    "gateway.networking.k8s.io/gateway-name": proxy.name,
    "istio.io/gateway-name": proxy.name,
  };
  if (wanted.some(([key, value]) => Object.hasOwn(known, key) && known[key] !== value)) return "no";
  return wanted.every(([key]) => Object.hasOwn(known, key)) ? "selected" : "unknown";
}

/** The settings for one port: an entry for the port replaces those above it wholly. */
function settingsFor(
  policy: TrafficPolicy | undefined,
  port: number,
): { readonly tls: ClientTlsSettings | undefined; readonly path: FieldPath; readonly hides: boolean } {
  const base: FieldPath = ["spec", "trafficPolicy"];
  const index = (policy?.portLevelSettings ?? []).findIndex((entry) => entry.port?.number === port);
  const own = policy?.portLevelSettings?.[index];
  if (own === undefined) return { tls: policy?.tls, path: policy === undefined ? ["spec"] : base, hides: false };
  return { tls: own.tls, path: [...base, "portLevelSettings", index], hides: policy?.tls !== undefined };
}

function tlsIn(rule: Kinds["DestinationRule"], port: number, entry: Kinds["ServiceEntry"]): UpstreamTls {
  const { tls, path, hides } = settingsFor(rule.spec?.trafficPolicy, port);
  if (tls === undefined) {
    return { status: "plaintext", by: { rule, path }, cause: hides ? "hidden" : "missing" };
  }
  const { mode = "DISABLE", sni, subjectAltNames = [] } = tls;
  const by: RuleField = { rule, path: tls.mode === undefined ? [...path, "tls"] : [...path, "tls", "mode"] };
  if (mode === "DISABLE") return { status: "plaintext", by, cause: "disabled" };
  if (mode === "ISTIO_MUTUAL") return { status: "mesh", by };
  if (mode !== "SIMPLE" && mode !== "MUTUAL") return { status: "unknown", by };
  const named = subjectAltNames.length > 0 || (entry.spec?.subjectAltNames ?? []).length > 0;
  return {
    status: "originated",
    mode,
    sni: sni === "" ? undefined : sni,
    sanCheck: tls.insecureSkipVerify !== true && (named || sni === undefined || sni === ""),
    caFile: tls.caCertificates,
    by,
  };
}

/**
 * The gateways whose proxies send a route's requests on: those it is attached to, and those it names that are not in
 * view. Waypoints are left out: there the ServiceEntry decides, not the route.
 */
export function gatewayProxies(
  route: Route,
  view: { readonly objects: ObjectIndex; attachmentsOf(route: Route): readonly Attachment[] },
): readonly UpstreamProxy[] {
  const proxies = (route.spec?.parentRefs ?? []).flatMap((parent): readonly UpstreamProxy[] => {
    if ((parent.kind ?? "Gateway") !== "Gateway" || (parent.group ?? GATEWAY_GROUP) !== GATEWAY_GROUP) return [];
    const namespace = parent.namespace ?? route.metadata.namespace;
    const name = parent.name ?? "";
    const gateway = view.objects.get("Gateway", namespace, name);
    if (gateway === undefined) return [{ namespace, name, gateway }];
    const attached = view.attachmentsOf(route).some((item) => item.gateway === gateway);
    return attached && !isWaypoint(gateway) ? [{ namespace, name, gateway }] : [];
  });
  return proxies.filter((proxy, index) => proxies.findIndex((other) => isSameGateway(other, proxy)) === index);
}

const GATEWAY_GROUP = "gateway.networking.k8s.io";

const isSameGateway = (a: UpstreamProxy, b: UpstreamProxy): boolean => a.namespace === b.namespace && a.name === b.name;

/** Whether a host belongs to the cluster itself: a Service's DNS name, which needs no ServiceEntry. */
export const isClusterHost = (host: string, clusterDomain: string): boolean =>
  host.endsWith(".svc") || host === clusterDomain || host.endsWith(`.${clusterDomain}`);
