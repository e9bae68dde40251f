import { describe, expect, test } from "vitest";
import { MAX_EXPRESSION_LENGTH } from "../../src/cel/parse.ts";
import { judgeChange } from "../../src/lint/admission.ts";
import { rules } from "../../src/lint/rules/index.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { type Decoded, decodeObject } from "../../src/model/decode.ts";
import type { Finding } from "../../src/model/finding.ts";
import { buildTopology } from "../../src/model/topology.ts";
import { objectsOfText } from "../../src/sources/manifests.ts";

type Json = Readonly<Record<string, unknown>>;

const OPTIONS = { rules, profile: "strict" } as const;
/**
 * Of this thread's processor, so that what else a machine does counts little: far above what it takes on a quiet one,
 * far below what something quadratic takes.
 */
const BOUND_MILLISECONDS = 5_000;

/** Milliseconds of the processor that this thread has had. */
function processorTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
const NAMESPACE = "gateway-system";

const object = (apiVersion: string, kind: string, name: string, spec: Json, metadata: Json = {}): Json => ({
  apiVersion,
  kind,
  metadata: { name, namespace: NAMESPACE, ...metadata },
  spec,
});

const gateway = (listeners: readonly Json[] = [{ name: "http", port: 80, protocol: "HTTP" }], metadata: Json = {}) =>
  object("gateway.networking.k8s.io/v1", "Gateway", "egress", { gatewayClassName: "istio", listeners }, metadata);

const backend = (name: string): Json => ({ group: "networking.istio.io", kind: "Hostname", name, port: 443 });

const route = (name: string, spec: Json = {}): Json =>
  object("gateway.networking.k8s.io/v1", "HTTPRoute", name, {
    parentRefs: [{ name: "egress" }],
    hostnames: ["api.example.com"],
    rules: [{ backendRefs: [backend("api.example.com")] }],
    ...spec,
  });

const target = (name: string, kind = "HTTPRoute"): Json => ({
  targetRef: { group: "gateway.networking.k8s.io", kind, name },
});

const policy = (kind: string, name: string, spec: Json): Json => object("kuadrant.io/v1", kind, name, spec);

const entry = (name: string, host = "api.example.com", metadata: Json = {}): Json =>
  object(
    "networking.istio.io/v1",
    "ServiceEntry",
    name,
    { hosts: [host], resolution: "DNS", ports: [{ number: 443, name: "https", protocol: "HTTPS" }] },
    metadata,
  );

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

function decoded(objects: readonly Json[]): Decoded[] {
  return objects.map(decodeObject).flatMap((outcome) => (outcome.status === "decoded" ? [outcome.decoded] : []));
}

/** The findings, which must be there in time. */
function findingsOf(objects: readonly Json[]): readonly Finding[] {
  const started = processorTime();
  const findings = lintTopology(buildTopology(decoded(objects)), OPTIONS);
  expect(processorTime() - started).toBeLessThan(BOUND_MILLISECONDS);
  return findings;
}

