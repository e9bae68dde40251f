import type { Node } from "../../cel/ast.ts";
import { parseExpression, type SyntaxProblem } from "../../cel/parse.ts";
import { type SelectorPath, selectorPaths, templatePaths } from "../../cel/selector.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type {
  AuthBlock,
  AuthenticationItem,
  AuthorizationItem,
  AuthRules,
  DynamicValue,
  HttpCall,
  Pattern,
  ResponseItem,
} from "../../model/kinds/auth-policy.ts";
import type { Limits } from "../../model/kinds/rate-limit-policy.ts";
import type { Kind, Kinds } from "../../model/kinds.ts";

/** What the result of a CEL expression is used for. */
export type CelRole = "counter" | "predicate" | "expression" | "urlExpression" | "label";

/** One CEL expression of an object, parsed. */
export type CelSite = {
  readonly role: CelRole;
  /** `wasm`: evaluated in the gateway; `authorino`: below an AuthPolicy's `rules`, and a PlanPolicy's predicates. */
  readonly engine: "wasm" | "authorino";
  /** Whether the operator type-checks it first: every `when` that the gateway evaluates. */
  readonly operatorChecks: boolean;
  readonly path: FieldPath;
  readonly text: string;
  /** The limit, plan or label that it belongs to. */
  readonly owner: string;
  /** Undefined when it does not parse. */
  readonly tree: Node | undefined;
  readonly problem: SyntaxProblem | undefined;
};

/** One gjson selector or template of an AuthPolicy, read. */
export type SelectorSite = {
  /** `pattern`: compared by `operator` with `value`; `template`: text with `{…}` placeholders, such as a URL. */
  readonly role: "selector" | "pattern" | "template";
  readonly path: FieldPath;
  readonly text: string;
  readonly paths: readonly SelectorPath[];
};

/** The kinds that hold expressions, and so those of every rule about expressions. */
export const EXPRESSION_KINDS = [
  "RateLimitPolicy",
  "TokenRateLimitPolicy",
  "AuthPolicy",
  "PlanPolicy",
  "TelemetryPolicy",
] as const satisfies readonly Kind[];
export type ExpressionKind = (typeof EXPRESSION_KINDS)[number];

type Site = CelSite | SelectorSite;
type Sites = { readonly cel: readonly CelSite[]; readonly selectors: readonly SelectorSite[] };

const isCel = (site: Site): site is CelSite => "engine" in site;

/** Objects are immutable, and every rule asks for the same expressions: each object is read and parsed once. */
const known = new WeakMap<Kinds[ExpressionKind], Sites>();

function sitesOf(object: Kinds[ExpressionKind]): Sites {
  const cached = known.get(object);
  if (cached !== undefined) return cached;
  const all = readObject(object);
  const sites: Sites = {
    cel: all.filter(isCel),
    selectors: all.filter((site) => !isCel(site)),
  };
  known.set(object, sites);
  return sites;
}

/** Every CEL expression of an object, in its bare `spec`, its `defaults` and its `overrides`. */
export const celSites = (object: Kinds[ExpressionKind]): readonly CelSite[] => sitesOf(object).cel;

/** Every selector and template of an AuthPolicy; other kinds have none. */
export const selectorSites = (object: Kinds[ExpressionKind]): readonly SelectorSite[] => sitesOf(object).selectors;

function readObject(object: Kinds[ExpressionKind]): readonly Site[] {
  switch (object.kind) {
    case "RateLimitPolicy":
    case "TokenRateLimitPolicy":
      return blocks(object.spec).flatMap(([block, path]) => limitSites(block, path));
    case "AuthPolicy":
      return blocks(object.spec).flatMap(([block, path]) => authSites(block, path));
    case "PlanPolicy":
      return (object.spec?.plans ?? []).flatMap(({ tier = "", predicate }, index) =>
        authorino(predicate, "predicate", ["spec", "plans", index, "predicate"], tier),
      );
    case "TelemetryPolicy":
      return entries(object.spec?.metrics?.default?.labels).flatMap(([label, text]) =>
        cel({
          text,
          role: "label",
          engine: "wasm",
          path: ["spec", "metrics", "default", "labels", label],
          owner: label,
        }),
      );
  }
}

