import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { formatPath } from "../../src/model/field-path.ts";
import { createCatalogue } from "../../src/schema/catalogue.ts";
import { createSchemaChecker, type SchemaChecker } from "../../src/schema/check-object.ts";
import { readDefinition } from "../../src/schema/definition.ts";
import { TITLES } from "../../src/schema/violation.ts";
import { loadKubeConfig } from "../../src/sources/cluster/kube-config.ts";
import { readDefinitions } from "../../src/sources/cluster/read-definitions.ts";
import { createTransport, type Transport } from "../../src/sources/cluster/transport.ts";
import { objectsOfText, readManifests } from "../../src/sources/manifests.ts";
import { currentCluster } from "./cluster.ts";
import { until } from "./wait.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const { kubectl, kubeconfig } = currentCluster();

let transport: Transport;
let checker: SchemaChecker;
let plurals: ReadonlyMap<string, string>;

async function readChecker(): Promise<SchemaChecker> {
  const read = await readDefinitions(transport, new AbortController().signal);
  if (read.status === "unread") throw new Error(read.reason);
  type Named = { spec: { group: string; names: { kind: string; plural: string } } };
  plurals = new Map(
    (read.definitions as unknown as readonly Named[]).map(({ spec: { group, names } }) => [
      `${group}/${names.kind}`,
      names.plural,
    ]),
  );
  return createSchemaChecker(
    createCatalogue(
      read.definitions.flatMap((raw) => {
        const definition = readDefinition(raw);
        return definition.ok ? [definition.value] : [];
      }),
    ),
  );
}

beforeAll(async () => {
  transport = createTransport(loadKubeConfig({ path: kubeconfig }));
  checker = await readChecker();
});
afterAll(() => transport.close());

/** What the server calls a mistake, and what we call it. */
const REASONS: Readonly<Record<string, readonly string[]>> = {
  FieldValueRequired: [TITLES.missing, TITLES.rule],
  FieldValueNotSupported: [TITLES["not-listed"]],
  FieldValueTypeInvalid: [TITLES["wrong-type"]],
  FieldValueInvalid: [TITLES.invalid, TITLES.rule, TITLES.name, TITLES["wrong-type"]],
  FieldValueDuplicate: [TITLES.repeated],
  FieldValueTooLong: [TITLES["too-long"]],
  FieldValueTooMany: [TITLES["too-many"]],
  FieldValueForbidden: [TITLES.version, TITLES.rule],
};

type Refusal = { readonly field: string; readonly reason: string };

/** `a["b.c"][0]` and `a[b.c][0]` as one spelling. */
const plainPath = (path: string): string =>
  path
    .replaceAll(/\["?([^\]"]*[^\]"0-9][^\]"]*)"?\]/g, ".$1")
    // The server names the map, we the entry.
    .replace(/^(metadata\.(?:labels|annotations))\..*$/, "$1");

/** What the API server says to an object that it is asked to create, without keeping it. */
async function refusalsOf(object: Readonly<Record<string, unknown>>): Promise<readonly Refusal[]> {
  const [group = "", version = ""] = String(object["apiVersion"]).split("/");
  const plural = plurals.get(`${group}/${object["kind"]}`);
  const { status, body } = await transport.request("POST", `/apis/${group}/${version}/namespaces/default/${plural}`, {
    body: object,
    query: { dryRun: "All", fieldValidation: "Strict" },
  });
  if (status === 201) return [];
  if (status === 404) return [{ field: "apiVersion", reason: "absent" }];
  type Cause = { readonly field?: string; readonly reason?: string; readonly message?: string };
  const { message = "", details } = body as { message?: string; details?: { causes?: readonly Cause[] } };
  const unknown = [...message.matchAll(/unknown field "([^"]+)"/g)].map(([, field = ""]) => ({
    field,
    reason: "unknown",
  }));
  if (unknown.length > 0) return unknown;
  const causes = details?.causes ?? [{ field: message, reason: `HTTP ${status}` }];
  return causes.map(({ field = "", reason = "", message: text = "" }) => {
    // Alternatives are reported at the object, whatever field they are about.
    const at = /must validate (?:one and only one|at least one|all the) schema/.test(text) ? "alternatives" : field;
    return { field: at, reason };
  });
}

function ours(object: Readonly<Record<string, unknown>>) {
  const { decoded, unknownKinds } = objectsOfText(JSON.stringify(object), "x.json");
  // Istio's own webhook is not installed here.
  return [...decoded, ...unknownKinds]
    .flatMap((each) => checker.check(each).findings)
    .filter(({ message }) => !message.startsWith("Istio refuses this"));
}

