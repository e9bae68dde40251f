import type { Route } from "../../model/attachment.ts";
import type { Mend } from "../../model/edit.ts";
import { isEgressRoute, isExternalBackend } from "../../model/egress-gateway.ts";
import type { FieldPath } from "../../model/field-path.ts";
import { isWildcard } from "../../model/hostname.ts";
import type { BackendRef } from "../../model/kinds/route.ts";
import type { Topology } from "../../model/topology.ts";
import { asHostname, isDefined, onlyPort } from "../mends/hostname-backend.ts";
import { defineRule, type Report } from "../rule.ts";

const ISTIO_GROUP = "networking.istio.io";

/** Filters that Istio takes on one backend of a rule. */
const BACKEND_FILTERS = new Set(["RequestHeaderModifier", "ResponseHeaderModifier"]);

function check(object: Route, topology: Topology): readonly Report[] {
  const egress = isEgressRoute(object, topology.objects);
  return (object.spec?.rules ?? []).flatMap(({ backendRefs = [] }, ruleIndex) => {
    const at: FieldPath = ["spec", "rules", ruleIndex, "backendRefs"];
    if (backendRefs.length > 0 && backendRefs.every(({ weight }) => weight === 0)) {
      return egress ? [allZero(at)] : [];
    }
    return backendRefs.flatMap((backend, index) =>
      // A backend of weight 0 is passed over before it is looked at.
      backend.weight === 0 ? [] : reportsOn(backend, [...at, index], object, topology, egress),
    );
  });
}

const allZero = (at: FieldPath): Report => ({
  path: [...at, 0, "weight"],
  message: "every backend of the rule has weight 0, so none is left: requests get 500",
  hint: "Give one backend a weight, or remove the rule.",
});

function reportsOn(
  backend: BackendRef,
  at: FieldPath,
  route: Route,
  topology: Topology,
  egress: boolean,
): readonly Report[] {
  const { group = "", kind = "Service", name = "" } = backend;
  const filters = egress && isExternalBackend(backend, route, topology.objects) ? wrongFilters(backend, at) : [];
  if (kind === "Hostname") return [...wrongHostname(backend, at, topology), ...filters];
  if (group === ISTIO_GROUP && kind === "ServiceEntry") {
    return [
      {
        path: [...at, "kind"],
        message:
          "a route names an external host by kind Hostname; with ServiceEntry it is InvalidKind and requests get 500",
        hint: "Use `kind: Hostname` and the host itself as `name`, not the ServiceEntry's name.",
        ...hostMend(backend, at, hostOf(backend, route, topology), topology),
      },
    ];
  }
  if (kind !== "Service" || group !== "") return filters;
  if (name.includes(".")) {
    return [
      {
        path: [...at, "name"],
        message: `no Service can be called \`${name}\`, as names of Services have no dots: BackendNotFound, and requests get 500`,
        hint: hintFor(backend),
        ...hostMend(backend, at, isDefined(name, backend.port, topology) ? name : undefined, topology),
      },
    ];
  }
  return egress ? [...filters, ...ungranted(backend, at, route, topology)] : [];
}

const hintFor = ({ name = "", port = 443 }: BackendRef): string =>
  `Write \`{group: ${ISTIO_GROUP}, kind: Hostname, name: ${name}, port: ${port}}\`.`;

/** The host that a ServiceEntry stands for, when it has one. */
function hostOf({ name = "", namespace }: BackendRef, route: Route, { objects }: Topology): string | undefined {
  const entry = objects.get("ServiceEntry", namespace ?? route.metadata.namespace, name);
  const [host, ...others] = entry?.spec?.hosts ?? [];
  return host === undefined || others.length > 0 || isWildcard(host) ? undefined : host;
}

function hostMend(backend: BackendRef, at: FieldPath, host: string | undefined, topology: Topology): { mend?: Mend } {
  const edits = host === undefined ? undefined : asHostname(backend, at, host, topology);
  return edits === undefined ? {} : { mend: { title: `write the backend as Hostname \`${host}\``, edits } };
}

