import type { FieldEdit, Mend } from "../../model/edit.ts";
import type { FieldPath } from "../../model/field-path.ts";
import { isWildcard } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";

type HttpRule = NonNullable<NonNullable<Kinds["HTTPRoute"]["spec"]>["rules"]>[number];

/** The filter that puts a rule's only backend into the Host header; undefined when the rule has others. */
export function rewritingTo(host: string, { backendRefs = [], filters }: HttpRule, rule: FieldPath): Mend | undefined {
  const used = backendRefs.filter(({ weight }) => weight !== 0);
  if (used.length !== 1 || isWildcard(host)) return undefined;
  const at = [...rule, "filters"];
  const filter = { type: "URLRewrite", urlRewrite: { hostname: host } };
  // A rule takes one filter of the type, which may rewrite the path already.
  const known = (filters ?? []).findIndex(({ type }) => type === "URLRewrite");
  const edit: FieldEdit =
    filters === undefined
      ? { op: "set", path: at, value: [filter] }
      : known < 0
        ? { op: "set", path: [...at, filters.length], value: filter }
        : { op: "set", path: [...at, known, "urlRewrite", "hostname"], value: host };
  return { title: `add a rewrite of the host to \`${host}\``, edits: [edit] };
}