const HEAD = "metadata: {name: x, namespace: default}";
const gateway = (spec: string) => `apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n${HEAD}\nspec: ${spec}`;
const listeners = (text: string) => gateway(`{gatewayClassName: istio, listeners: [${text}]}`);
const route = (rules: string) =>
  `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n${HEAD}\nspec: {parentRefs: [{name: g}], rules: [${rules}]}`;
const istio = (kind: string, spec: string, group = "networking") =>
  `apiVersion: ${group}.istio.io/v1\nkind: ${kind}\n${HEAD}\nspec: ${spec}`;
const kuadrant = (kind: string, spec: string) => `apiVersion: kuadrant.io/v1\nkind: ${kind}\n${HEAD}\nspec: ${spec}`;
const TARGET = "targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}";
const GATEWAY_TARGET = "targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: g}";

/** Each is refused by a server that has the published definitions. */
const BROKEN: Readonly<Record<string, string>> = {
  "a name with capitals": gateway("{gatewayClassName: a, listeners: []}").replace("name: x", "name: X"),
  "a label's value": listeners("{name: a, port: 80, protocol: HTTP}").replace("name: x", "name: x, labels: {a: b c}"),
  "an annotation's key": listeners("{name: a, port: 80, protocol: HTTP}").replace(
    "name: x",
    "name: x, annotations: {a/b/c: d}",
  ),
  "an unknown field": listeners("{name: a, port: 80, protocol: HTTP, hostnme: a.b}"),
  "an unknown field at the top": `${listeners("{name: a, port: 80, protocol: HTTP}")}\nspce: {}`,
  "a missing class": gateway("{listeners: [{name: a, port: 80, protocol: HTTP}]}"),
  "a port in quotes": listeners('{name: a, port: "80", protocol: HTTP}'),
  "a port out of range": listeners("{name: a, port: 99999, protocol: HTTP}"),
  "no listener": gateway("{gatewayClassName: a, listeners: []}"),
  "listeners as a map": gateway("{gatewayClassName: a, listeners: {}}"),
  "two listeners of one name": listeners("{name: a, port: 80, protocol: HTTP}, {name: a, port: 81, protocol: HTTP}"),
  "two listeners of one port": listeners("{name: a, port: 80, protocol: HTTP}, {name: b, port: 80, protocol: HTTP}"),
  "a hostname of TCP": listeners("{name: a, port: 80, protocol: TCP, hostname: a.b}"),
  "TLS without HTTPS": listeners("{name: a, port: 80, protocol: HTTP, tls: {}}"),
  "a bad hostname": listeners("{name: a, port: 80, protocol: HTTP, hostname: A_b}"),
  "an unserved version": listeners("{name: a, port: 80, protocol: HTTP}").replace("/v1\n", "/v1alpha2\n"),
  "a path without a slash": route("{matches: [{path: {type: PathPrefix, value: a}}]}"),
  "a path with two slashes": route("{matches: [{path: {type: PathPrefix, value: /a//b}}]}"),
  "a path with an escaped slash": route("{matches: [{path: {type: Exact, value: /a%2fb}}]}"),
  "a kind of match that is none": route("{matches: [{path: {type: Prefix, value: /a}}]}"),
  "a filter without its settings": route("{filters: [{type: URLRewrite}]}"),
  "a filter with two settings": route(
    "{filters: [{type: URLRewrite, urlRewrite: {hostname: a.b}, requestMirror: {backendRef: {name: a, port: 1}}}]}",
  ),
  "a filter twice": route(
    "{filters: [{type: URLRewrite, urlRewrite: {hostname: a.b}}, {type: URLRewrite, urlRewrite: {hostname: a.b}}]}",
  ),
  "a prefix replaced in an exact match": route(
    "{matches: [{path: {type: Exact, value: /a}}], filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}}}]}",
  ),
  "a timeout below its part": route("{timeouts: {request: 1s, backendRequest: 2s}}"),
  "a timeout that is none": route("{timeouts: {request: soon}}"),
  "a backend of a Service without a port": route("{backendRefs: [{name: a}]}"),
  "17 rules": route(Array.from({ length: 17 }, () => "{}").join(", ")),
  "headers of one name": route("{matches: [{headers: [{name: a, value: b}, {name: a, value: c}]}]}"),
  "ServiceEntry: no host": istio(
    "ServiceEntry",
    "{hosts: [], ports: [{number: 443, name: a, protocol: TLS}], resolution: DNS}",
  ),
  "ServiceEntry: a resolution that is none": istio("ServiceEntry", "{hosts: [a.b], resolution: Dns}"),
  "ServiceEntry: endpoints and selector": istio(
    "ServiceEntry",
    "{hosts: [a.b], resolution: STATIC, endpoints: [{address: 1.2.3.4}], workloadSelector: {labels: {a: b}}}",
  ),
  "ServiceEntry: a CIDR of DNS": istio(
    "ServiceEntry",
    "{hosts: [a.b], addresses: [10.0.0.0/8], resolution: DNS_ROUND_ROBIN}",
  ),
  "DestinationRule: no host": istio("DestinationRule", "{trafficPolicy: {tls: {mode: SIMPLE}}}"),
  "DestinationRule: two ways to balance": istio(
    "DestinationRule",
    "{host: a.b, trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN, consistentHash: {useSourceIp: true}}}}",
  ),
  "DestinationRule: a mode of TLS that is none": istio(
    "DestinationRule",
    "{host: a.b, trafficPolicy: {tls: {mode: SIMPEL}}}",
  ),
  "AuthorizationPolicy: an action that is none": istio("AuthorizationPolicy", "{action: REFUSE}", "security"),
  "AuthorizationPolicy: selector and targets": istio(
    "AuthorizationPolicy",
    "{selector: {matchLabels: {a: b}}, targetRefs: [{kind: Gateway, group: gateway.networking.k8s.io, name: g}]}",
    "security",
  ),
  "AuthorizationPolicy: a target in a namespace": istio(
    "AuthorizationPolicy",
    "{targetRefs: [{kind: Service, group: '', name: g, namespace: other}]}",
    "security",
  ),
};

