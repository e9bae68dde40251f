import type { FieldPath } from "../model/field-path.ts";
import {
  dnsLabelProblem,
  labelValueProblem,
  type NameRule,
  pathSegmentProblem,
  prefixRule,
  qualifiedNameProblem,
} from "../model/kubernetes-name.ts";
import { nearestName } from "../model/nearest-name.ts";
import type { Check } from "./check-scalar.ts";
import { fieldOf, isMap, type JsonMap } from "./json.ts";
import { described, report, shown } from "./violation.ts";

/** The fields of every object's metadata and their types. SOURCE: apimachinery, ObjectMeta. */
const FIELDS: Readonly<Record<string, "text" | "texts" | "list" | "number">> = {
  name: "text",
  generateName: "text",
  namespace: "text",
  selfLink: "text",
  uid: "text",
  resourceVersion: "text",
  creationTimestamp: "text",
  deletionTimestamp: "text",
  generation: "number",
  deletionGracePeriodSeconds: "number",
  labels: "texts",
  annotations: "texts",
  ownerReferences: "list",
  finalizers: "list",
  managedFields: "list",
};

const WORDS = { text: "a string", texts: "a map of strings", list: "a list", number: "a whole number" } as const;

/** Keys and values of all annotations together. SOURCE: apimachinery, TotalAnnotationSizeLimitB. */
const MAX_ANNOTATIONS = 256 * 1024;

const HAS_TYPE = {
  text: (value: unknown) => typeof value === "string",
  texts: isMap,
  list: (value: unknown) => Array.isArray(value),
  number: Number.isInteger,
} as const;

function wrongType(value: unknown, words: string, path: FieldPath, { violations }: Check): void {
  const quoted = words === "a string" && (typeof value === "number" || typeof value === "boolean");
  const hint = quoted ? `Put it in quotes: "${value}".` : `Write ${words}.`;
  report(violations, { kind: "wrong-type", path, message: `must be ${words}, and is ${described(value)}`, hint });
}

function checkTypes(metadata: JsonMap, path: FieldPath, check: Check): void {
  for (const [name, value] of Object.entries(metadata)) {
    const type = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
    if (type === undefined) {
      const near = nearestName(name, Object.keys(FIELDS));
      const hint =
        near === undefined ? "Remove it; settings of an object belong into `spec`." : `Did you mean \`${near}\`?`;
      const message = `metadata has no field \`${name}\`; kubectl refuses it, and other clients lose it without a word`;
      report(check.violations, { kind: "unknown-field", path: [...path, name], message, hint, at: "key" });
    } else if (value !== null && !HAS_TYPE[type](value)) wrongType(value, WORDS[type], [...path, name], check);
  }
}

function checkName(value: unknown, rule: NameRule, path: FieldPath, { violations }: Check): void {
  const problem = typeof value === "string" && value !== "" ? rule(value) : undefined;
  if (problem === undefined) return;
  const hint = "Write a name that fits; the API server refuses the object otherwise.";
  report(violations, { kind: "name", path, message: `${shown(value)} ${problem}`, hint });
}

/** Keys and values of labels or annotations. */
function checkPairs(pairs: unknown, isLabels: boolean, path: FieldPath, check: Check): void {
  if (!isMap(pairs)) return;
  const { violations } = check;
  let size = 0;
  for (const [key, value] of Object.entries(pairs)) {
    const at = [...path, key];
    const problem = qualifiedNameProblem(isLabels ? key : key.toLowerCase());
    if (problem !== undefined) {
      const hint = "Write a key such as `example.com/name`.";
      report(violations, { kind: "name", path: at, message: `the key ${shown(key)} ${problem}`, hint, at: "key" });
    }
    if (value === null) continue;
    if (typeof value !== "string") wrongType(value, "a string", at, check);
    else if (isLabels) checkName(value, labelValueProblem, at, check);
    size += key.length + String(value).length;
  }
  if (isLabels || size <= MAX_ANNOTATIONS) return;
  const message = `all annotations together have ${size} bytes, and may have ${MAX_ANNOTATIONS}`;
  report(violations, { kind: "too-long", path, message, hint: "Keep large content in a ConfigMap." });
}

/** How an object's metadata must look. */
export type MetadataRules = {
  readonly name: NameRule;
  /** Undefined: not known. */
  readonly namespaced: boolean | undefined;
};

/** Every object has a name, or asks for one. */
function checkNamed(metadata: unknown, { violations }: Check): void {
  const named = (name: string): boolean => isMap(metadata) && (fieldOf(metadata, name) ?? "") !== "";
  if (named("name") || named("generateName")) return;
  const message = "the object has no name";
  report(violations, { kind: "missing", path: ["metadata", "name"], message, hint: "Add `metadata.name`." });
}

/** Checks names, labels and annotations as an API server does it for every kind. */
export function checkMetadata(object: JsonMap, rules: MetadataRules, path: FieldPath, check: Check): void {
  const metadata = fieldOf(object, "metadata");
  const at = [...path, "metadata"];
  if (path.length === 0) checkNamed(metadata, check);
  if (metadata === undefined || metadata === null) return;
  if (!isMap(metadata)) {
    wrongType(metadata, "a map", at, check);
    return;
  }
  checkTypes(metadata, at, check);
  checkName(fieldOf(metadata, "name"), rules.name, [...at, "name"], check);
  checkName(fieldOf(metadata, "generateName"), prefixRule(rules.name), [...at, "generateName"], check);
  const namespace = fieldOf(metadata, "namespace");
  if (rules.namespaced === false && typeof namespace === "string" && namespace !== "") {
    const message = "objects of this kind belong to no namespace";
    const hint = "Remove `namespace`.";
    report(check.violations, { kind: "version", path: [...at, "namespace"], message, hint, at: "key" });
  } else checkName(namespace, dnsLabelProblem, [...at, "namespace"], check);
  checkPairs(fieldOf(metadata, "labels"), true, [...at, "labels"], check);
  checkPairs(fieldOf(metadata, "annotations"), false, [...at, "annotations"], check);
}

/** Checks an object inside another one: it must say what it is. */
export function checkEmbedded(object: JsonMap, path: FieldPath, check: Check): void {
  for (const name of ["apiVersion", "kind"]) {
    const value = fieldOf(object, name);
    if (typeof value === "string" && value !== "") continue;
    const message = `an object is expected here, which needs the field \`${name}\``;
    report(check.violations, { kind: "missing", path: [...path, name], message, hint: `Add \`${name}\`.` });
  }
  checkMetadata(object, { name: pathSegmentProblem, namespaced: undefined }, path, check);
}
