import { type ClusterFacts, clusterFactsOf, namespaceFactsOf, type ResolverState } from "../inject/facts.ts";
import type { FingerprintedProfile } from "../inject/profile.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { Topology } from "../model/topology.ts";
import type { InjectionFactsSource } from "./mutate.ts";

/** Facts for reviews, read from the current Topology; what holds for the whole cluster is read once for each. */
export function liveFacts(input: {
  readonly snapshot: Pick<Snapshot, "current">;
  readonly profile: FingerprintedProfile;
  readonly knownPreviousAddresses: readonly string[];
  /** The resolver's addresses where they are not those of Services, such as at a desk. */
  readonly resolver?: ResolverState;
}): InjectionFactsSource {
  const { snapshot, profile, knownPreviousAddresses, resolver } = input;
  const given = { ownNamespace: profile.ownNamespace, ...(resolver === undefined ? {} : { resolver }) };
  let read: { readonly topology: Topology; readonly cluster: ClusterFacts } | undefined;
  return (namespace) => {
    const topology = snapshot.current();
    if (read?.topology !== topology) read = { topology, cluster: clusterFactsOf(topology, given) };
    const { cluster } = read;
    return { cluster, namespace: namespaceFactsOf(topology, namespace), profile, knownPreviousAddresses };
  };
}
