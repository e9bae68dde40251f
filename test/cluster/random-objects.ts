/** An object of the generated set. */
export type Named = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: object;
};

export type Generated = {
  /** What is there before: the namespace, and what routes refer to. */
  readonly before: readonly Named[];
  /** What has no error of its own, first a route. */
  readonly good: readonly Named[];
  readonly bad: readonly Named[];
  /** Two objects that are right alone and contradict each other: a route takes off what its policy injects. */
  readonly pairs: readonly (readonly [Named, Named])[];
  readonly objects: readonly Named[];
};

const ROUTES = 80;
const POLICIES_OF_A_KIND = 50;
const PAIRS = 10;
/** How much of the objects contains an error. */
const BAD_SHARE = 0.4;

/** Random numbers in [0, 1) that are the same for the same seed. SOURCE: mulberry32, by Tommy Ettinger, public domain. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const object = (namespace: string, apiVersion: string, kind: string, name: string, spec: object): Named => ({
  ...{ apiVersion, kind, metadata: { name, namespace } },
  spec,
});

const route = (namespace: string, name: string, rule: object = {}): Named =>
  object(namespace, "gateway.networking.k8s.io/v1", "HTTPRoute", name, {
    parentRefs: [{ name: "inner" }],
    hostnames: [`${name}.example.com`],
    rules: [{ backendRefs: [{ name: "web", port: 80 }], ...rule }],
  });

const policy = (namespace: string, kind: string, name: string, target: string, spec: object): Named =>
  object(namespace, "kuadrant.io/v1", kind, name, {
    targetRef: { group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: target },
    ...spec,
  });

const limit = (more: object) => ({ limits: { all: { rates: [{ limit: 10, window: "1m" }], ...more } } });
const authentication = { sa: { kubernetesTokenReview: { audiences: ["egress.example.internal"] } } };
const allowing = (predicate: string) => ({
  rules: { authentication, authorization: { who: { patternMatching: { patterns: [{ predicate }] } } } },
});

const TOKEN = "Bearer sk-proj-Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2RlZg";
/** Rules of routes, and specs of policies, each with an error that the object alone proves. */
const BAD_RULES = [
  {
    filters: [
      { type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name: "authorization", value: TOKEN }] } },
    ],
  },
  {
    backendRefs: [
      { group: "networking.istio.io", kind: "Hostname", name: "api.example.com", namespace: "x", port: 443 },
    ],
    filters: [{ type: "URLRewrite", urlRewrite: { hostname: "api.example.com" } }],
  },
];
const BAD_LIMITS = [
  limit({ counters: [{ expression: "source.address" }] }),
  limit({ counters: [{ expression: "request.id" }] }),
  limit({ when: [{ predicate: "request.method == 'GET" }] }),
];
const BAD_AUTH = [
  allowing("auth.identity.user.username"),
  allowing("auth.identity.user.username.startsWith('system:serviceaccount:shop')"),
  allowing("auth.identity.user.username == 'a' && auth.identity.user.username == 'b'"),
];
const GOOD_LIMITS = [limit({}), limit({ counters: [{ expression: "source.remote_address" }] })];
const GOOD_AUTH = [
  { rules: { authentication } },
  allowing("auth.identity.user.username.startsWith('system:serviceaccount:shop:')"),
];

const INJECTING = {
  rules: {
    authentication,
    metadata: { secret: { http: { urlExpression: "'https://vault.vault.svc/v1/kv/' + auth.identity.user.uid" } } },
    authorization: { there: { patternMatching: { patterns: [{ predicate: "auth.metadata.secret.key != ''" }] } } },
    response: {
      success: { headers: { authorization: { plain: { expression: "'Bearer ' + auth.metadata.secret.key" } } } },
    },
  },
};
const STRIPPING = {
  filters: [{ type: "RequestHeaderModifier", requestHeaderModifier: { remove: ["authorization"] } }],
};

/** 200 objects for a namespace, the same for the same seed. No policy has the target of another of its kind. */
export function generate(seed: number, namespace: string): Generated {
  const random = randomOf(seed);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  const good: Named[] = [route(namespace, "route-0")];
  const bad: Named[] = [];
  const add = (make: (spec: object) => Named, rights: readonly object[], wrongs: readonly object[]): void =>
    void (random() < BAD_SHARE ? bad.push(make(pick(wrongs))) : good.push(make(pick(rights))));
  for (let n = 1; n < ROUTES; n += 1) add((rule) => route(namespace, `route-${n}`, rule), [{}], BAD_RULES);
  for (let n = 0; n < POLICIES_OF_A_KIND; n += 1) {
    const target = `route-${n + Math.floor(random() * 2) * (ROUTES - POLICIES_OF_A_KIND)}`;
    add((spec) => policy(namespace, "RateLimitPolicy", `limit-${n}`, target, spec), GOOD_LIMITS, BAD_LIMITS);
    add((spec) => policy(namespace, "AuthPolicy", `auth-${n}`, `route-${n}`, spec), GOOD_AUTH, BAD_AUTH);
  }
  const pairs = Array.from({ length: PAIRS }, (_, n): readonly [Named, Named] => [
    route(namespace, `pair-${n}`, STRIPPING),
    policy(namespace, "AuthPolicy", `pair-${n}`, `pair-${n}`, INJECTING),
  ]);
  return { before: beforeIn(namespace), good, bad, pairs, objects: [...good, ...bad, ...pairs.flat()] };
}

const beforeIn = (namespace: string): readonly Named[] => [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
  object(namespace, "v1", "Service", "web", { ports: [{ name: "http", port: 80 }] }),
  object(namespace, "gateway.networking.k8s.io/v1", "Gateway", "inner", {
    gatewayClassName: "istio",
    listeners: [{ name: "http", port: 80, protocol: "HTTP", allowedRoutes: { namespaces: { from: "Same" } } }],
  }),
];

/** The objects in a random order. Those of a pair are far from each other: a watch is some 100 ms behind. */
export function inOrder({ good, bad, pairs }: Generated, seed: number): readonly Named[] {
  const random = randomOf(seed ^ 0x5bd1e995);
  const single = [...good, ...bad].map((each) => ({ each, at: random() }));
  const paired = pairs.flatMap((pair) => {
    const [first, second] = random() < 0.5 ? pair : [pair[1], pair[0]];
    return [
      { each: first, at: random() * 0.4 },
      { each: second, at: 0.6 + random() * 0.4 },
    ];
  });
  return [...single, ...paired].toSorted((a, b) => a.at - b.at).map(({ each }) => each);
}
