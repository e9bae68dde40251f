import type { Config } from "../config/schema.ts";
import { rules } from "../lint/rules/index.ts";
import { lintTopology } from "../lint/run.ts";
import { type Admin, startAdmin } from "../observe/admin.ts";
import { listenAddress } from "./listen-address.ts";
import type { ServedObjects } from "./serve-objects.ts";

/** Serves the admin page of what the process knows. Rejects with a SluiceError when its address cannot be had. */
export const startAdminPage = (config: Config, { snapshot, ageSeconds }: ServedObjects): Promise<Admin> =>
  startAdmin(listenAddress(config.adminListen), {
    egressHostnames: () => snapshot.current().egressHostnames,
    findings: () => lintTopology(snapshot.current(), { rules, profile: config.profile }),
    sourceAgeSeconds: ageSeconds,
    synced: () => snapshot.synced(),
    config,
  });
