import { judgeChange } from "../../src/lint/admission.ts";
import type { AdmissionVerdict } from "../../src/lint/change.ts";
import type { Rule } from "../../src/lint/rule.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { formatPath } from "../../src/model/field-path.ts";
import type { Finding } from "../../src/model/finding.ts";
import { objectsOf, topologyOf } from "./topology-of.ts";

/** Joins YAML documents, each indented as its own template literal. */
export const yamlOf = (...documents: readonly string[]): string =>
  documents.map((document) => document.replace(/^\n/, "").trimEnd()).join("\n---\n");

/** What one rule finds in YAML documents, in the strict profile. */
export const findingsOf = (rule: Rule, ...documents: readonly string[]): readonly Finding[] =>
  lintTopology(topologyOf(yamlOf(...documents)), { rules: [rule], profile: "strict" });

/** Findings in short: `error conflict HTTPRoute spec.rules[0]`. */
export const brief = (findings: readonly Finding[]): readonly string[] =>
  findings.map(({ severity, scope, object, path }) => `${severity} ${scope} ${object.kind} ${formatPath(path)}`);

/** The verdict of one rule on applying a document to a cluster that holds the others. */
export function applying(rule: Rule, document: string, ...present: readonly string[]): AdmissionVerdict {
  const [object] = objectsOf(document);
  return judgeChange({ operation: "CREATE", object, oldObject: null, namespace: "" }, topologyOf(yamlOf(...present)), {
    rules: [rule],
    profile: "strict",
  });
}
