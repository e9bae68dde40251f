import { podWith } from "../inject/inputs.ts";

/** A review of a pod's creation, with the given members of `request`. */
export const reviewOf = (changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  apiVersion: "admission.k8s.io/v1",
  kind: "AdmissionReview",
  request: {
    uid: "13117d9f-ce4b-486c-99a5-768a53998922",
    kind: { group: "", version: "v1", kind: "Pod" },
    resource: { group: "", version: "v1", resource: "pods" },
    name: "web",
    namespace: "apps",
    operation: "CREATE",
    userInfo: { username: "jane", groups: ["system:authenticated"] },
    object: podWith(),
    oldObject: null,
    dryRun: false,
    ...changes,
  },
});
