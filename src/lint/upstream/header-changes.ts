import type { Route } from "../../model/attachment.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type { BackendRef } from "../../model/kinds/route.ts";

/** One change of a request header by a route. Filters run in the router, after authentication and injection. */
export type HeaderChange = {
  /** Lower-case name. */
  readonly header: string;
  readonly does: "removes" | "overwrites" | "duplicates";
  readonly path: FieldPath;
  /** Whether some requests of the rule go to a backend without it. */
  readonly partial: boolean;
};

type Filters = NonNullable<BackendRef["filters"]>;

/** Every change of a request header that one rule of a route makes, for all of its backends or for one of them. */
export function headerChanges(route: Route, ruleIndex: number): readonly HeaderChange[] {
  const { filters = [], backendRefs = [] } = route.spec?.rules?.[ruleIndex] ?? {};
  const at: FieldPath = ["spec", "rules", ruleIndex];
  const others = backendRefs.filter(({ weight }) => weight !== 0).length > 1;
  return [
    ...changesBy(filters, [...at, "filters"], false),
    ...backendRefs.flatMap((backend, index) =>
      backend.weight === 0 ? [] : changesBy(backend.filters ?? [], [...at, "backendRefs", index, "filters"], others),
    ),
  ];
}

const changesBy = (filters: Filters, at: FieldPath, partial: boolean): readonly HeaderChange[] =>
  filters.flatMap(({ requestHeaderModifier: change = {} }, index) => {
    const path = [...at, index, "requestHeaderModifier"];
    const written = (field: "set" | "add", does: HeaderChange["does"]): readonly HeaderChange[] =>
      (change[field] ?? []).map(({ name = "" }, position) => ({
        header: name.toLowerCase(),
        does,
        path: [...path, field, position, "name"],
        partial,
      }));
    return [
      ...(change.remove ?? []).map(
        (name, position): HeaderChange => ({
          header: name.toLowerCase(),
          does: "removes",
          path: [...path, "remove", position],
          partial,
        }),
      ),
      ...written("set", "overwrites"),
      ...written("add", "duplicates"),
    ];
  });
