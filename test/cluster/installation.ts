import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readBase } from "./base-manifests.ts";
import type { Cluster } from "./cluster.ts";
import { type Child, type Children, startChildren } from "./control-plane/children.ts";
import { ask, type DnsAnswer } from "./dns-client.ts";
import { type CommandResult, MANIFESTS, runInShell } from "./shell.ts";
import { type ServeOptions, type Sluice, startOutsideWorld, startServe } from "./sluice.ts";
import { until } from "./wait.ts";

/** The only nameserver that injected pods may have: the ClusterIP of the base's resolver Service. */
export const NAMESERVER = "10.96.0.53";
/** What the suites put into `gateway-system`. Absent kinds are passed over, for the suite in which they come late. */
const GATEWAY_KINDS = [
  ...["gateways.gateway.networking.k8s.io", "httproutes.gateway.networking.k8s.io"],
  ...["serviceentries.networking.istio.io", "destinationrules.networking.istio.io"],
  ...["authpolicies.kuadrant.io", "ratelimitpolicies.kuadrant.io", "tokenratelimitpolicies.kuadrant.io"],
  ...["dnspolicies.kuadrant.io", "services"],
];

export type Installation = {
  readonly ports: Sluice["ports"];
  /** Port of the resolver that plays the outside world, and with it cluster DNS. */
  readonly upstream: number;
  readonly process: Child;
  readonly certificates: string;
  /** Path of one of the guides' manifests. */
  manifest(name: string): string;
  /** Until the API server calls the webhook for pods of the namespace, and Sluice knows its label. */
  untilOptedIn(namespace: string): Promise<unknown>;
  untilOptedOut(namespace: string): Promise<unknown>;
  /** Repeats a command without effect (a dry run, a get) until its result is the expected one. */
  untilPrints(
    commandLine: string,
    expected: (result: CommandResult) => boolean,
    timeoutSeconds?: number,
  ): Promise<unknown>;
  /** Until a dry run of one of the guides' manifests is refused by a rule. */
  untilRefused(manifest: string, timeoutSeconds?: number): Promise<unknown>;
  untilAccepted(manifest: string): Promise<unknown>;
  /** Until Sluice knows what one of the guides' manifests refers to: a dry run of it names nothing as missing. */
  untilKnown(manifest: string): Promise<unknown>;
  untilAnswers(name: string, expected: (answer: DnsAnswer) => boolean, timeoutSeconds?: number): Promise<unknown>;
  untilResolves(name: string, addresses: readonly string[], timeoutSeconds?: number): Promise<unknown>;
  /** Makes `gateway-system` exist and be empty, for Sluice as well. */
  emptyGateways(): Promise<void>;
  /** Another process of the same kind, not registered as a webhook; it may be started while the API server is away. */
  startSecond(options?: Partial<Omit<ServeOptions, "upstream">>): Promise<Sluice>;
  /** Takes the webhooks away and ends the processes. */
  close(): Promise<void>;
};

/** Installs Sluice as its manifests say, but as a process beside the cluster, and waits until it is in force. */
export async function install(cluster: Cluster, options: { snapshot?: string } = {}): Promise<Installation> {
  const children = await startChildren("installation");
  try {
    return await installWith(children, cluster, options);
  } catch (error) {
    await children.close();
    throw error;
  }
}

async function installWith(
  children: Children,
  cluster: Cluster,
  options: { snapshot?: string },
): Promise<Installation> {
  const { kubectl, kubeconfig } = cluster;
  const base = await readBase(kubectl);
  // A Service keeps its address for life; one that an earlier suite made has another than the transcripts show.
  await kubectl(["delete", "service", "-n", "sluice-system", "-l", "sluice.dev/dns=true"]);
  await applyAll(cluster, base.installed);
  await kubectl(["create", "namespace", "gateway-system"]);
  const upstream = (await startOutsideWorld(children)).ports.dns;
  const sluice = await startServe(children, { name: "serve", kubeconfig, upstream, ...options });
  await sluice.untilReady();
  const certificate = await readFile(join(sluice.certificates, "ca.crt"));
  const webhooks = base.webhooks(sluice.ports.admission, certificate.toString("base64"));
  await applyAll(cluster, webhooks);
  const wait = waiting(cluster, sluice);
  const installation: Installation = {
    ...{ upstream, ports: sluice.ports, process: sluice.process, certificates: sluice.certificates },
    ...wait,
    manifest: (name: string) => join(MANIFESTS, name),
    emptyGateways: async () => {
      await deleteGatewayObjects(cluster);
      for (const name of ["httpbin.org", "api.openai.com"])
        await wait.untilAnswers(name, ({ addresses }) => addresses[0]?.startsWith("203.0.113.") === true);
    },
    startSecond: (more = {}) => startServe(children, { name: "second", kubeconfig, upstream, ...more }),
    close: async () => {
      for (const { kind, metadata } of webhooks) await kubectl(["delete", kind, metadata.name, "--ignore-not-found"]);
      await children.close();
    },
  };
  await untilInForce(cluster, installation);
  return installation;
}

