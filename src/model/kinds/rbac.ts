import { fields, listOf, text } from "../shape.ts";

/** rbac.authorization.k8s.io/v1 Role */
export const roleShape = fields({
  rules: listOf(
    fields({ apiGroups: listOf(text), resources: listOf(text), resourceNames: listOf(text), verbs: listOf(text) }),
  ),
});

/** rbac.authorization.k8s.io/v1 RoleBinding */
export const roleBindingShape = fields({
  roleRef: fields({ apiGroup: text, kind: text, name: text }),
  subjects: listOf(fields({ kind: text, apiGroup: text, name: text, namespace: text })),
});