function portMend({ name = "" }: BackendRef, at: FieldPath, topology: Topology): { mend?: Mend } {
  const value = onlyPort(name, topology);
  if (value === undefined) return {};
  return { mend: { title: `add port ${value}, the only one of the host`, edits: [{ op: "set", path: at, value }] } };
}

function wrongHostname(backend: BackendRef, at: FieldPath, topology: Topology): readonly Report[] {
  const { group = "", namespace, port } = backend;
  if (group !== ISTIO_GROUP) {
    return [
      {
        path: [...at, group === "" ? "kind" : "group"],
        message: `kind Hostname is Istio's, of group \`${ISTIO_GROUP}\`; with ${group === "" ? "no group" : `\`${group}\``} it is InvalidKind and requests get 500`,
        hint: hintFor(backend),
        ...hostMend(backend, at, backend.name, topology),
      },
    ];
  }
  return [
    ...(namespace === undefined
      ? []
      : [
          {
            path: [...at, "namespace"],
            message: "a Hostname has no namespace: Istio refuses the backend (UnsupportedValue) and requests get 500",
            hint: "Remove `namespace`.",
            mend: { title: "remove `namespace`", edits: [{ op: "remove" as const, path: [...at, "namespace"] }] },
          },
        ]),
    ...(port === undefined
      ? [
          {
            path: [...at, "port"],
            message: "a Hostname needs a port: Istio refuses the backend (UnsupportedValue) and requests get 500",
            hint: "Add the port that the ServiceEntry declares, such as `port: 443`.",
            ...portMend(backend, [...at, "port"], topology),
          },
        ]
      : []),
  ];
}

const wrongFilters = ({ filters = [] }: BackendRef, at: FieldPath): readonly Report[] =>
  filters.flatMap(({ type = "" }, index): readonly Report[] =>
    type === "" || BACKEND_FILTERS.has(type)
      ? []
      : [
          {
            path: [...at, "filters", index, "type"],
            message: `Istio takes no \`${type}\` on a single backend: it refuses the rule`,
            hint: "Move the filter to the rule's `filters`; give backends that need different ones a rule each.",
          },
        ],
  );

/** A Service of another namespace that nothing there allows the route to use. */
function ungranted(backend: BackendRef, at: FieldPath, route: Route, { objects }: Topology): readonly Report[] {
  const { namespace: home = "", name = "" } = backend;
  if (home === "" || home === route.metadata.namespace) return [];
  const granted = objects
    .of("ReferenceGrant")
    .some(
      ({ metadata, spec }) =>
        metadata.namespace === home &&
        spec?.from?.some(({ kind, namespace }) => kind === route.kind && namespace === route.metadata.namespace) &&
        spec.to?.some((to) => to.kind === "Service" && (to.name === undefined || to.name === name)),
    );
  if (granted) return [];
  return [
    {
      path: [...at, "namespace"],
      scope: "absence",
      message: `no ReferenceGrant in namespace \`${home}\` lets ${route.kind}s of \`${route.metadata.namespace}\` use Service \`${name}\`: RefNotPermitted, and requests get 500`,
      hint: `Create a ReferenceGrant in namespace \`${home}\`: \`from: [{group: gateway.networking.k8s.io, kind: ${route.kind}, namespace: ${route.metadata.namespace}}]\`, \`to: [{group: "", kind: Service, name: ${name}}]\`.`,
    },
  ];
}

const route = (backends: string, kind = "HTTPRoute"): string => `
        apiVersion: gateway.networking.k8s.io/v1
        kind: ${kind}
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          rules: [{backendRefs: [${backends}]}]`;

const OPENAI = "{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}";
const ALIAS = "{name: openai, namespace: aliases, port: 443}";
const SERVICE = `
        ---
        apiVersion: v1
        kind: Service
        metadata: {namespace: aliases, name: openai}
        spec: {type: ExternalName, externalName: api.openai.com}`;
const FIRST = "spec.rules[0].backendRefs[0]";

