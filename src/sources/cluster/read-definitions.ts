import type { ApiResource } from "./api-resource.ts";
import { listObjects } from "./list-objects.ts";
import type { RawObject } from "./raw-object.ts";
import type { Transport } from "./transport.ts";

/** The kind of definitions themselves. */
export const DEFINITIONS: ApiResource = {
  kind: "CustomResourceDefinition",
  group: "apiextensions.k8s.io",
  versions: ["v1"],
  plural: "customresourcedefinitions",
};

/** The definitions of a cluster, or why they are not to be had. */
export type ReadDefinitions =
  | { readonly status: "read"; readonly definitions: readonly RawObject[] }
  | { readonly status: "unread"; readonly reason: string };

/** Lists the CustomResourceDefinitions of a cluster. Rejects only when nobody answers (SLUICE_CLUSTER_UNREACHABLE). */
export async function readDefinitions(
  transport: Pick<Transport, "request">,
  signal: AbortSignal,
): Promise<ReadDefinitions> {
  const listed = await listObjects({ transport, resource: DEFINITIONS, metadataOnly: false, signal });
  if (listed.outcome === "listed") return { status: "read", definitions: listed.items };
  const reason = listed.outcome === "absent" ? "the server serves none" : listed.reason;
  return { status: "unread", reason };
}
