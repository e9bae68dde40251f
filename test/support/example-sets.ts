import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { rules } from "../../src/lint/rules/index.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { type Decoded, decodeObject } from "../../src/model/decode.ts";
import { formatPath } from "../../src/model/field-path.ts";
import type { Finding } from "../../src/model/finding.ts";
import { identityOf } from "../../src/model/object-ref.ts";
import { buildTopology } from "../../src/model/topology.ts";
import { objectsOf } from "./topology-of.ts";

/** Objects that are read together, such as those of one example or of one guide. */
export type ExampleSet = { readonly title: string; readonly objects: readonly Decoded[] };

const FOLDERS = ["test/fixtures/manifests", "test/fixtures/manifests-head", "test/fixtures/cluster-objects"];

/** Objects of the kinds that are known; of several with one identity the last. */
export function decodedOf(raws: readonly unknown[]): readonly Decoded[] {
  const found = new Map<string, Decoded>();
  for (const raw of raws) {
    const outcome = decodeObject(raw);
    if (outcome.status === "decoded") found.set(identityOf(outcome.decoded.ref), outcome.decoded);
  }
  return [...found.values()];
}

/** Every example of every rule, bad ones first, and every folder of manifests. */
export function exampleSets(): readonly ExampleSet[] {
  const examples = rules.flatMap((rule) =>
    [...rule.bad, ...rule.good].map(({ name, yaml }) => ({
      title: `${rule.id}: ${name}`,
      objects: decodedOf(objectsOf(yaml)),
    })),
  );
  const guides = FOLDERS.flatMap((folder) => {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yaml"));
    const folders = new Set(files.map((file) => file.split("/").slice(0, -1).join("/")));
    return [...folders].map((part) => ({
      title: join(folder, part),
      objects: decodedOf(
        files
          .filter((file) => file.split("/").slice(0, -1).join("/") === part)
          .flatMap((file) => objectsOf(readFileSync(join(folder, file), "utf8"))),
      ),
    }));
  });
  return [...examples, ...guides];
}

const NAMESPACED_FIELDS = new Set(["namespace", "bodyNamespace"]);

/** A value with `suffix` behind every namespace that it names in a field of its own. */
function withSuffix(value: unknown, suffix: string, isNamespace: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => withSuffix(item, suffix, isNamespace));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const named = NAMESPACED_FIELDS.has(key) || (isNamespace && key === "name");
      return [
        key,
        named && typeof inner === "string" && inner !== ""
          ? `${inner}${suffix}`
          : withSuffix(inner, suffix, isNamespace && key === "metadata"),
      ];
    }),
  );
}

/** The objects in namespaces of their own. */
export const elsewhere = (objects: readonly Decoded[], suffix: string): readonly Decoded[] =>
  decodedOf(objects.map(({ raw, ref }) => withSuffix(raw, suffix, ref.kind === "Namespace")));

/** Every set at once, each in namespaces of its own. */
export const world = (sets: readonly ExampleSet[]): readonly Decoded[] =>
  decodedOf(sets.flatMap(({ objects }, at) => elsewhere(objects, `-${at}`).map(({ raw }) => raw)));

/** All that a reader is told by a finding, as text. */
export const wholeText = ({ object, path, mend, ...finding }: Finding): string =>
  JSON.stringify({ ...finding, object: identityOf(object), path: formatPath(path) });

/**
 * Rules whose mistake shows in several objects: they tell it at the one that was read last (src/lint/arrival.ts), so that
 * order decides where it stands, and not whether it is found.
 */
export const TOLD_AT_THE_LAST: ReadonlySet<string> = new Set([
  "credential-injection-stripped",
  "dnspolicy-listener-without-hostname",
  "egress-listener-not-http",
  "egress-no-tls-origination",
  "merge-toplevel-when-gates-parent",
  "mesh-dns-captured",
  "policy-shadowed",
  "route-hostname-broader-than-listener",
  "serviceentry-host-conflict",
  "serviceentry-waypoint-unbound",
  "tls-origination-wrong-port",
  "waypoint-tls-port-l7",
]);

/** Which rules found something, however often and wherever it is told. */
export const rulesIn = (findings: readonly Pick<Finding, "rule">[]): readonly string[] =>
  [...new Set(findings.map(({ rule }) => rule))].toSorted();

/** Everything that all rules find in these objects, in the strict profile. */
export const allFindings = (objects: readonly Decoded[]): readonly Finding[] =>
  lintTopology(buildTopology(objects), { rules, profile: "strict" });