/** The three places where rules may stand. */
function blocks<B extends object>(
  spec: (B & { readonly defaults?: B; readonly overrides?: B }) | undefined,
): readonly (readonly [B, FieldPath])[] {
  if (spec === undefined) return [];
  return [
    [spec, ["spec"]] as const,
    ...(spec.defaults === undefined ? [] : [[spec.defaults, ["spec", "defaults"]] as const]),
    ...(spec.overrides === undefined ? [] : [[spec.overrides, ["spec", "overrides"]] as const]),
  ];
}

const entries = <V>(map: Readonly<Record<string, V>> | undefined): readonly (readonly [string, V])[] =>
  Object.entries(map ?? {});

type CelField = Omit<CelSite, "tree" | "problem" | "operatorChecks" | "text"> & { readonly text: string | undefined };

function cel({ text, ...site }: CelField): readonly CelSite[] {
  if (text === undefined) return [];
  const parsed = parseExpression(text);
  return [
    {
      ...site,
      text,
      operatorChecks: site.engine === "wasm" && site.role === "predicate",
      tree: parsed.ok ? parsed.value : undefined,
      problem: parsed.ok ? undefined : parsed.problems[0],
    },
  ];
}

const authorino = (text: string | undefined, role: CelRole, path: FieldPath, owner = ""): readonly CelSite[] =>
  cel({ text, role, engine: "authorino", path, owner });

/** `when` conditions that the gateway evaluates. */
const gatewayWhen = (when: AuthBlock["when"], path: FieldPath, owner = ""): readonly CelSite[] =>
  (when ?? []).flatMap(({ predicate: text }, index) =>
    cel({ text, role: "predicate", engine: "wasm", path: [...path, "when", index, "predicate"], owner }),
  );

function limitSites(block: Limits, path: FieldPath): readonly Site[] {
  return [
    ...gatewayWhen(block.when, path),
    ...entries(block.limits).flatMap(([name, limit]) => {
      const at = [...path, "limits", name];
      const counters = (limit.counters ?? []).flatMap(({ expression: text }, index) =>
        cel({ text, role: "counter", engine: "wasm", path: [...at, "counters", index, "expression"], owner: name }),
      );
      return [...gatewayWhen(limit.when, at, name), ...counters];
    }),
  ];
}

function authSites(block: AuthBlock, path: FieldPath): readonly Site[] {
  return [
    ...gatewayWhen(block.when, path),
    ...entries(block.patterns).flatMap(([name, { allOf }]) => patterns(allOf, [...path, "patterns", name, "allOf"])),
    ...ruleSites(block.rules ?? {}, [...path, "rules"]),
  ];
}

function ruleSites(rules: AuthRules, path: FieldPath): readonly Site[] {
  const { response } = rules;
  const at = [...path, "response"];
  const phase = <I extends Common>(
    name: string,
    items: Readonly<Record<string, I>> | undefined,
    own: (item: I, path: FieldPath) => readonly Site[],
    base = path,
  ): readonly Site[] =>
    entries(items).flatMap(([item, value]) => {
      const itemPath = [...base, name, item];
      return [...common(value, itemPath), ...own(value, itemPath)];
    });
  return [
    ...phase("authentication", rules.authentication, authenticationSites),
    ...phase("metadata", rules.metadata, ({ http }, itemPath) => httpSites(http, [...itemPath, "http"])),
    ...phase("authorization", rules.authorization, authorizationSites),
    ...phase("headers", response?.success?.headers, responseSites, [...at, "success"]),
    ...phase("filters", response?.success?.filters, responseSites, [...at, "success"]),
    ...(["unauthenticated", "unauthorized"] as const).flatMap((field) => [
      ...dynamic(response?.[field]?.message, [...at, field, "message"]),
      ...dynamicMap(response?.[field]?.headers, [...at, field, "headers"]),
      ...dynamic(response?.[field]?.body, [...at, field, "body"]),
    ]),
    ...phase("callbacks", rules.callbacks, ({ http }, itemPath) => httpSites(http, [...itemPath, "http"])),
  ];
}

