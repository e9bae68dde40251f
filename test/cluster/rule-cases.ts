import { denialOf } from "../../src/admission/denial.ts";
import type { AdmissionRequest } from "../../src/admission/review.ts";
import { sanitizeWarnings } from "../../src/admission/warnings.ts";
import { judgeChange } from "../../src/lint/admission.ts";
import type { AdmissionVerdict } from "../../src/lint/change.ts";
import { exampleText } from "../../src/lint/example-text.ts";
import type { Rule } from "../../src/lint/rule.ts";
import { rules } from "../../src/lint/rules/index.ts";
import { type Decoded, decodeObject } from "../../src/model/decode.ts";
import { formatPath } from "../../src/model/field-path.ts";
import { compareSeverity, type Finding } from "../../src/model/finding.ts";
import { KINDS, type Kind } from "../../src/model/kinds.ts";
import { buildTopology } from "../../src/model/topology.ts";
import { mendText } from "../support/mend-text.ts";
import { objectsOf } from "../support/topology-of.ts";

export type KubeObject = {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: { readonly name: string; readonly namespace?: string } & Readonly<Record<string, unknown>>;
  readonly [member: string]: unknown;
};

/** An object that is applied last, and what is there before it. */
export type Stage = { readonly surroundings: readonly KubeObject[]; readonly subject: KubeObject };

/** What the webhook does with an example: refuses it, or only warns, because something may still come. */
export type Outcome = "denied" | "warned";

export type RuleCase = {
  readonly rule: string;
  readonly example: string;
  readonly outcome: Outcome;
  readonly bad: Stage;
  readonly fixed: Stage;
  /** Where the fixed version is from: the rule's own mend, or a good example. */
  readonly fixedBy: string;
};

