/** A made-up cluster of any size, the same one every time: what `sluice lint` and its peers read. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gatewayIdentityPolicy, policyTexts } from "./policies.ts";

/** What every text of a team is made from. */
export type Team = {
  readonly number: number;
  /** Namespace and common part of its names. */
  readonly name: string;
  /** The hosts that it calls, one for each of its routes. */
  readonly hosts: readonly string[];
  /** Namespace and name of the Gateway of a route: every second one uses the gateway of the platform team. */
  gatewayOf(route: number): { readonly namespace: string; readonly name: string };
  /** Whether it makes one of the mistakes, which are numbered: every seventh team makes each of them. */
  slips(mistake: number): boolean;
};

const ROUTES = 20;
/** Some 3 % of the objects are wrong then. */
const TEAMS_PER_MISTAKE = 7;
const FILE_OBJECTS = 10;

const SHARED_GATEWAY = { namespace: "gateway-system", name: "egress" };

const shared = (): string[] => [
  namespaceText("gateway-system", ""),
  gatewayText({ ...SHARED_GATEWAY, from: "All", listeners: ["shared"] }),
  gatewayIdentityPolicy({ name: SHARED_GATEWAY.namespace }),
];

const namespaceText = (name: string, labels: string): string => `# Owned by the platform team.
apiVersion: v1
kind: Namespace
metadata:
  name: ${name}
  labels:
    kubernetes.io/metadata.name: ${name}
${labels}`;

/** Where others call the team: what DNSPolicies and TLSPolicies are for. */
const ingressText = ({ name }: Pick<Team, "name">): string => `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: ingress
  namespace: ${name}
spec:
  gatewayClassName: istio
  listeners:
    - name: web
      hostname: web.${name}.example.com
      port: 443
      protocol: HTTPS
      tls: {certificateRefs: [{name: web}]}
`;

type GatewayInput = {
  readonly namespace: string;
  readonly name: string;
  readonly from: string;
  readonly listeners: readonly string[];
};

const gatewayText = ({
  namespace,
  name,
  from,
  listeners,
}: GatewayInput): string => `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: ${name}
  namespace: ${namespace}
  labels:
    sluice.dev/egress-gateway: "true"
  annotations:
    networking.istio.io/service-type: ClusterIP
spec:
  gatewayClassName: istio
  listeners:
${listeners.map((listener) => `    - name: ${listener}\n      port: 80\n      protocol: HTTP\n      allowedRoutes:\n        namespaces:\n          from: ${from}\n`).join("")}`;

/** What tokens are counted in must be readable for the gateway: wrong where it is missing. */
const PLAIN_ANSWERS = `
        - type: RequestHeaderModifier
          requestHeaderModifier: {remove: [accept-encoding]}`;

