import type { Severity } from "../model/finding.ts";

/**
 * Findings that no rule of objects makes: about the text of a file, or about what an API server would refuse. `id` may
 * end with `<kind>`, which stands for a kind in lower case.
 */
export type RuleFamily = {
  readonly id: string;
  readonly severity: Severity;
  /** What is wrong, one line without a full stop; at most 80 characters. */
  readonly title: string;
  /** Why it hurts, one or two sentences. */
  readonly why: string;
  /** What to do, imperative. */
  readonly fix: string;
  /** A text that gives the finding, where a few lines can show it. */
  readonly bad?: string;
};

/** Every such finding, as `sluice rules` and docs/rules list them. */
export const RULE_FAMILIES: readonly RuleFamily[] = [
  {
    id: "schema-<kind>",
    severity: "error",
    title: "The API server refuses the object",
    why: "The object does not fit the schema or the rules of its CustomResourceDefinition, so it never comes into the cluster, and what it should do does not happen. Field names that the API does not know are lost without a word by clients other than kubectl.",
    fix: "Correct the field. The definitions come from `--crd-dir`, from definitions among the manifests, or from the cluster with `--cluster`; without them, only names, labels and the fields that Sluice reads are checked.",
    bad: "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: egress, namespace: gateway-system}\nspec: {listeners: 7}",
  },
  {
    id: "yaml-ambiguous-scalar",
    severity: "warning",
    title: "A plain value is read in two ways",
    why: "kubectl reads YAML 1.1, where `yes`, `on`, `017` and `1_000` are booleans and numbers; other programs read YAML 1.2, where they are not. The object that reaches the cluster may not be the one that was reviewed.",
    fix: "Put the value in quotes, or write what is meant: `true`, `15`, `1000`.",
    bad: "enabled: yes\nmode: 0755",
  },
  {
    id: "yaml-anchor",
    severity: "error",
    title: "An anchor or alias cannot be resolved",
    why: "`*name` repeats what `&name` marked before it. Where there is no such mark, the document cannot be read.",
    fix: "Put texts that begin with `*` in quotes, or write the anchor before its use.",
    bad: "hostname: *.example.com",
  },
  {
    id: "yaml-duplicate-key",
    severity: "warning",
    title: "A key is written twice in one map",
    why: "One of the two values is lost: most programs keep the last one, and kubectl refuses the object.",
    fix: "Remove one of the two.",
    bad: "spec:\n  limit: 10\n  limit: 100",
  },
  {
    id: "yaml-encoding",
    severity: "error",
    title: "The file is not UTF-8 text",
    why: "Manifests are UTF-8; anything else is an archive, an image, or text of an editor that writes UTF-16.",
    fix: "Save the file as UTF-8, or take it out of the folder.",
  },
  {
    id: "yaml-indentation",
    severity: "error",
    title: "The indentation does not fit",
    why: "Indentation says what belongs to what. Where it contradicts its surroundings, the document cannot be read.",
    fix: "Line the key up with its neighbours; quote a value that holds a colon and a blank.",
    bad: "spec:\n  a: 1\n b: 2",
  },
  {
    id: "yaml-limit",
    severity: "error",
    title: "The input is larger or nested deeper than Sluice reads",
    why: "Inputs are limited so that no file can stall a pipeline. Real manifests are far below the limits.",
    fix: "Split the file; look for unclosed brackets and for anchors that repeat each other.",
  },
  {
    id: "yaml-syntax",
    severity: "error",
    title: "The text is no valid YAML",
    why: "The document cannot be read, so nothing in it has been checked, and kubectl refuses it.",
    fix: "Compare the line with its neighbours: quotes and brackets must match.",
    bad: "spec:\n  hosts: [a, b",
  },
  {
    id: "yaml-tab",
    severity: "error",
    title: "A tab is used as indentation",
    why: "YAML allows no tabs there, so the document cannot be read.",
    fix: "Indent with spaces.",
    bad: "spec:\n\thosts: []",
  },
  {
    id: "yaml-tag",
    severity: "warning",
    title: "A value starts with an exclamation mark, which makes it a tag",
    why: "YAML takes `!auth.identity.x` for a tag of an empty value. An expression written so is lost, and a condition that was meant to refuse lets everybody in.",
    fix: "Put the whole value in quotes.",
    bad: "predicate: !auth.identity.anonymous",
  },
  {
    id: "object-invalid",
    severity: "error",
    title: "A document is no Kubernetes object",
    why: "Every document needs apiVersion, kind and a name; without them nothing in it has been checked.",
    fix: "Add what is missing, or leave the file out: values of charts are no manifests.",
    bad: "replicas: 2",
  },
  {
    id: "object-repeated",
    severity: "warning",
    title: "An object is defined twice",
    why: "Applied in this order the later definition replaces the earlier one, which then has no effect.",
    fix: "Remove one of the two.",
  },
];

/** The family of an id, `schema-gateway` included. */
export const familyOf = (id: string): RuleFamily | undefined =>
  RULE_FAMILIES.find(
    (family) => family.id === id || (family.id === "schema-<kind>" && /^schema-[a-z0-9]{1,63}$/.test(id)),
  );
