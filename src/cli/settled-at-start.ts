import type { Config } from "../config/schema.ts";
import type { CorefileLine } from "../dns/corefile/corefile.ts";
import { formatDiagnostic } from "../dns/corefile/diagnostic.ts";
import type { LoadedServer } from "../dns/directives/load-corefile.ts";
import { SluiceError } from "../model/errors.ts";
import { clusterNamedBy } from "./chosen-cluster.ts";
import { snapshotFile } from "./remembered-names.ts";

type Servers = readonly LoadedServer[];

/** The directives that read objects. */
const readersOf = (servers: Servers) =>
  servers.flatMap(({ directives }) => directives).filter((one) => one.name === "sluice" || one.name === "kuadrant");

/** Where an option is written, or the first of those directives when it is left out. */
function problemAt(readers: readonly { readonly line: CorefileLine }[], option: string, message: string): string {
  const lines = readers.map(({ line }) => line);
  const written = lines.flatMap(({ block = [] }) => block).find(({ name }) => name.text === option);
  const token = (written ?? lines[0])?.name;
  return token === undefined
    ? message
    : formatDiagnostic({ severity: "error", kind: "lint", place: token.place, message });
}

/**
 * What of a Corefile cannot be taken over while the process runs: where objects come from, and where names are kept.
 * Throws a SluiceError with each of them at its line: a Corefile is taken over whole or not at all.
 */
export function checkSettled(config: Config, atStart: Servers, next: Servers): void {
  const readers = readersOf(next);
  const steering = readers.filter(({ name }) => name === "sluice");
  const problems: string[] = [];
  const readsNothing = config.source === "files" && config.manifests.length === 0 && readersOf(atStart).length === 0;
  if (readsNothing && readers.length > 0) {
    problems.push(problemAt(readers, "", "this process was started without any objects to read"));
  }
  if (steering.length > 0 && snapshotFile(config, next) !== snapshotFile(config, atStart)) {
    problems.push(problemAt(steering, "snapshot", "another 'snapshot' is used from the next start on only"));
  }
  const cluster = (servers: Servers): string => JSON.stringify(clusterNamedBy(config, servers));
  if (config.source !== "files" && readers.length > 0 && cluster(next) !== cluster(atStart)) {
    problems.push(problemAt(readers, "kubeconfig", "another 'kubeconfig' is used from the next start on only"));
  }
  if (problems.length === 0) return;
  throw new SluiceError(
    "SLUICE_CONFIG_INVALID",
    problems.join("\n"),
    "start the process again to take the Corefile over, or undo this change of it",
  );
}
