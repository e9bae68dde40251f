import { isIP } from "node:net";
import type { AclSettings } from "./directives/acl/setup.ts";
import { networksOf } from "./networks.ts";
import { type PlannedServer, settingsOf } from "./pipeline/plan.ts";
import { DEFAULT_ALLOWED_NETWORKS } from "./server/access.ts";

/** Whether a client may ask for any name of any type, by the lines that are about all names and all types. */
function isRefused(lines: readonly AclSettings[], address: string): boolean {
  if (lines.length === 0) return !networksOf(DEFAULT_ALLOWED_NETWORKS)(address);
  const rules = lines.filter(({ zones }) => zones.includes(".")).flatMap((line) => line.rules);
  const first = rules.find(({ types, networks }) => types === undefined && networksOf(networks)(address));
  return first !== undefined && (first.action === "block" || first.action === "drop");
}

/**
 * Networks whose clients some server block for all names turns away, by the first address of each: a cluster whose pods
 * have public addresses must name them in `acl`. What is no network is passed over.
 */
export function refusedNetworks(
  servers: readonly Pick<PlannedServer, "directives">[],
  networks: readonly string[],
): readonly string[] {
  const acls = servers.map((server) => settingsOf(server, "acl"));
  return networks.filter((network) => {
    const [address = ""] = network.split("/");
    return isIP(address) !== 0 && acls.some((lines) => isRefused(lines, address));
  });
}