/** The same of Kuadrant's kinds, which our permissive definitions do not refuse. */
const KUADRANT: Readonly<Record<string, string>> = {
  "a window of days": kuadrant("RateLimitPolicy", `{${TARGET}, limits: {a: {rates: [{limit: 1, window: 1d}]}}}`),
  "no limit": kuadrant("RateLimitPolicy", `{${TARGET}, limits: {}}`),
  "limits and defaults": kuadrant(
    "RateLimitPolicy",
    `{${TARGET}, limits: {a: {rates: [{limit: 1, window: 1m}]}}, defaults: {limits: {a: {rates: [{limit: 1, window: 1m}]}}}}`,
  ),
  "a target that is none": kuadrant("RateLimitPolicy", `{${TARGET.replace("HTTPRoute", "Service")}, limits: {a: {}}}`),
  "a limit in quotes": kuadrant("RateLimitPolicy", `{${TARGET}, limits: {a: {rates: [{limit: "1", window: 1m}]}}}`),
  "no rules": kuadrant("AuthPolicy", `{${TARGET}, rules: {}}`),
  "an operator that is none": kuadrant(
    "AuthPolicy",
    `{${TARGET}, rules: {authorization: {a: {patternMatching: {patterns: [{selector: a, operator: is, value: b}]}}}}}`,
  ),
  "providers and delegation": kuadrant("DNSPolicy", `{${GATEWAY_TARGET}, providerRefs: [{name: a}], delegate: true}`),
  "two providers": kuadrant("DNSPolicy", `{${GATEWAY_TARGET}, providerRefs: [{name: a}, {name: b}]}`),
  "a health check's port": kuadrant("DNSPolicy", `{${GATEWAY_TARGET}, healthCheck: {port: 81, path: /}}`),
  "no issuer": kuadrant("TLSPolicy", `{${GATEWAY_TARGET}}`),
  "a route's certificate": kuadrant("TLSPolicy", `{${TARGET}, issuerRef: {name: a}}`),
};

async function expectAgreement(text: string): Promise<number> {
  const object = parse(text) as Record<string, unknown>;
  const said = await refusalsOf(object);
  const refused = said.filter(({ field }) => field !== "<nil>" && field !== "alternatives");
  const found = ours(object);
  const fields = (paths: readonly string[]) => [...new Set(paths.map(plainPath))].sort();
  const told = fields(found.map(({ path }) => formatPath(path)));
  // The server stops at unknown fields and reports those alone; we go on.
  const strict = refused.some(({ reason }) => reason === "unknown");
  const all = fields(refused.map(({ field }) => field));
  if (strict || refused.length < said.length) expect(told).toEqual(expect.arrayContaining([...all]));
  else expect(told).toEqual(all);
  for (const { field, reason } of refused) {
    const titles = found
      .filter(({ path }) => plainPath(formatPath(path)) === plainPath(field))
      .map(({ title }) => title);
    const allowed = { unknown: [TITLES["unknown-field"]], absent: [TITLES.version], ...REASONS }[reason] ?? [];
    expect(
      titles.some((title) => allowed.includes(title)),
      `${reason} of ${field}: ${titles.join()}`,
    ).toBe(true);
  }
  expect(found.length > 0).toBe(said.length > 0);
  return said.length;
}

