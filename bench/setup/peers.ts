import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { corednsBinary } from "../peers/coredns-binary.ts";

const BUILD = join(import.meta.dirname, "..", "..", "scripts", "build.ts");
const PEERS = join(import.meta.dirname, "..", "peers");

/** Where a server finds what it reads, and where it listens. */
export type Place = {
  readonly port: number;
  /** The file of `bench/configurations`, filled in. */
  readonly configuration: string;
  /** The folder that `writeData` filled. */
  readonly data: string;
};

export type Peer = {
  /** As the tables call it. */
  readonly name: string;
  /** File of `bench/configurations`; undefined where nothing is configured. */
  readonly configuration?: string;
  /** Program and arguments. Every server has one thread of work, except Sluice with more workers. */
  command(place: Place): Promise<readonly string[]>;
};

const execute = promisify(execFile);
const built = new Map<string, Promise<string>>();

/** The program as the image has it, built once for each run. */
function builtProgram(folder: string): Promise<string> {
  const before = built.get(folder);
  if (before !== undefined) return before;
  const program = execute(process.execPath, [BUILD, folder]).then(() => join(folder, "sluice.mjs"));
  built.set(folder, program);
  return program;
}

/** Sluice as the image starts it. `source` says where it reads objects. */
const sluiceArguments = async (place: Place, source: readonly string[], workers: number): Promise<string[]> => [
  ...["env", "NODE_ENV=production", "MALLOC_ARENA_MAX=2", process.execPath],
  ...[await builtProgram(join(place.data, "program")), "dns", "serve", "--corefile", place.configuration, ...source],
  ...["--listen", `127.0.0.1:${place.port}`, "--workers", String(workers), "--log-level", "warn"],
];

const sluiceWith = (name: string, configuration: string, workers = 1): Peer => ({
  name,
  configuration,
  command: async (place) => sluiceArguments(place, ["--manifests", join(place.data, "objects.yaml")], workers),
});

/** Sluice that follows a cluster. */
export const sluiceInCluster = (kubeconfig: string): Peer => ({
  name: "Sluice",
  configuration: "sluice-egress.corefile",
  command: async (place) => sluiceArguments(place, ["--kubeconfig", kubeconfig], 1),
});

const corednsWith = (name: string, configuration: string): Peer => ({
  name,
  configuration,
  command: async (place) => ["env", "GOMAXPROCS=1", await corednsBinary(), "-conf", place.configuration],
});

const nodeProgram = (name: string, file: string): Peer => ({
  name,
  command: async ({ port }) => [process.execPath, join(PEERS, file), String(port)],
});

export const SLUICE_EGRESS = sluiceWith("Sluice", "sluice-egress.corefile");
export const SLUICE_TWO_WORKERS = sluiceWith("Sluice, two workers", "sluice-egress.corefile", 2);
export const SLUICE_CACHE = sluiceWith("Sluice", "sluice-cache.corefile");
export const COREDNS_TEMPLATE = corednsWith("CoreDNS template", "coredns-template.corefile");
export const COREDNS_HOSTS = corednsWith("CoreDNS hosts", "coredns-hosts.corefile");
export const COREDNS_HOSTS_CACHE = corednsWith("CoreDNS hosts and cache", "coredns-hosts-cache.corefile");
export const COREDNS_CACHE = corednsWith("CoreDNS cache", "coredns-cache.corefile");
export const COREDNS_FORWARD = corednsWith("CoreDNS forward", "coredns-forward.corefile");
export const ECHO = nodeProgram("Node UDP echo", "echo-server.ts");
export const DNS2 = nodeProgram("dns2 server", "dns2-server.ts");
export const KNOT: Peer = {
  name: "Knot DNS",
  configuration: "knot.conf",
  command: async ({ configuration }) => ["knotd", "-c", configuration],
};
export const UNBOUND: Peer = {
  name: "unbound",
  configuration: "unbound.conf",
  command: async ({ configuration }) => ["unbound", "-d", "-c", configuration],
};
