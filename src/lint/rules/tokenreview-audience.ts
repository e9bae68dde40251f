import { type AuthItem, authFlows, itemsOf } from "../auth/auth-flow.ts";
import { POLICY } from "../auth/example-objects.ts";
import { isApiServerAudience } from "../auth/token-audiences.ts";
import { defineRule, type Report } from "../rule.ts";

function reportsOn({ value, path }: AuthItem<"authentication">): readonly Report[] {
  const review = value.kubernetesTokenReview;
  if (review === undefined) return [];
  const { audiences = [] } = review;
  const at = [...path, "kubernetesTokenReview"];
  if (audiences.length === 0) {
    return [
      {
        path: audiences === review.audiences ? [...at, "audiences"] : at,
        at: "key",
        message:
          "without audiences the token must be issued for the request's host; ordinary ServiceAccount tokens of pods get 401",
      },
    ];
  }
  if (!audiences.every(isApiServerAudience)) return [];
  return [
    {
      path: [...at, "audiences", 0],
      severity: "warning",
      message: `a token for \`${audiences[0]}\` opens the Kubernetes API too, so that every leak of one is a leak of API access`,
    },
  ];
}

export const rule = defineRule({
  id: "tokenreview-audience",
  kinds: ["AuthPolicy"],
  reads: [],
  severity: "error",
  scope: "object",
  title: "A TokenReview asks for the wrong audience",
  why: "A ServiceAccount token is valid for its audiences only. With none listed, Authorino asks for the host that is called, which default tokens are not for; a token for the API server is worth stealing.",
  fix: "List an audience of your own, `audiences: [egress-gateway]`, and mount a projected `serviceAccountToken` with `audience: egress-gateway` and `expirationSeconds: 3600`.",
  sources: [
    "authorino 58fecc6c pkg/evaluators/identity/kubernetes_auth.go: the host of the request is the default audience",
    "Observed on Authorino 58fecc6c: without audiences, and with one that the token does not have, every request gets 401",
    "Kubernetes: service account token volume projection",
  ],
  since: "0.2.0",

  check(object) {
    return authFlows(object).flatMap((flow) => itemsOf(flow, "authentication").flatMap(reportsOn));
  },

  bad: [
    {
      name: "no audiences",
      finds: [{ path: 'spec.rules.authentication["workload-sa"].kubernetesTokenReview' }],
      yaml: `${POLICY}
          rules:
            authentication: {workload-sa: {kubernetesTokenReview: {}}}`,
    },
    {
      name: "an empty list of audiences, in defaults",
      finds: [{ path: 'spec.defaults.rules.authentication["workload-sa"].kubernetesTokenReview.audiences' }],
      yaml: `${POLICY}
          defaults:
            rules:
              authentication: {workload-sa: {kubernetesTokenReview: {audiences: []}}}`,
    },
    {
      name: "the API server's audience only",
      finds: [
        {
          path: 'spec.rules.authentication["workload-sa"].kubernetesTokenReview.audiences[0]',
          severity: "warning",
        },
      ],
      yaml: `${POLICY}
          rules:
            authentication:
              workload-sa: {kubernetesTokenReview: {audiences: ["https://kubernetes.default.svc.cluster.local", "https://kubernetes.default.svc"]}}`,
    },
  ],
  good: [
    {
      name: "an audience of its own",
      yaml: `${POLICY}
          rules:
            authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress-gateway]}}}`,
    },
    {
      name: "the issuer of another cluster, and a name that only begins like the API server's",
      yaml: `${POLICY}
          rules:
            authentication:
              remote: {kubernetesTokenReview: {audiences: ["https://oidc.example.com/id/1234"]}}
              near: {kubernetesTokenReview: {audiences: [kubernetes.default.svcs]}}`,
    },
    {
      name: "an audience of its own beside the API server's",
      yaml: `${POLICY}
          rules:
            authentication:
              workload-sa: {kubernetesTokenReview: {audiences: [egress-gateway, "https://kubernetes.default.svc"]}}`,
    },
  ],
});