const hostname = (fields: string): string => `{kind: Hostname, name: api.openai.com, ${fields}}`;
const weighted = (first: number, second: number): string =>
  `${OPENAI.slice(0, -1)}, weight: ${first}}, {name: echo, port: 80, weight: ${second}}`;
const filtered = (filter: string): string => `${OPENAI.slice(0, -1)}, filters: [${filter}]}`;

export const rule = defineRule({
  id: "hostname-backend-invalid-ref",
  kinds: ["HTTPRoute", "GRPCRoute"],
  reads: ["Service", "ReferenceGrant", "Gateway", "ServiceEntry"],
  severity: "error",
  scope: "object",
  title: "A backend that the gateway's controller refuses",
  why: "A reference to an external host has one valid form. For any other the controller drops the backend, and the gateway answers 500 in its place.",
  fix: "Write `{group: networking.istio.io, kind: Hostname, name: <host>, port: 443}`.",
  sources: [
    "istio pilot/pkg/config/kube/gateway/conversion.go: buildDestination",
    "Gateway API: BackendRef, ReferenceGrant, and weights that are all 0",
    "Observed on a real istiod and Envoy: the host's name as a Service gave BackendNotFound and 500",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "a Hostname with a namespace",
      finds: [{ path: `${FIRST}.namespace`, mended: "- spec.rules[0].backendRefs[0].namespace" }],
      yaml: route(hostname("group: networking.istio.io, namespace: gateway-system, port: 443")),
    },
    {
      name: "a Hostname without a port",
      finds: [{ path: `${FIRST}.port` }],
      yaml: route(hostname("group: networking.istio.io"), "GRPCRoute"),
    },
    {
      name: "a Hostname of another group",
      finds: [{ path: `${FIRST}.group`, mended: "networking.istio.io" }],
      yaml: route(hostname("group: gateway.networking.k8s.io, port: 443")),
    },
    {
      name: "a Hostname without a group",
      finds: [{ path: `${FIRST}.kind`, mended: "spec.rules[0].backendRefs[0].group: networking.istio.io" }],
      yaml: route(hostname("port: 443")),
    },
    {
      name: "a ServiceEntry as backend",
      finds: [{ path: `${FIRST}.kind` }],
      yaml: route("{group: networking.istio.io, kind: ServiceEntry, name: openai, port: 443}"),
    },
    {
      name: "an external host as a Service",
      finds: [{ path: `${FIRST}.name` }],
      yaml: route("{name: api.openai.com, port: 443}"),
    },
    {
      name: "a rewrite on a single backend",
      finds: [{ path: `${FIRST}.filters[0].type` }],
      yaml: route(filtered("{type: URLRewrite, urlRewrite: {hostname: api.openai.com}}")),
    },
    { name: "weights that are all 0", finds: [{ path: `${FIRST}.weight` }], yaml: route(weighted(0, 0)) },
    {
      name: "an alias in a namespace that grants nothing",
      finds: [{ path: `${FIRST}.namespace` }],
      yaml: route(ALIAS) + SERVICE,
    },
  ],
  good: [
    { name: "group, kind, name and port", yaml: route(OPENAI) },
    { name: "a header filter on the backend", yaml: route(filtered("{type: RequestHeaderModifier}")) },
    { name: "one of two backends taken out by weight 0", yaml: route(weighted(1, 0)) },
    {
      name: "a backend of weight 0, which is not looked at",
      yaml: route(`{name: api.openai.com, port: 443, weight: 0}, ${OPENAI}`),
    },
    {
      name: "the newer kind for external backends",
      yaml: route("{group: gateway.networking.x-k8s.io, kind: XBackend, name: openai}"),
    },
    {
      name: "an alias that is granted",
      yaml: `${route(ALIAS)}${SERVICE}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: ReferenceGrant
        metadata: {namespace: aliases, name: routes}
        spec:
          from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: gateway-system}]
          to: [{group: "", kind: Service}]`,
    },
    {
      name: "a Service of another namespace behind a route that stays inside",
      yaml: route("{name: web, namespace: apps, port: 80}"),
    },
  ],
});
