import type { Mend } from "../../model/edit.ts";
import { GATEWAY_NAME_LABEL } from "../../model/gateway-address.ts";
import type { Kinds } from "../../model/kinds.ts";
import { defineLookup } from "../../model/object-index.ts";
import type { Topology } from "../../model/topology.ts";
import { gatewayClassOf } from "../attachment/gateway-class.ts";
import { defineRule, type Report } from "../rule.ts";

type Gateway = Kinds["Gateway"];

const ANNOTATION = "networking.istio.io/service-type";

function check(object: Gateway, topology: Topology): readonly Report[] {
  if (!topology.egressGateways.includes(object) || gatewayClassOf(object, topology.objects) !== "istio") return [];
  if (isMadeByHand(object) || isSettledElsewhere(object, topology)) return [];
  const type = object.metadata.annotations?.[ANNOTATION];
  if (type === "ClusterIP") return [];
  const reach = `anyone who can reach it can use it as a proxy to ${hostsOf(object, topology)}`;
  if (type !== undefined) {
    const made = type === "NodePort" ? "opens a port on every node for this gateway" : `makes a ${type} Service for it`;
    return [{ path: ["metadata", "annotations", ANNOTATION], message: `Istio ${made}: ${reach}` }];
  }
  const misplaced = object.spec?.infrastructure?.annotations?.[ANNOTATION] !== undefined;
  const mend = moved(object);
  const made = `Istio makes a LoadBalancer Service for this gateway: ${reach}`;
  if (!misplaced) return [{ path: ["metadata", "annotations", ANNOTATION], message: made }];
  return [
    {
      path: ["spec", "infrastructure", "annotations", ANNOTATION],
      message: `${made}; the annotation under \`spec.infrastructure\` is only copied to the Service and does not set its type`,
      hint: `Move \`${ANNOTATION}\` to \`metadata.annotations\`.`,
      ...(mend === undefined ? {} : { mend }),
    },
  ];
}

/** The annotation where it counts; maps that it leaves empty go with it. */
function moved({ spec }: Gateway): Mend | undefined {
  const { annotations = {}, ...others } = spec?.infrastructure ?? {};
  if (annotations[ANNOTATION] !== "ClusterIP") return undefined;
  const alone = Object.keys(annotations).length === 1;
  const empty = alone && Object.values(others).every((field) => field === undefined);
  const from = ["spec", "infrastructure", ...(empty ? [] : ["annotations", ...(alone ? [] : [ANNOTATION])])];
  return {
    title: `move \`${ANNOTATION}\` to \`metadata.annotations\``,
    edits: [
      { op: "set", path: ["metadata", "annotations", ANNOTATION], value: "ClusterIP" },
      { op: "remove", path: from },
    ],
  };
}

/** Addresses that name a Service: Istio then deploys nothing (deploymentcontroller, IsManaged). */
function isMadeByHand({ spec }: Gateway): boolean {
  const addresses = spec?.addresses ?? [];
  return addresses.length > 1 || addresses.some(({ type = "IPAddress" }) => type !== "IPAddress");
}

const SERVICES_BY_GATEWAY = defineLookup({
  kinds: ["Service"],
  keysOf: ({ metadata }) => {
    const gateway = metadata.labels?.[GATEWAY_NAME_LABEL];
    return gateway === undefined ? [] : [`${metadata.namespace}/${gateway}`];
  },
});

/** Whether something else decides the type: parameters that are not read, the routability field, or the Service seen. */
function isSettledElsewhere({ spec, metadata }: Gateway, { objects }: Topology): boolean {
  const { parametersRef, routability = "Public" } = spec?.infrastructure ?? {};
  if (parametersRef !== undefined || routability !== "Public") return true;
  return objects
    .having(SERVICES_BY_GATEWAY, `${metadata.namespace}/${metadata.name}`)
    .some((service) => (service.spec?.type ?? "ClusterIP") === "ClusterIP");
}