/** Every field that takes an expression, with the expression in it. */
const SITES: readonly (readonly [name: string, make: (expression: string) => Json])[] = [
  [
    "a counter",
    (expression) =>
      policy("RateLimitPolicy", "p", {
        ...target("r"),
        limits: { a: { rates: [{ limit: 1, window: "1m" }], counters: [{ expression }] } },
      }),
  ],
  [
    "a limit's condition",
    (predicate) =>
      policy("RateLimitPolicy", "p", {
        ...target("r"),
        limits: { a: { rates: [{ limit: 1, window: "1m" }], when: [{ predicate }] } },
      }),
  ],
  [
    "a policy's condition",
    (predicate) =>
      policy("RateLimitPolicy", "p", {
        ...target("r"),
        when: [{ predicate }],
        limits: { a: { rates: [{ limit: 1, window: "1m" }] } },
      }),
  ],
  [
    "a token limit's counter",
    (expression) =>
      policy("TokenRateLimitPolicy", "p", {
        ...target("r"),
        limits: { a: { rates: [{ limit: 1, window: "1m" }], counters: [{ expression }] } },
      }),
  ],
  ["an AuthPolicy's condition", (predicate) => policy("AuthPolicy", "p", { ...target("r"), when: [{ predicate }] })],
  [
    "a pattern",
    (predicate) =>
      policy("AuthPolicy", "p", {
        ...target("r"),
        rules: { authorization: { a: { patternMatching: { patterns: [{ predicate }] } } } },
      }),
  ],
  [
    "a selector",
    (selector) =>
      policy("AuthPolicy", "p", {
        ...target("r"),
        rules: { authorization: { a: { patternMatching: { patterns: [{ selector, operator: "eq", value: "x" }] } } } },
      }),
  ],
  [
    "a pattern's regular expression",
    (value) =>
      policy("AuthPolicy", "p", {
        ...target("r"),
        rules: {
          authorization: {
            a: { patternMatching: { patterns: [{ selector: "request.path", operator: "matches", value }] } },
          },
        },
      }),
  ],
  [
    "a URL",
    (urlExpression) =>
      policy("AuthPolicy", "p", {
        ...target("r"),
        rules: { metadata: { a: { http: { urlExpression, method: "GET" } } } },
      }),
  ],
  [
    "a URL's template",
    (url) =>
      policy("AuthPolicy", "p", { ...target("r"), rules: { metadata: { a: { http: { url, method: "GET" } } } } }),
  ],
  [
    "a call's body",
    (expression) =>
      policy("AuthPolicy", "p", {
        ...target("r"),
        rules: { metadata: { a: { http: { url: "https://a.example", method: "POST", body: { expression } } } } },
      }),
  ],
  [
    "a cache key",
    (expression) =>
      policy("AuthPolicy", "p", {
        ...target("r"),
        rules: { authentication: { a: { jwt: { issuerUrl: "https://a.example" }, cache: { key: { expression } } } } },
      }),
  ],
  [
    "an injected header",
    (expression) =>
      policy("AuthPolicy", "p", {
        ...target("r"),
        rules: { response: { success: { headers: { authorization: { plain: { expression } } } } } },
      }),
  ],
  [
    "a published property",
    (expression) =>
      policy("AuthPolicy", "p", {
        ...target("r"),
        rules: { response: { success: { filters: { identity: { json: { properties: { a: { expression } } } } } } } },
      }),
  ],
  [
    "a Rego policy",
    (rego) => policy("AuthPolicy", "p", { ...target("r"), rules: { authorization: { a: { opa: { rego } } } } }),
  ],
  [
    "a plan",
    (predicate) =>
      object("extensions.kuadrant.io/v1alpha1", "PlanPolicy", "p", {
        ...target("r"),
        plans: [{ tier: "gold", predicate, limits: { daily: 1 } }],
      }),
  ],
  [
    "a label of telemetry",
    (a) =>
      object("extensions.kuadrant.io/v1alpha1", "TelemetryPolicy", "p", {
        ...target("egress", "Gateway"),
        metrics: { default: { labels: { a } } },
      }),
  ],
  [
    "a route's match",
    (value) =>
      route("r", {
        rules: [
          { matches: [{ path: { type: "RegularExpression", value } }], backendRefs: [backend("api.example.com")] },
        ],
      }),
  ],
];

