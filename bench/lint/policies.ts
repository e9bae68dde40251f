/** The policies of one made-up team: most are sound, some are wrong in the ways that the rules know. */
import type { Team } from "./objects.ts";

const head = (
  kind: string,
  team: Pick<Team, "name">,
  name: string,
  group = "kuadrant.io/v1",
): string => `apiVersion: ${group}
kind: ${kind}
metadata:
  name: ${team.name}-${name}
  namespace: ${team.name}
spec:
`;

const onRoute = (team: Team, route: number): string => `  targetRef:
    group: gateway.networking.k8s.io
    kind: HTTPRoute
    name: ${team.name}-route-${route}
`;

const onGateway = (name: string): string => `  targetRef:
    group: gateway.networking.k8s.io
    kind: Gateway
    name: ${name}
`;

/** Verifies the caller's token, tells the rate limits who it is, takes the token off. */
const identityPolicy = (team: Team, route: number): string =>
  `${head("AuthPolicy", team, `auth-${route}`)}${onRoute(team, route)}${identityRules(team, route === 0 && team.slips(0))}`;

/** The same for every route of a Gateway, as far as it has no policy of its own. */
export const gatewayIdentityPolicy = (team: Pick<Team, "name">, atomic = false): string => {
  const start = head("AuthPolicy", team, "auth") + onGateway("egress");
  if (atomic) return start + identityRules(team);
  return `${start}  defaults:\n    strategy: merge\n${identityRules(team).replace(/^/gm, "  ").trimEnd()}\n`;
};

/** Wrong as a constant: some versions of Authorino send another text then. */
const identityRules = (team: Pick<Team, "name">, constant = false): string => `  rules:
    authentication:
      workload-identity:
        kubernetesTokenReview:
          audiences:
            - egress-gateway
        cache:
          key:
            selector: request.headers.authorization
          ttl: 60
    authorization:
      allowed-namespace:
        patternMatching:
          patterns:
            - predicate: auth.identity.user.username.startsWith('system:serviceaccount:${team.name}:')
    response:
      success:
        headers:
          authorization:
            plain:
              ${constant ? 'value: ""' : `expression: "''"`}
        filters:
          identity:
            json:
              properties:
                username:
                  selector: auth.identity.user.username
`;

/** Wrong where nothing is published: the rate limits cannot know who calls. */
const PUBLISHED = `
        filters:
          identity:
            json:
              properties:
                username:
                  selector: auth.identity.user.username`;

/** Replaces the caller's token by a key from a secret store. */
const credentialPolicy = (
  team: Team,
  route: number,
): string => `${head("AuthPolicy", team, `auth-${route}`)}${onRoute(team, route)}  rules:
    authentication:
      workload-identity:
        kubernetesTokenReview:
          audiences: [egress-gateway]
        cache:
          key: {selector: request.headers.authorization}
          ttl: 60
    metadata:
      vault_login:
        http:
          url: https://vault.vault.svc.cluster.local:8200/v1/auth/kubernetes/login
          method: POST
          contentType: application/json
          body:
            expression: >-
              '{"jwt": "' + request.headers.authorization.substring(7) + '", "role": "${team.name}"}'
        priority: 0
        cache:
          key: {selector: auth.identity.user.username}
          ttl: 60
      vault_secret:
        http:
          urlExpression: >-
            'https://vault.vault.svc.cluster.local:8200/v1/secret/data/egress/'
            + auth.metadata.vault_login.auth.metadata.service_account_namespace + '/'
            + auth.metadata.vault_login.auth.metadata.service_account_name
          method: GET
          headers:
            X-Vault-Token:
              expression: auth.metadata.vault_login.auth.client_token
        priority: 1
        cache:
          key: {selector: auth.identity.user.username}
          ttl: 60
    authorization:
      credential-present:
        patternMatching:
          patterns:
            - predicate: >-
                has(auth.metadata.vault_secret.data.data.api_key)
                && auth.metadata.vault_secret.data.data.api_key != ''
    response:
      success:
        headers:
          authorization:
            plain:
              expression: "'Bearer ' + auth.metadata.vault_secret.data.data.api_key"${team.slips(1) ? "" : PUBLISHED}
`;