/** What every item of a phase has. */
type Common = { readonly when?: readonly Pattern[]; readonly cache?: { readonly key?: DynamicValue } };

const common = ({ when, cache }: Common, path: FieldPath): readonly Site[] => [
  ...patterns(when, [...path, "when"]),
  ...dynamic(cache?.key, [...path, "cache", "key"]),
];

const authenticationSites = (item: AuthenticationItem, path: FieldPath): readonly Site[] => [
  ...dynamicMap(item.overrides, [...path, "overrides"]),
  ...dynamicMap(item.defaults, [...path, "defaults"]),
  ...dynamic(item.plain, [...path, "plain"]),
];

const authorizationSites = (item: AuthorizationItem, path: FieldPath): readonly Site[] => [
  ...patterns(item.patternMatching?.patterns, [...path, "patternMatching", "patterns"]),
  ...httpSites(item.opa?.externalPolicy, [...path, "opa", "externalPolicy"]),
  ...dynamic(item.kubernetesSubjectAccessReview?.user, [...path, "kubernetesSubjectAccessReview", "user"]),
  ...dynamicMap(item.kubernetesSubjectAccessReview?.resourceAttributes, [
    ...path,
    "kubernetesSubjectAccessReview",
    "resourceAttributes",
  ]),
];

const responseSites = (item: ResponseItem, path: FieldPath): readonly Site[] => [
  ...dynamic(item.plain, [...path, "plain"]),
  ...dynamicMap(item.json?.properties, [...path, "json", "properties"]),
  ...dynamicMap(item.wristband?.customClaims, [...path, "wristband", "customClaims"]),
];

function httpSites(http: HttpCall | undefined, path: FieldPath): readonly Site[] {
  if (http === undefined) return [];
  const url: readonly SelectorSite[] =
    http.url === undefined
      ? []
      : [{ role: "template", path: [...path, "url"], text: http.url, paths: templatePaths(http.url) }];
  return [
    ...url,
    ...authorino(http.urlExpression, "urlExpression", [...path, "urlExpression"]),
    ...dynamicMap(http.headers, [...path, "headers"]),
    ...dynamic(http.body, [...path, "body"]),
    ...dynamicMap(http.bodyParameters, [...path, "bodyParameters"]),
  ];
}

const selector = (text: string | undefined, role: "selector" | "pattern", path: FieldPath): readonly SelectorSite[] =>
  text === undefined ? [] : [{ role, path, text, paths: selectorPaths(text) }];

const dynamic = (value: DynamicValue | undefined, path: FieldPath): readonly Site[] => [
  ...selector(value?.selector, "selector", [...path, "selector"]),
  ...authorino(value?.expression, "expression", [...path, "expression"]),
];

const dynamicMap = (map: Readonly<Record<string, DynamicValue>> | undefined, path: FieldPath): readonly Site[] =>
  entries(map).flatMap(([name, value]) => dynamic(value, [...path, name]));

/** Conditions below `rules`, with those inside `any` and `all`. */
const patterns = (list: readonly Pattern[] | undefined, path: FieldPath): readonly Site[] =>
  (list ?? []).flatMap((pattern, index): readonly Site[] => {
    const at = [...path, index];
    return [
      ...authorino(pattern.predicate, "predicate", [...at, "predicate"]),
      ...selector(pattern.selector, "pattern", [...at, "selector"]),
      ...patterns(pattern.any, [...at, "any"]),
      ...patterns(pattern.all, [...at, "all"]),
    ];
  });