const EXPRESSIONS: readonly (readonly [name: string, expression: string])[] = [
  ["64 KB of names", `a${".b".repeat(32_768)}`],
  ["64 KB of operators", `1${"+1".repeat(32_768)}`],
  ["64 KB of one text", `'${"x".repeat(65_534)}'`],
  ["64 KB of braces", "{".repeat(65_536)],
  ["10,000 brackets", `${"(".repeat(10_000)}1${")".repeat(10_000)}`],
  ["10,000 lists", `${"[".repeat(10_000)}${"]".repeat(10_000)}`],
  ["2,000 denials", `${"!".repeat(2_000)}true`],
  ["1,000 ternaries", `${"a?".repeat(1_000)}1${":1".repeat(1_000)}`],
  ["1,000 calls", `${"f(".repeat(1_000)}1${")".repeat(1_000)}`],
  ["500 alternatives of patterns", many(300, (index) => `a.b=='${index}'`).join("||")],
  ["a regular expression that runs away", "request.path.matches('^(a+)+(a|a)*(.*a){20}$')"],
  ["a regular expression alone that runs away", "^(([a-z])+.)+[A-Z]([a-z])+$(a|aa)+(.*)*(x+x+)+y"],
  ["nested repetition", "(((((((a{1,99}){1,99}){1,99}){1,99}){1,99}){1,99}){1,99})"],
  ["an open quote", `'${"\\'".repeat(1_500)}`],
  ["nothing but spaces", " ".repeat(65_536)],
  ["NUL and other controls", "request\u0000.path == '\u0001\u001b[31m'"],
  ["names of prototypes", "__proto__.constructor.__proto__ == constructor.prototype"],
  ["other scripts, astral characters and half of one", "запрос.путь == '𝒳\ud800' && 请求"],
  ["text that turns around", "request.path == '\u202e\u2066abc'"],
];

describe.each(EXPRESSIONS)("%s", (_name, expression) => {
  test.each(SITES)("as %s is judged in bounded time", (_site, make) => {
    const world = [gateway(), route("r"), entry("api"), make(expression)];
    for (const finding of findingsOf(world)) expect(finding.message.length).toBeLessThan(10_000);
  });
});

test.each(EXPRESSIONS.filter(([, expression]) => expression.length > MAX_EXPRESSION_LENGTH))(
  "%s: beyond the limit, so somebody is told that it was not checked",
  (_name, expression) => {
    const limit = { rates: [{ limit: 1, window: "1m" }], counters: [{ expression }] };
    const world = [gateway(), route("r"), policy("RateLimitPolicy", "p", { ...target("r"), limits: { a: limit } })];
    const found = findingsOf(world).filter(({ rule }) => rule === "cel-syntax-error");
    expect(found).toHaveLength(1);
    expect(found[0]?.message).toMatch(/was not checked: the expression has \d+ characters/);
  },
);

const LIMITS = Object.fromEntries(
  many(10_000, (index) => [
    `l${index}`,
    { rates: [{ limit: 1, window: "1m" }], counters: [{ expression: "source.address" }] },
  ]),
);

