import { compareSeverity, type Finding } from "../model/finding.ts";
import type { Kind, KubeObject } from "../model/kinds.ts";
import type { ObjectRef } from "../model/object-ref.ts";
import type { Topology } from "../model/topology.ts";

/** Lists rules that must not report on the object: one `<rule id>: reason` a line. */
export const IGNORE_ANNOTATION = "sluice.dev/ignore";

/** Namespace label by which the platform team lets owners of objects use the annotation. */
export const ALLOW_EXEMPTIONS_LABEL = "sluice.dev/allow-exemptions";

export type Exemption = { readonly rule: string; readonly reason: string };

/** The exemptions that an object asks for, as written; lines that are empty are passed over. */
export function parseExemptions(annotation: string): readonly Exemption[] {
  return annotation
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => {
      const colon = line.indexOf(":");
      if (colon < 0) return { rule: line, reason: "" };
      return { rule: line.slice(0, colon).trim(), reason: line.slice(colon + 1).trim() };
    });
}

/**
 * Whether exemptions count in a namespace: its label says so, or the Namespace is not in view (files), where the
 * author's word is taken and the cluster judges again.
 */
function exemptionsAllowed(namespace: string, topology: Topology): boolean {
  const object = topology.objects.get("Namespace", "", namespace);
  return object === undefined || object.metadata.labels?.[ALLOW_EXEMPTIONS_LABEL] === "true";
}

export type ExemptionOutcome = { readonly kept: readonly Finding[]; readonly exempted: readonly string[] };

/** Takes out the findings that the object exempts, and adds one for each exemption that does nothing. */
export function applyExemptions(
  object: KubeObject<Kind>,
  ref: ObjectRef,
  findings: readonly Finding[],
  context: { readonly topology: Topology; readonly ruleIds: ReadonlySet<string> },
): ExemptionOutcome {
  const annotation = object.metadata.annotations?.[IGNORE_ANNOTATION];
  if (annotation === undefined) return { kept: findings, exempted: [] };
  const asked = parseExemptions(annotation);
  const allowed = exemptionsAllowed(object.metadata.namespace, context.topology);
  const found = new Set(findings.map(({ rule }) => rule));
  const used = new Set(
    allowed ? asked.filter(({ rule, reason }) => reason !== "" && found.has(rule)).map(({ rule }) => rule) : [],
  );
  const useless = asked
    .filter(({ rule }) => !used.has(rule))
    .map((exemption) => uselessExemption(exemption, ref, { allowed, known: context.ruleIds.has(exemption.rule) }));
  return {
    kept: [...findings.filter(({ rule }) => !used.has(rule)), ...useless].sort((a, b) =>
      compareSeverity(a.severity, b.severity),
    ),
    exempted: [...used].sort(),
  };
}

/** The id of findings about the annotation itself. It cannot be exempted. */
export const EXEMPTION_RULE = "exemption-without-effect";

function uselessExemption(
  { rule, reason }: Exemption,
  object: ObjectRef,
  { allowed, known }: { readonly allowed: boolean; readonly known: boolean },
): Finding {
  const [message, hint] = !known
    ? [`there is no rule \`${rule}\``, "Run `sluice rules` for the list of ids; write one `<rule id>: reason` a line."]
    : reason === ""
      ? [`the exemption from \`${rule}\` gives no reason, so it does not count`, `Write \`${rule}: <why>\`.`]
      : !allowed
        ? [
            `namespace \`${object.namespace}\` does not allow exemptions`,
            `Ask the platform team to label it \`${ALLOW_EXEMPTIONS_LABEL}=true\`.`,
          ]
        : [`rule \`${rule}\` finds nothing here, so the exemption is not needed`, "Remove the line."];
  return {
    rule: EXEMPTION_RULE,
    severity: "warning",
    scope: "object",
    title: "An exemption has no effect",
    message,
    hint,
    object,
    path: ["metadata", "annotations", IGNORE_ANNOTATION],
  };
}
