import { describe, expect, test } from "vitest";
import {
  type AuthBlockFlow,
  authFlows,
  callsNetwork,
  formatItem,
  headerOf,
  holdsIn,
  itemsOf,
  viewsOf,
} from "../../../src/lint/auth/auth-flow.ts";
import { authSites, itemReads } from "../../../src/lint/auth/auth-sites.ts";
import { attributeReads, spellPath, spellPresence } from "../../../src/lint/expressions/attribute-reads.ts";
import { celSites } from "../../../src/lint/expressions/expression-sites.ts";
import { formatPath } from "../../../src/model/field-path.ts";
import type { Kinds } from "../../../src/model/kinds.ts";
import {
  authPolicy,
  EGRESS_ROUTE,
  GATEWAY,
  headers,
  lookup,
  matching,
  ON_GATEWAY,
  route,
  topologyOfObjects,
} from "../../support/auth-policies.ts";

const decoded = (object: object): Kinds["AuthPolicy"] => {
  const [policy] = topologyOfObjects([object]).objects.of("AuthPolicy");
  if (policy === undefined) throw new Error("no AuthPolicy");
  return policy;
};

/** The flow of a policy with these members of its spec. */
function flowOf(spec: object): AuthBlockFlow {
  const [flow] = authFlows(decoded(authPolicy(spec)));
  if (flow === undefined) throw new Error("no rules");
  return flow;
}

describe("items", () => {
  const flow = flowOf({
    rules: {
      callbacks: { audit: lookup() },
      response: {
        success: {
          headers: { authorization: { plain: { value: "x" } }, renamed: { key: "X-Api-Key", plain: { value: "y" } } },
          filters: { identity: { json: { properties: {} } } },
        },
      },
      authorization: {
        team: { ...matching("true"), priority: 2, when: [{ predicate: "true" }] },
        review: { kubernetesSubjectAccessReview: {} },
        relation: { spicedb: { endpoint: "spicedb:50051" } },
      },
      metadata: { "vault/login": lookup({ priority: -1 }) },
      authentication: { sa: { kubernetesTokenReview: {} } },
    },
  });

  test("come in the order of the phases, with the keys of the effective policy", () => {
    expect(flow.items.map(({ phase, key, priority }) => `${phase} ${key} ${priority}`)).toEqual([
      "authentication authentication/sa 0",
      "metadata metadata/vault/login -1",
      "authorization authorization/team 2",
      "authorization authorization/review 0",
      "authorization authorization/relation 0",
      "response response.success.headers/authorization 0",
      "response response.success.headers/renamed 0",
      "response response.success.filters/identity 0",
      "callbacks callbacks/audit 0",
    ]);
  });

  test("know their name, path, conditions and how messages call them", () => {
    const [login] = itemsOf(flow, "metadata");
    const [team] = itemsOf(flow, "authorization");
    expect(login?.name).toBe("vault/login");
    expect(login && formatPath(login.path)).toBe('spec.rules.metadata["vault/login"]');
    expect(login && formatItem(login)).toBe("metadata `vault/login`");
    expect(team?.when).toEqual([{ predicate: "true" }]);
  });

  test("that call the network are those that ask a server", () => {
    const calling = flow.items.filter(callsNetwork).map(({ name }) => name);
    expect(calling).toEqual(["vault/login", "review", "relation", "audit"]);
  });

  test("of a response set the header of their key, those of filters none", () => {
    expect(itemsOf(flow, "response").map(headerOf)).toEqual(["authorization", "x-api-key", undefined]);
  });
});

describe("blocks", () => {
  test.each([
    ["the bare spec", { rules: {} }, "spec", false],
    ["defaults", { defaults: { rules: {} } }, "spec.defaults", false],
    ["merging overrides", { overrides: { strategy: "merge", rules: {} } }, "spec.overrides", true],
    ["named patterns alone", { patterns: { a: { allOf: [] } } }, "spec", false],
  ])("%s", (_, spec, path, merges) => {
    const flow = flowOf(spec);
    expect([formatPath(flow.path), flow.merges]).toEqual([path, merges]);
  });

  test("without rules there is none", () => {
    expect(authFlows(decoded(authPolicy({})))).toEqual([]);
  });
});

describe("what an item reads", () => {
  const sitesIn = (authorization: object, patterns: object = {}): readonly string[] => {
    const flow = flowOf({ patterns, rules: { authorization: { any: authorization } } });
    return flow.items
      .flatMap((item) => authSites(item, flow))
      .map(({ part, alternative, site, patternRef }) =>
        [
          part,
          formatPath(site.path.slice(-2)),
          ...(alternative ? ["alternative"] : []),
          ...(patternRef ? [patternRef] : []),
        ].join(" "),
      )
      .toSorted();
  };

  test("is sorted by what it is for; an item that is called any is no alternative", () => {
    const item = {
      ...matching("a == 1", { any: [{ predicate: "b == 1" }] }),
      when: [{ selector: "request.path", operator: "eq", value: "/" }],
      cache: { key: { expression: "c" } },
      kubernetesSubjectAccessReview: { resourceAttributes: { any: { selector: "d" } } },
    };
    expect(sitesIn(item)).toEqual([
      "cache key.expression",
      "condition [0].predicate",
      "condition [0].predicate alternative",
      "value any.selector",
      "when [0].selector",
    ]);
  });

  test("includes named patterns, through each other, without end", () => {
    const patterns = {
      outer: { allOf: [{ patternRef: "inner" }, { predicate: "a == 1" }] },
      inner: { allOf: [{ any: [{ patternRef: "outer" }, { predicate: "b == 1" }] }] },
    };
    expect(sitesIn(matching({ patternRef: "outer" }), patterns)).toEqual([
      "condition [1].predicate alternative inner",
      "condition [1].predicate outer",
    ]);
    expect(sitesIn(matching({ any: [{ patternRef: "outer" }] }), patterns)).toEqual([
      "condition [1].predicate alternative inner",
      "condition [1].predicate alternative outer",
    ]);
  });

  test("has names and places in CEL, in selectors and in templates", () => {
    const metadata = {
      a: lookup(
        {},
        { url: "https://x/{auth.identity.user.username.@case:lower}", headers: { t: { expression: "auth['x y'].z" } } },
      ),
    };
    const flow = flowOf({ rules: { metadata } });
    const reads = flow.items.flatMap((item) => itemReads(item, flow));
    const told = reads.map(({ read, site }) => [read.names.join("/"), site.text.slice(read.start, read.end)]);
    expect(told.toSorted()).toEqual([
      ["auth/identity/user/username", "auth.identity.user.username"],
      ["auth/x y/z", "auth['x y'].z"],
    ]);
  });
});