const applyAll = ({ kubectl }: Cluster, items: readonly object[]) =>
  kubectl.must(["apply", "--server-side", "--force-conflicts", "-f", "-"], {
    stdin: JSON.stringify({ apiVersion: "v1", kind: "List", items }),
  });

/** The API server learns of webhooks through a watch of its own, so a probe shows when it has. */
async function untilInForce({ kubectl }: Cluster, installation: Installation): Promise<void> {
  const probe = "sluice-probe";
  await kubectl(["create", "namespace", probe]);
  await kubectl.must(["label", "namespace", probe, "sluice.dev/egress=enabled", "--overwrite"]);
  await installation.untilOptedIn(probe);
}

const probePod = (namespace: string): string =>
  `kubectl run probe --image=probe -n ${namespace} --dry-run=server -o jsonpath='{.spec.dnsConfig.nameservers}'`;

function waiting(cluster: Cluster, sluice: Sluice) {
  const dnsPort = sluice.ports.dns;
  const untilPrints: Installation["untilPrints"] = (commandLine, expected, timeoutSeconds) => {
    let last: CommandResult | undefined;
    const ask = async () => {
      last = await runInShell(commandLine, cluster);
      if (!expected(last)) throw new Error(`exit code ${last.exitCode}, it printed: ${last.output}`);
      return true;
    };
    return until(`\`${commandLine}\` gives what is expected`, ask, timeoutSeconds);
  };
  const dryRun = (manifest: string) => `kubectl apply --dry-run=server -f ${manifest}`;
  const untilAnswers: Installation["untilAnswers"] = async (name, expected, timeoutSeconds) => {
    try {
      await until(`${name} is answered as expected`, () => answersAs(dnsPort, name, expected), timeoutSeconds);
    } catch (cause) {
      throw new Error(`${(cause as Error).message}; Sluice wrote:\n${await sluice.process.logTail()}`, { cause });
    }
  };
  return {
    untilPrints,
    untilAnswers,
    // An injected pod shows a nameserver, one of an audit namespace a warning.
    untilOptedIn: (namespace: string) =>
      untilPrints(probePod(namespace), ({ output }) => /10\.96\.|Warning/.test(output)),
    untilOptedOut: (namespace: string) =>
      untilPrints(probePod(namespace), ({ output, exitCode }) => exitCode === 0 && output === ""),
    untilRefused: (manifest: string, timeoutSeconds?: number) =>
      untilPrints(
        dryRun(manifest),
        ({ exitCode, output }) => exitCode !== 0 && output.includes("(sluice)"),
        timeoutSeconds,
      ),
    untilAccepted: (manifest: string) => untilPrints(dryRun(manifest), ({ exitCode }) => exitCode === 0),
    untilKnown: (manifest: string) =>
      untilPrints(dryRun(manifest), ({ output }) => !/-missing:|-no-|-unbound:/.test(output)),
    untilResolves: (name: string, addresses: readonly string[], timeoutSeconds?: number) =>
      untilAnswers(name, (answer) => answer.addresses.join() === addresses.join(), timeoutSeconds),
  };
}

async function answersAs(port: number, name: string, expected: (answer: DnsAnswer) => boolean): Promise<boolean> {
  const answer = await ask(port, name);
  if (!expected(answer)) throw new Error(`the last answer was ${answer.rcode} ${answer.addresses.join()}`);
  return true;
}

/** Makes `gateway-system` exist and be empty. */
export async function deleteGatewayObjects({ kubectl }: Cluster): Promise<void> {
  await kubectl(["create", "namespace", "gateway-system"]);
  await kubectl(["delete", GATEWAY_KINDS.join(), "--all", "-n", "gateway-system"]);
}