const CROWDS: readonly (readonly [name: string, make: () => readonly Json[]])[] = [
  [
    "a thousand policies on one route",
    () => [
      gateway(),
      route("r"),
      entry("api"),
      ...many(1_000, (index) =>
        policy("RateLimitPolicy", `p${index}`, {
          ...target("r"),
          limits: { a: { rates: [{ limit: index + 1, window: "1m" }] } },
        }),
      ),
    ],
  ],
  [
    "a thousand merging AuthPolicies on one route",
    () => [
      gateway(),
      route("r"),
      entry("api"),
      ...many(1_000, (index) =>
        policy("AuthPolicy", `p${index}`, {
          ...target("r"),
          defaults: {
            strategy: "merge",
            when: [{ predicate: "request.path == '/'" }],
            rules: {
              authorization: {
                [`a${index}`]: { patternMatching: { patterns: [{ predicate: "auth.identity.x == 'y'" }] } },
              },
            },
          },
        }),
      ),
    ],
  ],
  [
    "a thousand overriding policies on one gateway",
    () => [
      gateway(),
      route("r"),
      entry("api"),
      ...many(1_000, (index) =>
        policy("AuthPolicy", `p${index}`, {
          ...target("egress", "Gateway"),
          overrides: { rules: { authentication: { a: { anonymous: {} } } } },
        }),
      ),
    ],
  ],
  [
    "a thousand DNSPolicies on one gateway",
    () => [gateway(), ...many(1_000, (index) => policy("DNSPolicy", `p${index}`, target("egress", "Gateway")))],
  ],
  [
    "a thousand routes with a policy each",
    () => [
      gateway(),
      entry("api"),
      ...many(1_000, (index) => route(`r${index}`)),
      ...many(1_000, (index) =>
        policy("AuthPolicy", `p${index}`, {
          ...target(`r${index}`),
          rules: { authentication: { a: { anonymous: {} } } },
        }),
      ),
    ],
  ],
  [
    "a policy of the gateway over a thousand routes",
    () => [
      gateway(),
      ...many(1_000, (index) => route(`r${index}`)),
      policy("AuthPolicy", "p", {
        ...target("egress", "Gateway"),
        rules: { authentication: { a: { kubernetesTokenReview: { audiences: ["x"] } } } },
      }),
      policy("RateLimitPolicy", "l", {
        ...target("egress", "Gateway"),
        limits: { a: { rates: [{ limit: 1, window: "1m" }] } },
      }),
    ],
  ],
  [
    "10,000 limits in one policy",
    () => [gateway(), route("r"), policy("RateLimitPolicy", "p", { ...target("r"), limits: LIMITS })],
  ],
  [
    "10,000 listeners on one gateway",
    () => [
      gateway(
        many(10_000, (index) => ({ name: `l${index}`, port: 80, protocol: "HTTP", hostname: `h${index}.example.com` })),
        { labels: { "sluice.dev/egress-gateway": "true" } },
      ),
      route("r"),
      policy("DNSPolicy", "d", target("egress", "Gateway")),
    ],
  ],
  [
    "10,000 backends on one route",
    () => [
      gateway(),
      route("r", { rules: many(100, () => ({ backendRefs: many(100, (index) => backend(`h${index}.example.com`)) })) }),
      ...many(100, (index) => entry(`e${index}`, `h${index}.example.com`)),
    ],
  ],
  [
    "10,000 host names on one route",
    () => [gateway(), route("r", { hostnames: many(10_000, (index) => `h${index}.example.com`) })],
  ],
  [
    "10,000 hosts in one ServiceEntry",
    () => [
      gateway(),
      route("r"),
      object("networking.istio.io/v1", "ServiceEntry", "e", {
        hosts: many(10_000, (index) => `h${index}.example.com`),
        ports: [{ number: 443, name: "tls", protocol: "HTTPS" }],
      }),
    ],
  ],
  [
    "a thousand ServiceEntries for one host",
    () => [gateway(), route("r"), ...many(1_000, (index) => entry(`e${index}`))],
  ],
  [
    "a host with 100,000 dots",
    () => [
      gateway(),
      route("r", { rules: [{ backendRefs: [backend("a.".repeat(100_000))] }] }),
      entry("e", "a.".repeat(100_000)),
      entry("w", `*.${"a.".repeat(50_000)}`),
    ],
  ],
  [
    "an annotation of 1 MB",
    () => [
      gateway(undefined, {
        annotations: { "sluice.dev/ignore": "x: y\n".repeat(200_000), note: "x".repeat(1_000_000) },
      }),
      route("r"),
    ],
  ],
];

test.each(CROWDS)(
  "%s: judged in bounded time",
  (_name, make) => {
    findingsOf(make());
  },
  120_000,
);

describe("objects in circles", () => {
  const self = (kind: string): Json => policy(kind, "same", target("same", kind));
  const circle = [
    gateway([{ name: "mesh", port: 15008, protocol: "HBONE" }], { labels: { "istio.io/use-waypoint": "egress" } }),
    route("same", {
      parentRefs: [
        { kind: "ServiceEntry", group: "networking.istio.io", name: "same" },
        { name: "egress" },
        { kind: "HTTPRoute", name: "same" },
      ],
    }),
    entry("same", "api.example.com", { labels: { "istio.io/use-waypoint": "egress" } }),
    object("security.istio.io/v1", "AuthorizationPolicy", "same", {
      targetRefs: [
        { group: "networking.istio.io", kind: "ServiceEntry", name: "same" },
        { kind: "AuthorizationPolicy", name: "same" },
      ],
      rules: [{ to: [{ operation: { hosts: ["api.example.com"] } }] }],
    }),
    policy("AuthPolicy", "routed", target("same")),
    ...["AuthPolicy", "RateLimitPolicy", "TokenRateLimitPolicy", "DNSPolicy", "TLSPolicy"].map(self),
  ];

  // A policy as the target is a kind that the API server refuses, which no rule repeats.
  test("are judged like any others, and every one of them to its end", () => {
    expect(findingsOf(circle).filter(({ object: { name } }) => name === "same").length).toBeGreaterThan(0);
  });

  test("items and patterns that refer to each other end", () => {
    findingsOf([
      gateway(),
      route("r"),
      policy("AuthPolicy", "p", {
        ...target("r"),
        patterns: {
          a: { allOf: [{ patternRef: "b" }] },
          b: { allOf: [{ patternRef: "a" }, { all: [{ patternRef: "b" }] }] },
        },
        rules: {
          authorization: {
            x: {
              when: [{ patternRef: "a" }],
              patternMatching: { patterns: [{ predicate: "auth.authorization.y.ok" }] },
            },
            y: { patternMatching: { patterns: [{ predicate: "auth.authorization.x.ok" }, { patternRef: "b" }] } },
          },
        },
      }),
    ]);
  });
});