/** The kinds that the webhook is asked about. SOURCE: manifests/base/webhooks-validating.yaml. */
export const JUDGED_KINDS: ReadonlySet<Kind> = new Set([
  ...(["AuthPolicy", "RateLimitPolicy", "TokenRateLimitPolicy", "DNSPolicy", "DNSRecord", "TLSPolicy"] as const),
  ...(["PlanPolicy", "TelemetryPolicy", "Gateway", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"] as const),
  ...(["ReferenceGrant", "BackendTLSPolicy"] as const),
  ...(["ServiceEntry", "DestinationRule", "VirtualService", "AuthorizationPolicy", "ProxyConfig"] as const),
]);
/** What Sluice does not read of a cluster: see docs/admission.md. */
const UNSEEN_KINDS: ReadonlySet<Kind> = new Set(["Secret", "Pod", "ConfigMap"]);
/** Those that others refer to first, so that as little as possible is told of what is not yet there. */
const ORDER: readonly Kind[] = [
  ...(["Namespace", "GatewayClass", "Service", "EndpointSlice", "ReferenceGrant", "Gateway"] as const),
  ...(["ServiceEntry", "DestinationRule", "HTTPRoute", "GRPCRoute", "VirtualService", "AuthPolicy"] as const),
];

/** The objects of an example as they are applied: in a namespace, without what Sluice cannot see. */
const applied = (yaml: string): readonly KubeObject[] =>
  (objectsOf(yaml) as readonly KubeObject[])
    .filter(({ kind }) => !UNSEEN_KINDS.has(kind))
    .map((object) =>
      KINDS[object.kind].namespaced && object.metadata.namespace === undefined
        ? { ...object, metadata: { ...object.metadata, namespace: "default" } }
        : object,
    );

const rank = ({ kind }: KubeObject): number => (ORDER.includes(kind) ? ORDER.indexOf(kind) : ORDER.length);

function decodedOf(object: KubeObject): Decoded {
  const outcome = decodeObject(object);
  if (outcome.status !== "decoded") throw new Error(`not a known object: ${JSON.stringify(object)}`);
  return outcome.decoded;
}

/** The namespaces that an object and what surrounds it need, as they are before anybody labels them. */
export const namespacesOf = (objects: readonly KubeObject[]): readonly KubeObject[] => {
  const names = objects.flatMap(({ kind, metadata }) =>
    kind === "Namespace" ? [metadata.name] : (metadata.namespace ?? []),
  );
  return [...new Set(names)].map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
};

/** What the linter says of a stage, with no API server: the verdict that the webhook has to come to. */
export function verdictOf({ surroundings, subject }: Stage): AdmissionVerdict {
  const own = new Set(surroundings.filter(({ kind }) => kind === "Namespace").map(({ metadata }) => metadata.name));
  const bare = namespacesOf([...surroundings, subject]).filter(({ metadata }) => !own.has(metadata.name));
  const topology = buildTopology([...bare, ...surroundings].map(decodedOf));
  const request = { operation: "CREATE", object: subject, oldObject: null, namespace: "default" } as const;
  return judgeChange(request, topology, { rules, profile: "strict" });
}

const REQUEST: AdmissionRequest = {
  ...{ uid: "u", kind: { group: "", version: "", kind: "" }, subResource: "", displayName: "", namespace: "" },
  ...{ operation: "CREATE", groups: [], dryRun: false, object: null, oldObject: null, droppedKeys: 0 },
};

/** Everything that kubectl has to print of a verdict, one line each. */
export function linesOf(verdict: AdmissionVerdict): readonly string[] {
  const shown = verdict.warned.toSorted(
    (a, b) => compareSeverity(a.severity, b.severity) || (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0),
  );
  const warnings = shown.map(({ rule, path, title }) => `${rule}: ${formatPath(path)}: ${title}`);
  const causes = denialOf(verdict.denied, REQUEST).details?.causes ?? [];
  return [
    ...sanitizeWarnings(warnings).map((text) => `Warning: ${text}`),
    ...causes.map(({ field, message }) => `${field}: ${message}`),
  ];
}

const stageOf = (objects: readonly KubeObject[], subject: KubeObject): Stage => ({
  surroundings: objects.filter((object) => object !== subject).toSorted((a, b) => rank(a) - rank(b)),
  subject,
});

const isErrorOf =
  (rule: Rule) =>
  (finding: Finding): boolean =>
    finding.rule === rule.id && finding.severity === "error";

function outcomeOf(rule: Rule, stage: Stage): Outcome | undefined {
  const { denied, warned } = verdictOf(stage);
  if (denied.some(isErrorOf(rule))) return "denied";
  return warned.some(isErrorOf(rule)) ? "warned" : undefined;
}

/** Whether what surrounds an object is accepted in its order. */
const isSound = ({ surroundings }: Stage): boolean =>
  surroundings.every((subject, index) => {
    const before = surroundings.slice(0, index);
    return !JUDGED_KINDS.has(subject.kind) || verdictOf({ surroundings: before, subject }).denied.length === 0;
  });

const clean = (rule: Rule, stage: Stage): boolean => {
  const { denied, warned } = verdictOf(stage);
  return isSound(stage) && denied.length === 0 && !warned.some((finding) => finding.rule === rule.id);
};

/** The last object of the rule's kinds is the one that completes an example. */
const stagesOf = (rule: Rule, objects: readonly KubeObject[]): readonly Stage[] =>
  objects
    .filter(({ kind }) => rule.kinds.includes(kind) && JUDGED_KINDS.has(kind))
    .map((subject) => stageOf(objects, subject))
    .toReversed();

async function fixedOf(rule: Rule, yaml: string, subject: KubeObject) {
  const mended = await mendText(exampleText(yaml), [rule]);
  const objects = applied(mended.text);
  const own = objects.find(({ kind, metadata }) => kind === subject.kind && metadata.name === subject.metadata.name);
  const stages = own === undefined || mended.fixed === 0 ? [] : [stageOf(objects, own)];
  const choices = [
    ...stages.map((stage) => ({ stage, by: "its own mend" })),
    ...rule.good.flatMap(({ name, yaml: good }) =>
      stagesOf(rule, applied(good)).map((stage) => ({ stage, by: `good example: ${name}` })),
    ),
  ];
  return (
    choices.find(({ stage }) => stage.subject.kind === subject.kind && clean(rule, stage)) ??
    choices.find(({ stage }) => clean(rule, stage))
  );
}

const hasErrors = (rule: Rule, finds: Rule["bad"][number]["finds"]): boolean =>
  finds.some(({ severity = rule.severity }) => severity === "error");

/** Rules that find an error in one of their examples. */
export const errorRules = rules.filter((rule) => rule.bad.some(({ finds }) => hasErrors(rule, finds)));

/** For a rule an example of each outcome: the first of those that bring the fewest refusals of other rules. */
export async function casesOf(rule: Rule): Promise<readonly RuleCase[]> {
  const found: (RuleCase & { readonly others: number })[] = [];
  for (const { name, yaml, finds } of rule.bad) {
    if (!hasErrors(rule, finds)) continue;
    for (const bad of stagesOf(rule, applied(yaml))) {
      const outcome = outcomeOf(rule, bad);
      const fixed = outcome === undefined ? undefined : await fixedOf(rule, yaml, bad.subject);
      if (outcome === undefined || fixed === undefined || !isSound(bad)) continue;
      const others = verdictOf(bad).denied.filter((finding) => finding.rule !== rule.id).length;
      found.push({ rule: rule.id, example: name, outcome, bad, fixed: fixed.stage, fixedBy: fixed.by, others });
    }
  }
  const outcomes = [...new Set(found.map(({ outcome }) => outcome))].toSorted();
  return outcomes.flatMap((outcome) => {
    const [first] = found.filter((each) => each.outcome === outcome).toSorted((a, b) => a.others - b.others);
    return first ?? [];
  });
}
