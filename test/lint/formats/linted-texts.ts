import { createHash } from "node:crypto";
import type { FormatOptions, LintReport } from "../../../src/lint/formats/format.ts";
import type { LocatedFinding } from "../../../src/lint/located-finding.ts";
import { rules } from "../../../src/lint/rules/index.ts";
import { lintTopology } from "../../../src/lint/run.ts";
import type { Finding } from "../../../src/model/finding.ts";
import { identityOf } from "../../../src/model/object-ref.ts";
import { buildTopology } from "../../../src/model/topology.ts";
import { mergeObjects, objectsOfText } from "../../../src/sources/manifests.ts";

export type Linted = { readonly report: LintReport; readonly options: FormatOptions };

/** Texts judged as the files of one cluster, ready to be formatted; nothing is on disk. */
export function lintTexts(files: Readonly<Record<string, string>>): Linted {
  const merged = mergeObjects(Object.entries(files).map(([file, text]) => objectsOfText(text, file)));
  const places = new Map(merged.decoded.map(({ ref, locate }) => [identityOf(ref), locate]));
  const findings = lintTopology(buildTopology(merged.decoded), { rules, profile: "strict" });
  const located = (finding: Finding): LocatedFinding => {
    const place = places.get(identityOf(finding.object))?.(finding.path, finding.at ?? finding.range ?? "value");
    const related = (finding.related ?? []).map(({ object, path }) => places.get(identityOf(object))?.(path));
    return { finding, related, ...(place === undefined ? {} : { place }) };
  };
  const count = (severity: string) => findings.filter((finding) => finding.severity === severity).length;
  const errors = count("error");
  return {
    report: {
      findings: findings.map(located),
      problems: merged.problems,
      objects: merged.decoded,
      summary: {
        errors,
        warnings: count("warning"),
        objects: merged.decoded.length,
        files: Object.keys(files).length,
      },
      exitCode: merged.problems.some(({ severity }) => severity === "error") ? 2 : errors > 0 ? 1 : 0,
    },
    options: {
      ...optionsOf(files),
      rawOf: (ref) => merged.decoded.find((object) => identityOf(object.ref) === identityOf(ref))?.raw,
    },
  };
}

/** Options of a run whose files are these texts. */
export const optionsOf = (files: Readonly<Record<string, string>>): FormatOptions => ({
  rules,
  version: "1.2.3",
  quiet: false,
  notes: [],
  paint: (_style, text) => text,
  lineOf: (file, line) => files[file]?.split("\n")[line - 1],
  rawOf: () => undefined,
  digest: (text) => createHash("sha256").update(text).digest("hex"),
  fileOf: (path) => ({ kind: path === "<stdin>" ? "stream" : "inside", path }),
  replacementsOf: () => undefined,
});

/** A rate limit policy that counts by the address of the client, once for each name. */
export const policyCounting = (...limits: readonly string[]): string => `apiVersion: kuadrant.io/v1
kind: RateLimitPolicy
metadata: {name: limits, namespace: gateway-system}
spec:
  targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
  limits:
${limits
  .map(
    (name) => `    ${name}:
      counters:
        - expression: "'client ' + source.address"
      rates: [{limit: 1, window: 1m}]
`,
  )
  .join("")}`;

/** An AuthPolicy that holds a credential. */
export const SECRET = "sk-live-4f9a8b7c6d5e";
export const policyWithSecret = `apiVersion: kuadrant.io/v1
kind: AuthPolicy
metadata: {name: auth, namespace: gateway-system}
spec:
  targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
  rules:
    authentication:
      anyone: {anonymous: {}}
    response:
      success:
        headers:
          authorization:
            plain: {value: "Bearer ${SECRET}"}
`;

/** A finding about nothing in particular, for texts that no rule would write. */
export const findingWith = (change: Partial<LocatedFinding["finding"]> = {}): LocatedFinding => ({
  finding: {
    rule: "policy-target-missing",
    severity: "error",
    scope: "absence",
    title: "The target is not there",
    message: "the policy does nothing",
    hint: "Correct the name.",
    object: { apiVersion: "kuadrant.io/v1", kind: "AuthPolicy", namespace: "g", name: "x" },
    path: ["spec", "targetRef", "name"],
    ...change,
  },
  place: { file: "a.yaml", line: 3, column: 5, endLine: 3, endColumn: 9 },
});

/** A run with these findings and nothing else. */
export const reportOf = (findings: readonly LocatedFinding[]): LintReport => ({
  findings,
  problems: [],
  objects: [],
  summary: {
    errors: findings.filter(({ finding }) => finding.severity === "error").length,
    warnings: findings.filter(({ finding }) => finding.severity === "warning").length,
    objects: 1,
    files: 1,
  },
  exitCode: 1,
});