/** Wrong: reads what comes later, an unknown attribute, a header by its field, and has a quote open. */
const wrongAuthPolicy = (
  team: Team,
  route: number,
): string => `${head("AuthPolicy", team, `auth-${route}`)}${onRoute(team, route)}  when:
    - predicate: request.headers.x-tenant == '${team.name}'
  rules:
    authentication:
      anyone:
        anonymous: {}
    authorization:
      early:
        patternMatching:
          patterns:
            - predicate: auth.authorization.late.ok == 'yes
            - predicate: request.sender == "${team.name}-${route}"
      late:
        patternMatching:
          patterns:
            - selector: auth.identity.user.username
              operator: eq
              value: admin
`;

const rateLimit = (
  team: Team,
  route: number,
  counter: string,
): string => `${head("RateLimitPolicy", team, `limit-${route}`)}${onRoute(team, route)}  limits:
    "per-workload":
      rates:
        - limit: ${100 + route}
          window: 1m
      when:
        - predicate: request.method == 'POST' && request.path.startsWith('/v1/${team.name}')
      counters:
        - expression: ${counter}
    total:
      rates: [{limit: ${10_000 + team.number}, window: 1h}]
`;

const tokenLimit = (
  team: Team,
  route: number,
): string => `${head("TokenRateLimitPolicy", team, `tokens-${route}`, "kuadrant.io/v1alpha1")}${onRoute(team, route)}  limits:
    daily:
      rates:
        - limit: ${50_000 + team.number}
          window: 24h
      counters:
        - expression: auth.identity.username
`;

/** Wrong beside the limits of the first route, and with limits that all callers share. */
const planPolicy = (team: Team): string => {
  const wrong = team.slips(5);
  const limits = (daily: number): string => (wrong ? `\n      limits: {daily: ${daily}}` : "");
  return `${head("PlanPolicy", team, "plans", "extensions.kuadrant.io/v1alpha1")}${onRoute(team, wrong ? 0 : 5)}  plans:
    - tier: gold
      predicate: has(auth.identity.groups) && 'gold-${team.number}' in auth.identity.groups${limits(1000)}
    - tier: rest
      predicate: "true"${limits(10)}
`;
};

/** Wrong on the way out: there is no host that could get a record, or a certificate. */
const dnsPolicy = (
  team: Team,
): string => `${head("DNSPolicy", team, "dns")}${onGateway(team.slips(6) ? "egress" : "ingress")}  providerRefs:
    - name: dns-0
`;

const tlsPolicy = (
  team: Team,
): string => `${head("TLSPolicy", team, "tls")}${onGateway(team.slips(7) ? "egress" : "ingress")}  issuerRef:
    group: cert-manager.io
    kind: ClusterIssuer
    name: internal-${team.number}
`;

const telemetryPolicy = (
  team: Team,
): string => `${head("TelemetryPolicy", team, "telemetry", "extensions.kuadrant.io/v1alpha1")}${onGateway("egress")}  metrics:
    default:
      labels:
        user: auth.identity.username
        tenant: "'${team.name}'"
`;

/** Twenty of one team: eight AuthPolicies, six RateLimitPolicies, two TokenRateLimitPolicies and one of each other. */
export function policyTexts(team: Team): readonly string[] {
  const auth = [identityPolicy, identityPolicy, identityPolicy, credentialPolicy, identityPolicy, credentialPolicy];
  return [
    ...auth.map((policy, route) => policy(team, route)),
    (team.slips(2) ? wrongAuthPolicy : identityPolicy)(team, 6),
    gatewayIdentityPolicy(team, team.slips(8)),
    ...[0, 1, 2, 3].map((route) => rateLimit(team, route, "auth.identity.username")),
    rateLimit(team, 4, team.slips(3) ? "source.address" : "auth.identity.username"),
    rateLimit(team, 7, team.slips(4) ? `"request.headers['x-user'] + '${team.name}'"` : "auth.identity.username"),
    tokenLimit(team, 0),
    tokenLimit(team, 1),
    planPolicy(team),
    dnsPolicy(team),
    tlsPolicy(team),
    telemetryPolicy(team),
  ];
}
