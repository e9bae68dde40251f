import type { Mend } from "../../model/edit.ts";
import type { RelatedPlace, Severity } from "../../model/finding.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import {
  type AuthBlockFlow,
  type AuthFlow,
  type AuthItem,
  authFlows,
  differentViews,
  holdsIn,
  itemsOf,
} from "../auth/auth-flow.ts";
import { denialReads, type ItemRead, itemReads } from "../auth/auth-sites.ts";
import { rangeOfNames, spellPath } from "../expressions/attribute-reads.ts";
import { replacing } from "../mends/text-changes.ts";
import { defineRule, type Report } from "../rule.ts";
import { worstPerMessage } from "../worst-report.ts";

const POLICY = `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}`;

/** The members of a TokenReview's status, which Authorino publishes as the identity. */
const STATUS_MEMBERS = new Set(["user", "authenticated", "audiences", "error"]);
const USERNAME = "auth.identity.user.username";
const USER_MEMBERS = new Set(["username", "uid", "groups", "extra"]);

/** What people look for under other names, and where a TokenReview has it. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ...[...USER_MEMBERS].map((member) => [member, `auth.identity.user.${member}`] as const),
  ...["sub", "name", "serviceaccount"].map((member) => [member, "auth.identity.user.username"] as const),
]);

/** A place that asks an identity for a member; `depth` names lead to the member. */
type Asked = { readonly item?: AuthItem; readonly place: ItemRead; readonly depth: 3 | 4; readonly member: string };

function membersAsked(place: ItemRead, item?: AuthItem): readonly Asked[] {
  const [root, identity, first, second] = place.read.names;
  if (root !== "auth" || identity !== "identity" || first === undefined) return [];
  const of = item === undefined ? {} : { item };
  if (!STATUS_MEMBERS.has(first)) return [{ ...of, place, depth: 3, member: first }];
  if (first !== "user" || second === undefined || USER_MEMBERS.has(second)) return [];
  return [{ ...of, place, depth: 4, member: second }];
}

/** Whether every identity there can be is a TokenReview's, and none of them gets the member from elsewhere. */
function lacksMember(flow: AuthFlow, { place, member }: Asked): boolean {
  const methods = itemsOf(flow, "authentication");
  const added = methods.flatMap(({ value }) => [
    ...Object.keys(value.overrides ?? {}),
    ...Object.keys(value.defaults ?? {}),
  ]);
  const isAdded = added.some((name) => [member, place.read.names[2]].includes(name.split(".")[0]));
  return methods.length > 0 && methods.every(({ value }) => value.kubernetesTokenReview !== undefined) && !isAdded;
}

/** Undefined: nothing to report. The member is certainly absent; the severity says what becomes of the request. */
function severityOf({ place, depth }: Asked): Severity | undefined {
  const absence = place.read.absence(depth);
  if (absence === "harmless") return undefined;
  const survives = absence === "may-fail" || place.alternative || place.part === "cache" || place.part === "denial";
  return survives ? "warning" : "error";
}

function judge(asked: Asked, flow: AuthBlockFlow, topology: Topology): readonly Report[] {
  const severity = severityOf(asked);
  if (severity === undefined) return [];
  const { item } = asked;
  const views = differentViews(flow.owner, topology).filter((view) => item === undefined || holdsIn(view, item));
  if (!views.every((view) => lacksMember(view, asked))) return [];
  const own = itemsOf(flow, "authentication").length > 0;
  if (own ? !lacksMember(flow, asked) : views.length === 0) return [];
  // Another policy may still bring a method of its own to a block that merges.
  const unsure = flow.merges && views.length === 0;
  const methods = own ? flow : views[0];
  const mend = mendFor(asked);
  return [
    {
      path: asked.place.site.path,
      range: rangeOfNames(asked.place.read, asked.depth),
      severity: unsure ? "warning" : severity,
      ...(own ? {} : { scope: "conflict" as const }),
      ...words(asked),
      ...(mend === undefined || unsure ? {} : { mend }),
      related: methods === undefined ? [] : itemsOf(methods, "authentication").slice(0, 1).map(methodPlace),
    },
  ];
}

/** Members that a TokenReview has under another name for certain: the subject of a ServiceAccount is its user name. */
const SAME_MEMBER: ReadonlyMap<string, string> = new Map([
  ...[...USER_MEMBERS].map((member) => [member, member] as const),
  ["sub", "username"],
]);

function mendFor({ place: { site, read }, depth, member }: Asked): Mend | undefined {
  const right = SAME_MEMBER.get(member);
  const ofNamespace = member === "namespace" && !read.selector && depth === read.names.length && !read.tested;
  if (right === undefined && !ofNamespace) return undefined;
  const text = right === undefined ? `${USERNAME}.split(':')[2]` : `auth.identity.user.${right}`;
  return {
    title: `read \`${text}\``,
    edits: replacing(site.path, [{ ...rangeOfNames(read, depth), text }]),
  };
}

