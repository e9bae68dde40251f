import type { InjectionInput } from "../../src/inject/decide.ts";
import { type ClusterFacts, fixedResolver } from "../../src/inject/facts.ts";
import { buildProfile } from "../../src/inject/profile.ts";

/** The address of our resolver in these tests, and an earlier one. */
export const OURS = "10.96.0.53";
export const EARLIER = "10.96.0.7";

export const PROFILE = buildProfile();

export const CLUSTER: ClusterFacts = {
  resolver: fixedResolver([OURS]),
  gatewaySelectors: [{ namespace: "apps", labels: [["app", "custom-gateway"]] }],
  egressNames: { exact: new Set(["api.openai.com"]), suffixes: [".anthropic.com"] },
};

/** A pod as the API server sends it, with the given members of metadata and spec. */
export const podWith = (spec: object = {}, metadata: object = {}): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "apps", ...metadata },
  spec: { containers: [{ name: "app", image: "example.org/app:1" }], dnsPolicy: "ClusterFirst", ...spec },
});

/** The creation of a plain pod in an enabled namespace, with the given differences. */
export const inputWith = (changes: Partial<InjectionInput> & { egress?: string } = {}): InjectionInput => {
  const { egress = "enabled", ...rest } = changes;
  return {
    pod: podWith(),
    namespace: { name: "apps", labels: { "sluice.dev/egress": egress } },
    cluster: CLUSTER,
    profile: PROFILE,
    knownPreviousAddresses: [EARLIER],
    operation: "CREATE",
    subResource: "",
    groups: ["system:authenticated"],
    ...rest,
  };
};

/** What an injected plain pod gets. */
export const CONFIG = {
  nameservers: [OURS],
  searches: ["apps.svc.cluster.local", "svc.cluster.local", "cluster.local"],
  options: [
    { name: "ndots", value: "5" },
    { name: "timeout", value: "2" },
    { name: "attempts", value: "3" },
  ],
};
