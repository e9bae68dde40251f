import type { SourceLog } from "../source-log.ts";
import { type ApiResource, rbacRuleOf } from "./api-resource.ts";
import type { ReflectorReport } from "./reflector.ts";

export type ClusterLog = { report(resource: ApiResource, report: ReflectorReport): void };

/** The same trouble is written again after this time, in between it goes to the debug log. */
const REPEAT_MS = 60_000;

/** Remembers what has been written. Reasons hold names and versions, so that their number has to be bounded. */
function createReminder(now: () => number) {
  const writtenMs = new Map<string, number>();
  return {
    forget: () => writtenMs.clear(),
    isDue(key: string): boolean {
      const last = writtenMs.get(key);
      if (last !== undefined && now() - last < REPEAT_MS) return false;
      if (writtenMs.size > 1_000) writtenMs.clear();
      writtenMs.set(key, now());
      return true;
    },
  };
}

/**
 * Writes what reflectors report. An API server that is away makes two dozen of them fail every few seconds in the
 * same way: that is one line a minute, not thousands.
 */
export function clusterLog(options: {
  readonly log: SourceLog;
  readonly now: () => number;
  readonly server: string;
}): ClusterLog {
  const { log, now, server } = options;
  const absent = new Set<string>();
  const due = createReminder(now);
  return {
    report(resource, report) {
      const { kind, group } = resource;
      switch (report.event) {
        case "listed": {
          const fields = { kind, version: report.version, objects: report.objects };
          if (absent.delete(kind)) return log.info(fields, "kind is installed now");
          return log.debug(fields, "objects listed");
        }
        case "recovered":
          due.forget();
          return log.debug({ kind }, "watching again");
        case "absent":
          absent.add(kind);
          return log.debug({ kind, group }, "kind is not installed, waiting for its definition");
        case "relisting":
          return log.debug({ kind, reason: report.reason }, "listing anew");
        case "forbidden": {
          const hint = `grant ${rbacRuleOf(resource)} in a ${resource.only === undefined ? "ClusterRole" : "Role"}`;
          const write = kind === "CustomResourceDefinition" ? log.info : log.error;
          if (!due.isDue(`forbidden ${kind}`)) return;
          return write.call(log, { kind, reason: report.reason, hint }, "not allowed to read objects of this kind");
        }
        case "failing": {
          const fields = { kind, server, reason: report.reason };
          if (!due.isDue(report.reason)) return log.debug(fields, "reading from the API server fails");
          return log.warn(fields, "reading from the API server fails, the last state is kept");
        }
      }
    },
  };
}
