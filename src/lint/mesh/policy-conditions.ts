import type { FieldPath } from "../../model/field-path.ts";
import type { Kinds } from "../../model/kinds.ts";

type Policy = Kinds["AuthorizationPolicy"];

/** One object that a policy targets, and where it says so. */
export type PolicyTarget = {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly path: FieldPath;
};

/** The targets of an AuthorizationPolicy: `targetRefs`, and `targetRef`, its older form. */
export function targetsOf({ spec }: Policy): readonly PolicyTarget[] {
  const { targetRef, targetRefs = [] } = spec ?? {};
  const listed = targetRefs.map((ref, index) => ({ ref, path: ["spec", "targetRefs", index] }));
  const all = targetRef === undefined ? listed : [{ ref: targetRef, path: ["spec", "targetRef"] }, ...listed];
  return all.map(({ ref: { kind = "", name = "", namespace }, path }) => ({ kind, name, namespace, path }));
}

/** What an AuthorizationPolicy does with requests that match; absent is ALLOW. */
export const actionOf = ({ spec }: Policy): string => spec?.action ?? "ALLOW";

/** Conditions of a rule that nobody can judge who does not see the HTTP request. */
const HTTP_OPERATIONS = ["hosts", "notHosts", "methods", "notMethods", "paths", "notPaths"] as const;
const HTTP_SOURCES = ["requestPrincipals", "notRequestPrincipals", "remoteIpBlocks", "notRemoteIpBlocks"] as const;

type HttpCondition = { readonly rule: number; readonly path: FieldPath; readonly field: string };

/**
 * The conditions of a policy that need HTTP, in the order in which they are written.
 * Source: istio pilot/pkg/serviceregistry/ambient/authorization.go, handleRule.
 */
export function httpConditions({ spec }: Policy): readonly HttpCondition[] {
  return (spec?.rules ?? []).flatMap(({ from = [], to = [], when = [] }, rule) => {
    const at = (path: FieldPath, field: string): HttpCondition => ({
      rule,
      path: ["spec", "rules", rule, ...path],
      field,
    });
    const given = (values: readonly string[] | undefined): boolean => values !== undefined && values.length > 0;
    return [
      ...from.flatMap(({ source = {} }, index) =>
        HTTP_SOURCES.filter((field) => given(source[field])).map((field) =>
          at(["from", index, "source", field], field),
        ),
      ),
      ...to.flatMap(({ operation = {} }, index) =>
        HTTP_OPERATIONS.filter((field) => given(operation[field])).map((field) =>
          at(["to", index, "operation", field], field),
        ),
      ),
      ...when.flatMap(({ key = "" }, index) => (key.startsWith("request.") ? [at(["when", index, "key"], key)] : [])),
    ];
  });
}