const methodPlace = ({ owner, path }: AuthItem<"authentication">): RelatedPlace => ({
  object: refOf(owner),
  path: [...path, "kubernetesTokenReview"],
  message: "the identity is the status of this TokenReview",
});

function words({ place, depth, member }: Asked): Pick<Report, "message" | "hint"> {
  const asked = spellPath(place.read.names.slice(0, depth));
  const spelling = member === "username" && depth === 3 ? ", which is how a RateLimitPolicy spells it," : "";
  const message = `a TokenReview identity has \`auth.identity.user.username\`; \`${asked}\`${spelling} does not exist in an AuthPolicy`;
  if (member === "namespace") {
    const cut = place.read.selector
      ? 'auth.identity.user.username.@extract:{"sep":":","pos":2}'
      : "auth.identity.user.username.split(':')[2]";
    return { message, hint: `The namespace is part of the user name: \`${cut}\`.` };
  }
  const instead = ELSEWHERE.get(member);
  return {
    message,
    hint:
      instead === undefined
        ? "Use `auth.identity.user.username`, `.uid`, `.groups` or `.extra`."
        : `Use \`${instead}\`.`,
  };
}

export const rule = defineRule({
  id: "tokenreview-identity-path",
  kinds: ["AuthPolicy"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute"],
  severity: "error",
  scope: "object",
  title: "A TokenReview identity has no such member",
  why: "Authorino publishes the status of the TokenReview: the name stands below `user`. A condition on a member that does not exist gets 403 for everybody, a value is empty.",
  fix: "Use `auth.identity.user.username`, `.uid`, `.groups` or `.extra`.",
  sources: [
    "kuadrant egress gateway guide: the table of identity paths per policy",
    "Observed on Authorino 58fecc6c: `auth.identity.username` after a TokenReview gives 403, `no such key: username`; as a selector it gives the text `<nil>`",
  ],
  since: "0.1.0",

  check(object, topology) {
    const reports = authFlows(object).flatMap((flow) => {
      const asked = [
        ...flow.items.flatMap((item) => itemReads(item, flow).flatMap((place) => membersAsked(place, item))),
        ...denialReads(flow).flatMap((place) => membersAsked(place)),
      ];
      return asked.flatMap((member) => judge(member, flow, topology));
    });
    return worstPerMessage(reports);
  },

  bad: [
    {
      name: "the path that a RateLimitPolicy uses",
      finds: [
        {
          path: "spec.rules.authorization.team.patternMatching.patterns[0].predicate",
          text: "auth.identity.username",
          mended: "auth.identity.user.username.startsWith('system:serviceaccount:team-a:')",
        },
      ],
      yaml: `${POLICY}
          rules:
            authentication:
              workload-sa: {kubernetesTokenReview: {audiences: [egress-gateway]}}
            authorization:
              team: {patternMatching: {patterns: [{predicate: "auth.identity.username.startsWith('system:serviceaccount:team-a:')"}]}}`,
    },
    {
      name: "claims of a JWT, and a member that the user does not have, in defaults",
      finds: [
        {
          path: "spec.defaults.rules.response.success.filters.identity.json.properties.namespace.expression",
          text: "auth.identity.user.namespace",
          mended: "auth.identity.user.username.split(':')[2]",
        },
        {
          path: "spec.defaults.rules.response.success.headers.x_subject.plain.selector",
          text: "auth.identity.sub",
          mended: "auth.identity.user.username",
        },
      ],
      yaml: `${POLICY}
          defaults:
            rules:
              authentication:
                workload-sa: {kubernetesTokenReview: {audiences: [egress-gateway]}}
              response:
                success:
                  headers: {x_subject: {plain: {selector: auth.identity.sub}}}
                  filters: {identity: {json: {properties: {namespace: {expression: auth.identity.user.namespace}}}}}`,
    },
  ],
  good: [
    {
      name: "the path that Authorino publishes",
      yaml: `${POLICY}
          rules:
            authentication:
              workload-sa: {kubernetesTokenReview: {audiences: [egress-gateway]}}
            authorization:
              team: {patternMatching: {patterns: [{predicate: "auth.identity.user.username.startsWith('system:serviceaccount:team-a:')"}]}}`,
    },
    {
      name: "a property that the authentication adds, and a JWT beside the TokenReview",
      yaml: `${POLICY}
          rules:
            authentication:
              workload-sa:
                kubernetesTokenReview: {audiences: [egress-gateway]}
                overrides: {username: {selector: auth.identity.user.username}}
            authorization:
              team: {patternMatching: {patterns: [{predicate: "auth.identity.username.startsWith('system:serviceaccount:team-a:')"}]}}
        ---
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: people-and-workloads}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: internal}
          rules:
            authentication:
              workload-sa: {kubernetesTokenReview: {audiences: [egress-gateway]}}
              people: {jwt: {issuerUrl: "https://login.example.com/realms/people"}}
            response:
              success: {headers: {x-subject: {plain: {selector: auth.identity.sub}}}}`,
    },
  ],
});
