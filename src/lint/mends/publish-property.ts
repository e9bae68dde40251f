import type { ObjectEdit } from "../../model/edit.ts";
import type { EffectivePolicy, EffectiveRule } from "../../model/effective-policy.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type { AuthenticationItem } from "../../model/kinds/auth-policy.ts";
import type { Kinds } from "../../model/kinds.ts";
import { refOf } from "../../model/topology.ts";
import { filterNamed, type Publication, propertyOf } from "../expressions/published-filters.ts";

/** The AuthPolicy that decides what is published, and the path of its filters. */
type Publisher = {
  readonly policy: Kinds["AuthPolicy"];
  readonly path: FieldPath;
  /** Whether one of its rules is in effect: only then what is added to it is as well. */
  readonly certain: boolean;
};

/** The most specific policy that brings a rule, and the path at which it should publish. */
export function publisherIn(auth: EffectivePolicy | undefined): Publisher | undefined {
  const brought = new Map([...(auth?.rules.values() ?? [])].map((rule) => [rule.policy, rule]));
  const policy = auth?.policies.findLast((candidate) => brought.has(candidate)) ?? auth?.policies.at(-1);
  if (policy?.kind !== "AuthPolicy") return undefined;
  const block = brought.get(policy)?.path[1];
  const base = block === "defaults" || block === "overrides" ? ["spec", block] : ["spec"];
  const path = [...base, "rules", "response", "success", "filters"];
  return { policy, path, certain: brought.has(policy) };
}

const methodsOf = (auth: EffectivePolicy): readonly AuthenticationItem[] =>
  [...auth.rules.values()]
    .filter(({ key }: EffectiveRule) => key.startsWith("authentication/"))
    .map(({ value }) => value as AuthenticationItem);

/** Where Authorino has a value that every identity of the policy has; undefined for any other. */
function selectorOf(property: string, auth: EffectivePolicy): string | undefined {
  const methods = methodsOf(auth);
  if (methods.length === 0) return undefined;
  const reviewed = methods.every(({ kubernetesTokenReview }) => kubernetesTokenReview !== undefined);
  if (reviewed && (property === "username" || property === "uid")) return `auth.identity.user.${property}`;
  return property === "sub" && methods.every(({ jwt }) => jwt !== undefined) ? "auth.identity.sub" : undefined;
}

/** The name of the filter that the guides publish identities under: no other is added. */
const IDENTITY = "identity";

/** What has to be added for one publication; "nothing" when it is published, undefined when that is not certain. */
function missingIn(publication: Publication, filter: string, property: string): ObjectEdit | "nothing" | undefined {
  const { auth, filters } = publication;
  const known = filterNamed(filters, filter);
  if (known !== undefined && propertyOf(known, property) !== undefined) return "nothing";
  const selector = auth === undefined ? undefined : selectorOf(property, auth);
  const published = filters.flatMap(({ item }) => [item.plain, ...Object.values(item.json?.properties ?? {})]);
  // Under another name it is there already: which of the two is meant cannot be said.
  const elsewhere = published.some((one) => (one?.selector ?? one?.expression)?.trim() === selector);
  if (selector === undefined || elsewhere) return undefined;
  const tail = ["json", "properties", property];
  if (known !== undefined) {
    const path = [...known.path, ...tail];
    return known.item.json === undefined
      ? undefined
      : { op: "set", path, value: { selector }, object: refOf(known.policy) };
  }
  const publisher = publisherIn(auth);
  if (publisher?.certain !== true || filter !== IDENTITY) return undefined;
  return {
    op: "set",
    path: [...publisher.path, filter, ...tail],
    value: { selector },
    object: refOf(publisher.policy),
  };
}

/**
 * What makes `auth.<filter>.<property>` readable in all publications: none when it is, one edit of the AuthPolicy that
 * is meant, and undefined when there are several, or it is not certain what to publish.
 */
export function publishing(
  publications: readonly Publication[],
  filter: string,
  property: string,
): readonly ObjectEdit[] | undefined {
  const missing = publications.map((publication) => missingIn(publication, filter, property));
  if (missing.includes(undefined)) return undefined;
  const edits = missing.filter((edit): edit is ObjectEdit => typeof edit === "object");
  const different = new Map(edits.map((edit) => [JSON.stringify(edit), edit]));
  return different.size > 1 ? undefined : [...different.values()];
}
