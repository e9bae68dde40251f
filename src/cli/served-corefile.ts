import { createHash } from "node:crypto";
import { corefileEnvironment } from "../config/load.ts";
import type { CorefileFiles } from "../dns/corefile/corefile-files.ts";
import { formatDiagnostic } from "../dns/corefile/diagnostic.ts";
import { createDiskFiles } from "../dns/corefile/disk-files.ts";
import type { Environment } from "../dns/corefile/environment.ts";
import { DEFAULT_COREFILE } from "../dns/directives/default-corefile.ts";
import { type LoadedServer, loadCorefile } from "../dns/directives/load-corefile.ts";
import { formatUpstream, type UpstreamAddress } from "../dns/upstream/address.ts";
import { SluiceError } from "../model/errors.ts";

/** The Corefile that a process serves: a file, or the one that is used when none is given. */
export type ServedCorefile = {
  /** As it was named; undefined for the default one. */
  readonly file: string | undefined;
  /** Reads it anew. Throws a SluiceError with everything that is wrong. */
  load(): LoadedText;
};

export type LoadedText = {
  readonly servers: readonly LoadedServer[];
  /** SHA-512 of the text and of every file that it reads, in hexadecimal: it changes when any of them does. */
  readonly hash: string;
};

export type ServedCorefileInput = {
  readonly file: string | undefined;
  readonly environment: Environment;
  /** The first is what `{$SLUICE_CLUSTER_DNS}` stands for where the environment does not say; the default uses all. */
  readonly clusterDns: () => readonly UpstreamAddress[];
  readonly log: { warn(fields: object, message: string): void };
};

/** How errors name the Corefile that is used when none is given. */
const DEFAULT_NAME = "(default Corefile)";
/** The port of a DNS server (RFC 1035 section 4.2); a listen address takes its place. */
const DNS_PORT = "53";

export function createServedCorefile({ file, environment, clusterDns, log }: ServedCorefileInput): ServedCorefile {
  return {
    file,
    load() {
      const { files, hash } = hashingFiles(createDiskFiles());
      const [first] = clusterDns();
      const text = file === undefined ? defaultText(clusterDns()) : readText(file, files);
      const loaded = loadCorefile({
        file: file ?? DEFAULT_NAME,
        text,
        environment: {
          SLUICE_DNS_PORT: DNS_PORT,
          SLUICE_CLUSTER_DNS: first === undefined ? "" : formatUpstream(first),
          ...environment,
        },
        files,
        compatibility: "strict",
      });
      const wrong = loaded.diagnostics.filter(({ severity }) => severity === "error");
      for (const warning of loaded.diagnostics.filter((one) => !wrong.includes(one))) {
        log.warn({ at: formatDiagnostic(warning) }, "corefile has a part without effect");
      }
      if (loaded.servers === undefined) {
        throw new SluiceError(
          "SLUICE_CONFIG_INVALID",
          wrong.map(formatDiagnostic).join("\n"),
          "mend the Corefile; 'sluice dns check FILE' reads it without starting anything",
        );
      }
      return { servers: loaded.servers, hash: hash() };
    },
  };
}

/**
 * The server blocks of a Corefile before anything is known of the cluster: its own DNS is taken to be this machine.
 * Throws a SluiceError with everything that is wrong.
 */
export function readCorefile(file: string): readonly LoadedServer[] {
  const clusterDns = () => [{ host: "127.0.0.1", port: 53, family: 4 }] as const;
  const silent = { warn: () => undefined };
  return createServedCorefile({ file, environment: corefileEnvironment(), clusterDns, log: silent }).load().servers;
}

/** A variable is one word, and there may be several servers. */
const defaultText = (servers: readonly UpstreamAddress[]): string =>
  servers.length < 2
    ? DEFAULT_COREFILE
    : DEFAULT_COREFILE.replace("{$SLUICE_CLUSTER_DNS}", servers.map(formatUpstream).join(" "));

function readText(file: string, files: CorefileFiles): string {
  const read = files.read(file);
  if (read.ok) return read.value;
  throw new SluiceError("SLUICE_INPUT_UNREADABLE", `${file}: ${read.problems.join("; ")}`, "check the path");
}

/** Notes what is read, so that a change of an imported file is noticed too. */
function hashingFiles(disk: CorefileFiles): { readonly files: CorefileFiles; readonly hash: () => string } {
  const hash = createHash("sha512");
  return {
    files: {
      ...disk,
      read(path) {
        const read = disk.read(path);
        hash.update(`${path}\0${read.ok ? read.value : ""}\0`);
        return read;
      },
    },
    hash: () => hash.digest("hex"),
  };
}
