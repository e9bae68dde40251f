import { createPatterns, type Patterns } from "../cel/patterns.ts";
import { formatPath } from "../model/field-path.ts";
import type { Finding } from "../model/finding.ts";
import { isKnownKind, KINDS } from "../model/kinds.ts";
import { dnsLabelProblem, dnsSubdomainProblem, type NameRule } from "../model/kubernetes-name.ts";
import { nearestName } from "../model/nearest-name.ts";
import { groupOf, type ObjectRef } from "../model/object-ref.ts";
import type { Catalogue } from "./catalogue.ts";
import { checkMetadata } from "./check-metadata.ts";
import { checkRules, type RuleCheck } from "./check-rules.ts";
import { checkValue } from "./check-value.ts";
import type { Definition, DefinitionVersion } from "./definition.ts";
import { withFallbacks } from "./fallbacks.ts";
import { checkIstio } from "./istio-checks.ts";
import { isMap, type JsonMap } from "./json.ts";
import { ruleValue } from "./rule-value.ts";
import { isBlocking, MAX_VIOLATIONS, report, TITLES, type Violation } from "./violation.ts";
import { checkWindows } from "./window-checks.ts";

/** An object as it was read. */
export type CheckedObject = { readonly ref: ObjectRef; readonly raw: unknown };

/** What is known about one object. */
export type SchemaVerdict = {
  readonly findings: readonly Finding[];
  /** Whether the object's definition was at hand: then its types have been checked. */
  readonly covered: boolean;
};

/** Checks objects against definitions, and remembers what could not be checked. */
export type SchemaChecker = {
  check(object: CheckedObject): SchemaVerdict;
  /** Parts of definitions about which nothing could be said, each once, as text. */
  notes(): readonly string[];
};

/** Steps of all rules about one object: some 0.2 s. */
const STEPS = 2_000_000;

/** Values looked at in one object: a second or so at worst. The largest objects in use have some 10 000. */
const VISITS = 500_000;

/** Notes kept; more of them tell nothing new. */
const MAX_NOTES = 20;

/**
 * Kinds whose names follow another rule than most. Before Kubernetes 1.36 a Service's name may not begin with a digit.
 * SOURCE: kubernetes, pkg/apis/core/validation.
 */
const NAME_RULES: Readonly<Record<string, NameRule>> = { Namespace: dnsLabelProblem, Service: dnsLabelProblem };

function withoutStatus(raw: JsonMap, { statusApart }: DefinitionVersion): JsonMap {
  if (!statusApart || !Object.hasOwn(raw, "status")) return raw;
  const { status: _status, ...rest } = raw;
  return rest;
}

function checkVersion(
  { kind, group, versions }: Definition,
  ref: ObjectRef,
  check: RuleCheck,
): DefinitionVersion | undefined {
  const name = ref.apiVersion.slice(group.length + 1);
  const version = versions.find((candidate) => candidate.name === name);
  if (version?.served === true) return version;
  const served = versions.filter((candidate) => candidate.served).map((candidate) => `${group}/${candidate.name}`);
  const message = `the cluster serves no \`${ref.apiVersion}\` of ${kind}; it serves ${served.join(", ")}`;
  const hint = `Write \`apiVersion: ${served[0] ?? group}\`, and check the fields, which may differ.`;
  report(check.violations, { kind: "version", path: ["apiVersion"], message, hint });
  return undefined;
}

function checkAgainst(
  definition: Definition,
  { ref, raw }: CheckedObject & { readonly raw: JsonMap },
  context: { readonly catalogue: Catalogue; readonly check: RuleCheck },
): boolean {
  const { catalogue, check } = context;
  checkMetadata(raw, { name: dnsSubdomainProblem, namespaced: definition.namespaced }, [], check);
  const version = checkVersion(definition, ref, check);
  if (version === undefined) return false;
  const { root, problems } = catalogue.compiled(version);
  for (const problem of problems) check.note(`${problem}; that part of ${version.name} is not checked`);
  const filled = withFallbacks(withoutStatus(raw, version), root);
  checkValue(filled, root, [], check);
  if (root.rulesBelow && !check.violations.found.some(isBlocking)) {
    checkRules(root, { self: ruleValue(filled, root), path: [], check });
  }
  return true;
}

