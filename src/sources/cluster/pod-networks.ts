import type { Transport } from "./transport.ts";

/** A cluster of the largest supported size has 5,000 nodes. SOURCE: kubernetes.io, Considerations for large clusters. */
const MAX_NODES = 5_000;

type NodeList = { readonly items?: readonly { readonly spec?: { readonly podCIDRs?: readonly unknown[] } }[] };

/**
 * The networks that the nodes give their pods' addresses from, as far as the cluster assigns them (`spec.podCIDRs`), each
 * once. Undefined where they cannot be read: no account needs to be allowed to, and some network plugins keep their own.
 */
export async function readPodNetworks(transport: Pick<Transport, "request">): Promise<readonly string[] | undefined> {
  try {
    const { status, body } = await transport.request("GET", "/api/v1/nodes", { query: { limit: String(MAX_NODES) } });
    if (status !== 200) return undefined;
    const networks = ((body as NodeList | null)?.items ?? []).flatMap((node) => node?.spec?.podCIDRs ?? []);
    return [...new Set(networks.filter((network): network is string => typeof network === "string"))];
  } catch {
    return undefined;
  }
}