describe("what becomes of a text without the attribute", () => {
  const absenceIn = (expression: string, field: "predicate" | "expression"): readonly string[] => {
    const rules =
      field === "predicate" ? { authorization: { a: matching(expression) } } : { response: headers({ a: expression }) };
    const [site] = celSites(decoded(authPolicy({ rules })));
    if (site === undefined) throw new Error("no expression");
    return attributeReads(site)
      .filter(({ names }) => names[0] === "x")
      .map((read) => read.absence(2));
  };

  test.each([
    ["x.y == 1", ["fails"], ["fails"]],
    ["x.y == 1 && z.a", ["fails"], ["may-fail"]],
    ["x.y == 1 || z.a", ["may-fail"], ["may-fail"]],
    ["!(x.y == 1 && z.a)", ["may-fail"], ["may-fail"]],
    ["z.a ? x.y : 1", ["may-fail"], ["may-fail"]],
    ["x.y ? z.a : 1", ["fails"], ["fails"]],
    ["has(x.y)", ["fails"], ["harmless"]],
    ["!has(x.y)", ["harmless"], ["harmless"]],
    ["has(x.y.z)", ["fails"], ["fails"]],
    ["has(x.y) ? x.y : 1", ["harmless", "harmless"], ["harmless", "harmless"]],
    ["x.?y.orValue(1)", ["harmless"], ["harmless"]],
    ["z.exists(i, i == x.y)", ["may-fail"], ["may-fail"]],
    ["x.y.exists(i, i == z.a)", ["fails"], ["fails"]],
    ["f(z[x.y].a[1])", ["fails"], ["fails"]],
    ["{'a': [x.y]}.a[0]", ["fails"], ["fails"]],
  ])("%s", (expression, asCondition, asValue) => {
    expect(absenceIn(expression, "predicate")).toEqual(asCondition);
    expect(absenceIn(expression, "expression")).toEqual(asValue);
  });
});

describe("views", () => {
  const own = authPolicy({ rules: { authorization: { a: matching("true") }, metadata: { m: lookup() } } });
  const ofGateway = authPolicy(
    { overrides: { strategy: "merge", rules: { metadata: { m: lookup({ priority: 5 }) } } }, patterns: {} },
    { name: "gateway", target: ON_GATEWAY },
  );
  const topology = topologyOfObjects([GATEWAY, route([{ backendRefs: [] }, { backendRefs: [] }]), own, ofGateway]);
  const [gatewayPolicy, policy] = topology.objects.of("AuthPolicy");

  test("there is one for each path, with the items of every policy that hold there", () => {
    const views = policy === undefined ? [] : viewsOf(policy, topology);
    expect(views.map(({ on }) => on.ruleIndex)).toEqual([0, 1]);
    expect(
      views[0]?.items.map(({ key, owner, priority }) => `${key} ${owner.metadata.name} ${priority}`).toSorted(),
    ).toEqual(["authorization/a policy 0", "metadata/m gateway 5"]);
  });

  test("an item holds where no other policy's item of that name does", () => {
    const [view] = policy === undefined ? [] : viewsOf(policy, topology);
    const items = policy === undefined ? [] : (authFlows(policy)[0]?.items ?? []);
    expect(view && items.map((item) => [item.name, holdsIn(view, item)])).toEqual([
      ["m", false],
      ["a", true],
    ]);
  });

  test("a policy whose target is not in view has none", () => {
    const lonely = topologyOfObjects([EGRESS_ROUTE, own]);
    expect(gatewayPolicy && viewsOf(gatewayPolicy, topologyOfObjects([GATEWAY, ofGateway]))).toEqual([]);
    expect(lonely.objects.of("AuthPolicy").flatMap((found) => viewsOf(found, lonely))).toEqual([]);
  });
});

describe("spelling", () => {
  test.each([
    [["auth", "metadata", "a", "b"], "auth.metadata.a.b", "has(auth.metadata.a.b)"],
    [["auth", "metadata", "a-b"], "auth.metadata['a-b']", "'a-b' in auth.metadata"],
    [["auth", "it's"], 'auth["it\'s"]', '"it\'s" in auth'],
    [["auth", "list", "0", "c"], "auth.list[0].c", "has(auth.list[0].c)"],
  ])("%j", (names, path, presence) => {
    expect(spellPath(names)).toBe(path);
    expect(spellPresence(names)).toBe(presence);
  });
});