describe("names that mean something to programs", () => {
  test.each(["__proto__", "constructor", "toString", "a\u0000b", "", "\u202e", "𝒳\ud800", "../..", "%s"])(
    "%j is only a name",
    (name) => {
      const spec = JSON.parse(
        `{"targetRef":{"kind":"HTTPRoute","name":${JSON.stringify(name)}},"limits":{"__proto__":{"rates":[{"limit":0,"window":"0s"}]},${JSON.stringify(name)}:{"counters":[{"expression":"source.address"}]}}}`,
      ) as Json;
      const named = { metadata: { name, namespace: name, labels: { [name]: name } } };
      findingsOf([
        { ...gateway(), ...named },
        { ...route(name), ...named },
        { ...policy("RateLimitPolicy", name, spec), ...named },
      ]);
      expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain("rates");
    },
  );
});

describe("files", () => {
  /** The problems of a text, which must be there in time. */
  const problemsOf = (text: string) => {
    const started = processorTime();
    const { problems } = objectsOfText(text, "f.yaml");
    expect(processorTime() - started).toBeLessThan(BOUND_MILLISECONDS);
    return problems.map(({ message }) => message);
  };
  const MAP = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n";

  test("of more than 4 MiB are refused", () => {
    expect(problemsOf(`${MAP}data: {a: ${"x".repeat(4 * 1024 * 1024)}}\n`)).toEqual([
      expect.stringContaining("one input may hold 4 MiB"),
    ]);
  });

  test("of just under 4 MiB are read, whatever they are made of", () => {
    const size = 4 * 1024 * 1024 - 200;
    for (const unit of ["a: b\n", "# c\n", "[", "- ", "'", "|\n"]) {
      problemsOf(`${MAP}${unit.repeat(Math.floor(size / unit.length))}`);
    }
  }, 300_000);

  test.each([
    ["brackets", `${MAP}a: ${"[".repeat(10_000)}${"]".repeat(10_000)}\n`],
    ["braces", `${MAP}a: ${"{a: ".repeat(10_000)}1${"}".repeat(10_000)}\n`],
    ["dashes", `${"- ".repeat(10_000)}a\n`],
    ["indentation", many(1_000, (index) => `${" ".repeat(index)}a:\n`).join("")],
  ])("that nest %s 10,000 deep are refused", (_name, text) => {
    expect(problemsOf(text).length).toBeGreaterThan(0);
  });
});

test("one review beside a thousand policies on its route is judged in bounded time", () => {
  const topology = buildTopology(decoded(CROWDS[1]?.[1]() ?? []));
  const started = processorTime();
  const changed = policy("AuthPolicy", "p500", { ...target("r"), rules: { authentication: { a: { anonymous: {} } } } });
  const verdict = judgeChange(
    { operation: "CREATE", object: changed, oldObject: null, namespace: NAMESPACE },
    topology,
    OPTIONS,
  );
  expect(verdict.unknownKind).toBe(false);
  expect(processorTime() - started).toBeLessThan(BOUND_MILLISECONDS);
});
