import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import type { Cluster } from "./cluster.ts";

const OBSERVED = join(import.meta.dirname, "..", "fixtures", "cluster-objects");
/** What istiod really wrote for the guide's Gateway: an address of type Hostname that names its Service. */
export const GATEWAY_SERVICE_ADDRESS = "10.96.244.188";

type Observed = {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly labels?: Record<string, string> };
  readonly spec: Record<string, unknown>;
  readonly status: { readonly addresses: unknown; readonly conditions: unknown };
};

async function observed(file: string, kind: string): Promise<Observed> {
  const { items } = parse(await readFile(join(OBSERVED, file), "utf8")) as { items: Observed[] };
  const found = items.find((item) => item.kind === kind);
  if (found === undefined) throw new Error(`${file} holds no ${kind}`);
  return found;
}

/**
 * Does for a Gateway what its controller would, with the values that a real istiod wrote: the Service, and the status
 * that names it. The Service goes without owner: the recorded one names a Gateway of another cluster.
 */
export async function programGateway({ kubectl }: Cluster, name: string): Promise<void> {
  const { metadata, spec } = await observed("egress-gateway-workload.yaml", "Service");
  const { status } = await observed("egress-gateway.yaml", "Gateway");
  const { name: serviceName, namespace, labels } = metadata;
  const service = { apiVersion: "v1", kind: "Service", metadata: { name: serviceName, namespace, labels }, spec };
  await kubectl.must(["apply", "--server-side", "-f", "-"], { stdin: JSON.stringify(service) });
  await writeStatus({ kubectl }, name, { addresses: status.addresses, conditions: status.conditions });
}

/** Replaces what the status of a Gateway in `gateway-system` says about addresses and conditions. */
export async function writeStatus({ kubectl }: Pick<Cluster, "kubectl">, name: string, status: object): Promise<void> {
  const patch = JSON.stringify({ status });
  const target = ["gateway", name, "-n", "gateway-system"];
  await kubectl.must(["patch", ...target, "--subresource=status", "--type=merge", "-p", patch]);
}