/** A kind that is not defined although others of its group are, when it looks like one of those. */
function checkKind(ref: ObjectRef, catalogue: Catalogue, check: RuleCheck): void {
  const group = groupOf(ref.apiVersion);
  const near = nearestName(ref.kind, catalogue.kindsOf(group));
  if (near === undefined || isKnownKind(group, ref.kind)) return;
  const message = `the group ${group} has no kind \`${ref.kind}\``;
  report(check.violations, { kind: "version", path: ["kind"], message, hint: `Did you mean \`${near}\`?` });
}

/** The id of all findings about objects of a kind. */
export const schemaRuleOf = (kind: string): string => `schema-${kind.toLowerCase()}`;

const toFinding = ({ kind, path, message, hint, at, mend }: Violation, object: ObjectRef): Finding => ({
  rule: schemaRuleOf(object.kind),
  severity: "error",
  scope: "object",
  title: TITLES[kind],
  message,
  hint,
  object,
  path,
  ...(at === undefined ? {} : { at }),
  ...(mend === undefined ? {} : { mend }),
});

function checkKnown(ref: ObjectRef, raw: JsonMap, check: RuleCheck): void {
  if (!isKnownKind(groupOf(ref.apiVersion), ref.kind)) return;
  const { namespaced } = KINDS[ref.kind];
  const name = NAME_RULES[ref.kind] ?? dnsSubdomainProblem;
  checkMetadata(raw, { name, namespaced }, [], check);
}

/**
 * What is known of a kind without its definition: what istiod refuses, and windows. A field that the definition has
 * reported already is not reported again, but may be mended.
 */
function withOwnChecks({ kind, apiVersion }: ObjectRef, raw: JsonMap, check: RuleCheck): void {
  const { found, limit } = check.violations;
  const group = groupOf(apiVersion);
  const own: Violation[] = [];
  const ownCheck = { ...check, violations: { found: own, limit } };
  if (group.endsWith(".istio.io")) checkIstio(kind, raw, ownCheck);
  checkWindows(group, kind, raw, ownCheck);
  const known = new Map(found.map(({ path }, position) => [formatPath(path), position]));
  for (const violation of own) {
    const position = known.get(formatPath(violation.path));
    const before = position === undefined ? undefined : found[position];
    if (position === undefined || before === undefined) report(check.violations, violation);
    else if (violation.mend !== undefined) found[position] = { ...before, mend: violation.mend };
  }
}

/** Checks objects against definitions. Without one for its kind, of an object little more than its metadata is checked. */
export function createSchemaChecker(catalogue: Catalogue, patterns: Patterns = createPatterns()): SchemaChecker {
  const notes = new Set<string>();
  const note = (text: string): void => {
    if (notes.size < MAX_NOTES) notes.add(text);
  };
  return {
    notes: () => [...notes],
    check({ ref, raw }) {
      if (!isMap(raw)) return { findings: [], covered: false };
      const found: Violation[] = [];
      const check: RuleCheck = {
        violations: { found, limit: MAX_VIOLATIONS },
        patterns,
        budget: { steps: STEPS },
        visits: { left: VISITS },
        note: (text) => note(`${ref.kind}: ${text}`),
        unchecked: ({ rule }, why) => note(`${ref.kind}: the rule \`${rule.slice(0, 120)}\` is not checked: ${why}`),
      };
      const definition = catalogue.definitionOf(groupOf(ref.apiVersion), ref.kind);
      const covered = definition !== undefined && checkAgainst(definition, { ref, raw }, { catalogue, check });
      if (definition === undefined) {
        checkKind(ref, catalogue, check);
        checkKnown(ref, raw, check);
      }
      withOwnChecks(ref, raw, check);
      return { findings: found.map((violation) => toFinding(violation, ref)), covered };
    },
  };
}