function routeText(team: Team, route: number): string {
  const gateway = team.gatewayOf(route);
  const host = team.hosts[route];
  // Without the rewrite the upstream sees the wrong Host header where names differ.
  const filters =
    route % 10 === 9 && team.slips(9)
      ? ""
      : `
      filters:
        - type: URLRewrite
          urlRewrite:
            hostname: ${host}${route < 2 && !team.slips(12) ? PLAIN_ANSWERS : ""}`;
  return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: ${team.name}-route-${route}
  namespace: ${team.name}
spec:
  parentRefs:
    - name: ${gateway.name}
      namespace: ${gateway.namespace}
  hostnames:
    - ${host}
  rules:
    - name: api
      matches:
        - path: {type: PathPrefix, value: /v1}
          headers: [{name: x-tenant, value: "${team.name}"}]
        - path:
            type: Exact
            value: "/healthz" # for probes${filters}
      backendRefs:
        - group: networking.istio.io
          kind: Hostname
          name: ${host}
          port: 443
`;
}

const entryText = (team: Team, index: number): string => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: ${team.name}-external-${index}
  namespace: ${team.name}
spec:
  hosts:
    - ${team.hosts[index]}
  location: MESH_EXTERNAL
  resolution: ${index === 13 && team.slips(10) ? "NONE" : "DNS"}
  ports:
    - number: 443
      name: https
      protocol: HTTPS
`;

const destinationText = (team: Team, index: number): string => `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: ${team.name}-tls-${index}
  namespace: ${team.name}
spec:
  host: ${team.hosts[index]}
  trafficPolicy:
    tls:
      mode: ${index === 14 && team.slips(11) ? "DISABLE" : "SIMPLE"}
      sni: ${team.hosts[index]}
      subjectAltNames: ["${team.hosts[index]}"]
`;

const authorizationText = (team: Team, index: number): string => `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: ${team.name}-allow-${index}
  namespace: ${team.name}
spec:
  action: ALLOW
  rules:
    - from:
        - source:
            principals:
              - cluster.local/ns/${team.name}/sa/agent-${index}
      to:
        - operation:
            hosts: ["${team.hosts[index]}"]
            methods: [GET, POST]
`;

const serviceText = (team: Team, index: number): string => `apiVersion: v1
kind: Service
metadata: {name: backend-${index}, namespace: ${team.name}, labels: {app: backend-${index}}}
spec:
  selector: {app: backend-${index}}
  ports:
    - {name: http, port: 80, targetPort: 8080}
`;

const accountText = (team: Team, index: number): string => `apiVersion: v1
kind: ServiceAccount
metadata:
  name: agent-${index}
  namespace: ${team.name}
`;

const secretText = (team: Team, index: number): string => `apiVersion: v1
kind: Secret
metadata:
  name: dns-${index}
  namespace: ${team.name}
type: kuadrant.io/${team.slips(6) ? "coredns" : "aws"}
stringData:
  ZONES: ${team.name}.example.com
`;

const deploymentText = (team: Team, index: number): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: agent-${index}
  namespace: ${team.name}
  labels:
    app.kubernetes.io/name: agent-${index}
    app.kubernetes.io/part-of: ${team.name}
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: agent-${index}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: agent-${index}
    spec:
      serviceAccountName: agent-${index % 2}
      containers:
        - name: agent
          image: registry.example.com/${team.name}/agent:1.${index}.0
          args: ["--listen", ":8080", '--upstream=http://${team.hosts[index]}/v1']
          env:
            - name: POD_NAME
              valueFrom:
                fieldRef: {fieldPath: metadata.name}
            - name: GREETING
              value: |
                Hello from ${team.name},
                  and welcome.
          resources:
            requests: {cpu: 100m, memory: 128Mi}
            limits:
              memory: 256Mi
`;

const configMapText = (team: Team, index: number): string => `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings-${index}
  namespace: ${team.name}
data:
  retries: "3"
  upstream.conf: |
    host = ${team.hosts[index]}
    timeout = 30s
  motto: >-
    calls leave
    through the gateway
`;

const times = (count: number, text: (index: number) => string): string[] =>
  Array.from({ length: count }, (_, index) => text(index));

function teamOf(number: number): Team {
  const name = `team-${String(number).padStart(4, "0")}`;
  return {
    number,
    name,
    hosts: times(ROUTES, (route) => `api${route}.${name}.example.com`),
    gatewayOf: (route) => (route % 2 === 0 ? SHARED_GATEWAY : { namespace: name, name: "egress" }),
    slips: (mistake) => (number + mistake) % TEAMS_PER_MISTAKE === 0,
  };
}

/** A hundred objects, so that 10,000 are 2,000 routes, 2,000 policies and 6,000 others. */
function teamTexts(team: Team): string[] {
  const { name, number } = team;
  const labels = number % 10 === 3 ? "    istio.io/dataplane-mode: ambient\n" : "    sluice.dev/egress: enabled\n";
  return [
    namespaceText(name, labels),
    gatewayText({ namespace: name, name: "egress", from: "Same", listeners: ["http"] }),
    ingressText(team),
    ...times(ROUTES, (route) => routeText(team, route)),
    ...policyTexts(team),
    ...times(ROUTES, (index) => entryText(team, index)),
    ...times(ROUTES, (index) => destinationText(team, index)),
    ...times(4, (index) => authorizationText(team, index)),
    ...times(5, (index) => serviceText(team, index)),
    ...times(2, (index) => accountText(team, index)),
    ...times(1, (index) => secretText(team, index)),
    ...times(3, (index) => deploymentText(team, index)),
    ...times(2, (index) => configMapText(team, index)),
  ];
}

/** The texts of `count` objects, in the order of their files. */
export function objectTexts(count: number): readonly string[] {
  const texts = shared();
  for (let number = 0; texts.length < count; number += 1) texts.push(...teamTexts(teamOf(number)));
  return texts.slice(0, count);
}

/** Writes `count` objects, ten to a file, into a folder of their own. */
export async function writeObjects(folder: string, count: number): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const texts = objectTexts(count);
  for (let at = 0; at < texts.length; at += FILE_OBJECTS) {
    const file = join(folder, `objects-${String(at / FILE_OBJECTS).padStart(5, "0")}.yaml`);
    await writeFile(file, texts.slice(at, at + FILE_OBJECTS).join("---\n"));
  }
  return folder;
}