describe("what a real API server refuses, we find at the same field:", () => {
  test.each(Object.entries(BROKEN))("%s", async (_title, text) => {
    expect(await expectAgreement(text)).toBeGreaterThan(0);
  });

  test.each(Object.entries(KUADRANT))("Kuadrant: %s", async (_title, text) => {
    await expectAgreement(text);
  });
});

describe("what a real API server takes, we take:", () => {
  const files = globSync("{manifests/examples,test/fixtures/manifests,test/fixtures/manifests-head}/**/*.yaml", {
    cwd: ROOT,
  });

  test.each(files)("%s", async (file) => {
    const { decoded, unknownKinds } = await readManifests({ paths: [join(ROOT, file)] });
    const findings = [...decoded, ...unknownKinds].flatMap((object) => checker.check(object).findings);
    expect(findings.map(({ rule, path, message }) => `${rule} ${formatPath(path)}: ${message}`)).toEqual([]);
  });

  test("every rule of the definitions can be checked", async () => {
    const objects = Object.values({ ...BROKEN, ...KUADRANT }).map((text) => parse(text) as Record<string, unknown>);
    for (const object of objects) ours(object);
    expect(checker.notes()).toEqual([]);
  });
});

/** Expressions of all libraries. Some hold, some do not, some fail; the server decides which. */
const EXPRESSIONS = Object.values(
  parse(readFileSync(join(ROOT, "test/fixtures/cel-expressions.yaml"), "utf8")) as Readonly<Record<string, string[]>>,
).flat();

describe("expressions", () => {
  const nameOf = (position: number): string => `e${position}`;
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "toys.schema.sluice.dev" },
    spec: {
      group: "schema.sluice.dev",
      names: { kind: "Toy", plural: "toys" },
      scope: "Namespaced",
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: "object",
              properties: {
                spec: {
                  type: "object",
                  properties: Object.fromEntries(
                    EXPRESSIONS.map((rule, position) => [
                      nameOf(position),
                      {
                        type: "object",
                        properties: {
                          text: { type: "string", maxLength: 10 },
                          number: { type: "integer" },
                          list: { type: "array", maxItems: 5, items: { type: "integer" } },
                          map: {
                            type: "object",
                            maxProperties: 5,
                            additionalProperties: { type: "string", maxLength: 10 },
                          },
                          "dashed-name": { type: "string", maxLength: 10 },
                          either: { "x-kubernetes-int-or-string": true },
                          absent: { type: "string", maxLength: 10 },
                        },
                        "x-kubernetes-validations": [{ rule, message: "does not hold" }],
                      },
                    ]),
                  ),
                },
              },
            },
          },
        },
      ],
    },
  };
  const value = {
    text: "héllo",
    number: 7,
    list: [3, 1, 2],
    map: { a: "x", b: "y" },
    "dashed-name": "d",
    either: 8080,
  };
  const toy = {
    apiVersion: "schema.sluice.dev/v1",
    kind: "Toy",
    metadata: { name: "t", namespace: "default" },
    spec: Object.fromEntries(EXPRESSIONS.map((_rule, position) => [nameOf(position), value])),
  };

  test("hold, do not hold and fail where they do in a real API server", async () => {
    await kubectl.must(["apply", "-f", "-"], { stdin: JSON.stringify(definition) });
    try {
      await until("the toy is served", async () => {
        checker = await readChecker();
        return (await refusalsOf({ ...toy, spec: {} })).length === 0;
      });
      const byField = (paths: readonly string[]) =>
        EXPRESSIONS.filter((_rule, position) => paths.includes(`spec.${nameOf(position)}`));
      const refused = byField((await refusalsOf(toy)).map(({ field }) => field));
      const found = byField(
        EXPRESSIONS.flatMap((_rule, position) => {
          const alone = { ...toy, spec: { [nameOf(position)]: value } };
          return ours(alone).map(({ path }) => formatPath(path));
        }),
      );
      expect(found).toEqual(refused);
      expect(checker.notes()).toEqual([]);
      expect(refused.length).toBeGreaterThan(20);
    } finally {
      await kubectl.must(["delete", "crd", "toys.schema.sluice.dev"]);
    }
  });
});