const MOST_HOSTS = 3;

function hostsOf(object: Gateway, { attachmentsOn }: Topology): string {
  const own = attachmentsOn(object).flatMap(({ hostnames }) => hostnames);
  const hosts = [...new Set(own)].filter((host) => host !== "");
  const more = hosts.length > MOST_HOSTS ? ` and ${hosts.length - MOST_HOSTS} more hosts` : "";
  return hosts.length === 0 ? "whatever its routes lead to" : `${hosts.slice(0, MOST_HOSTS).join(", ")}${more}`;
}

const gateway = (metadata: string, spec = ""): string => `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress${metadata}}
        spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]${spec}}`;

const annotated = (type: string): string => `, annotations: {networking.istio.io/service-type: ${type}}`;

const ROUTE = `
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [api.openai.com]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]}]`;

const AT = 'metadata.annotations["networking.istio.io/service-type"]';

export const rule = defineRule({
  id: "egress-gateway-public",
  kinds: ["Gateway"],
  reads: ["GatewayClass", "HTTPRoute", "GRPCRoute", "Service", "DNSPolicy", "Secret"],
  severity: "warning",
  scope: "object",
  title: "The egress gateway can be reached from outside of the cluster",
  why: "A Gateway of Istio gets a LoadBalancer Service unless told otherwise. An egress gateway that the world can reach is an open proxy, and one that adds credentials.",
  fix: "Annotate the Gateway itself with `networking.istio.io/service-type: ClusterIP`.",
  sources: [
    "Kuadrant user guide, Egress Gateway: the annotation, because egress is internal",
    "istio deploymentcontroller.go: the type is read from the Gateway's own annotations, its default is LoadBalancer",
  ],
  since: "0.2.0",

  check,

  bad: [
    { name: "no annotation at all", finds: [{ path: AT }], yaml: gateway("") + ROUTE },
    {
      name: "the annotation in the wrong place",
      finds: [
        {
          path: 'spec.infrastructure.annotations["networking.istio.io/service-type"]',
          mended: 'metadata.annotations["networking.istio.io/service-type"]: ClusterIP; - spec.infrastructure',
        },
      ],
      yaml: gateway("", ", infrastructure: {annotations: {networking.istio.io/service-type: ClusterIP}}") + ROUTE,
    },
    { name: "a port on every node", finds: [{ path: AT }], yaml: gateway(annotated("NodePort")) + ROUTE },
    { name: "an explicit LoadBalancer", finds: [{ path: AT }], yaml: gateway(annotated("LoadBalancer")) + ROUTE },
    {
      name: "an egress gateway by its label, before it has routes",
      finds: [{ path: AT }],
      yaml: gateway(', labels: {sluice.dev/egress-gateway: "true"}'),
    },
  ],
  good: [
    { name: "the annotation on the Gateway", yaml: gateway(annotated("ClusterIP")) + ROUTE },
    {
      name: "a Service that exists already",
      yaml: gateway("", ", addresses: [{type: Hostname, value: egress.gateway-system.svc.cluster.local}]") + ROUTE,
    },
    {
      name: "parameters that may set the type",
      yaml: gateway("", ", infrastructure: {parametersRef: {group: '', kind: ConfigMap, name: options}}") + ROUTE,
    },
    {
      name: "a Service that is seen to be internal, by a default of the class",
      yaml: `${gateway("")}${ROUTE}
        ---
        apiVersion: v1
        kind: Service
        metadata:
          namespace: gateway-system
          name: egress-istio
          labels: {gateway.networking.k8s.io/gateway-name: egress}
        spec: {type: ClusterIP, clusterIP: 10.96.0.20, clusterIPs: [10.96.0.20]}`,
    },
    { name: "a gateway for incoming traffic", yaml: gateway("") },
    {
      name: "a waypoint, whose Service is internal",
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: istio-egress, name: waypoint}
        spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}`,
    },
  ],
});
