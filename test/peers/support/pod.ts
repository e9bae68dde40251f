import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Child, type Children, startChildren } from "../../cluster/control-plane/children.ts";
import { until } from "../../cluster/wait.ts";
import type { TestUpstreamInput } from "../../dns/support/test-upstream.ts";
import type { FromOutsideWorld, ToOutsideWorld } from "./outside-world.ts";

const MAIN = join(import.meta.dirname, "..", "..", "..", "src", "main.ts");
const OUTSIDE_WORLD = join(import.meta.dirname, "outside-world.ts");
/** The resolver's Service address, as a pod sees it. */
export const RESOLVER_ADDRESS = "10.96.53.53";
const UPSTREAM_PORT = 5300;
/** Mounts a resolv.conf of its own for one program, as the kubelet does for a container. */
const WITH_RESOLV_CONF = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
const OUTPUT_LIMIT_BYTES = 16 * 1024 * 1024;
const READY_SECONDS = 40;

export type Output = { readonly lines: readonly string[]; readonly exitCode: number };

/** A network of its own with a resolver at its Service address, and an upstream that knows the real addresses. */
export type Pod = {
  readonly folder: string;
  /** Runs a program with a resolv.conf; its output, both streams, line by line. */
  run(resolvConf: string, command: readonly string[]): Promise<Output>;
  /** Resolves when it answers. */
  startResolver(): Promise<void>;
  /** SIGKILL: in the middle of whatever it does. */
  killResolver(): Promise<void>;
  /** What the upstream was asked, as `name type`, since the last call of `forgetQuestions`. */
  questions(): Promise<readonly string[]>;
  forgetQuestions(): Promise<void>;
  close(): Promise<void>;
};

export type PodInput = {
  readonly objects: readonly object[];
  readonly corefile: string;
  readonly upstream: Omit<TestUpstreamInput, "port">;
};

/** The programs share the network by the process that holds it. */
async function startNetwork(children: Children): Promise<Child> {
  const holder = children.start("network", "unshare", [
    ...["--net", "sh", "-c"],
    `ip link set lo up && ip address add ${RESOLVER_ADDRESS}/32 dev lo && echo ready && exec sleep infinity`,
  ]);
  await until("the pod's network is there", async () => {
    const told = await holder.logTail();
    if (!holder.alive())
      throw new Error(`network namespaces are not permitted here; the peer tests need root or CAP_SYS_ADMIN: ${told}`);
    return told.includes("ready");
  });
  return holder;
}

type OutsideWorld = { ask(message: ToOutsideWorld): Promise<FromOutsideWorld>; close(): void };

async function startOutsideWorld(enter: readonly string[], input: string): Promise<OutsideWorld> {
  const [program = "", ...args] = [...enter, process.execPath, OUTSIDE_WORLD, input];
  const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const told = async (): Promise<FromOutsideWorld> => {
    const [message] = (await once(child, "message", { signal: AbortSignal.timeout(READY_SECONDS * 1_000) })) as [
      FromOutsideWorld,
    ];
    return message;
  };
  await told();
  return {
    ask(message) {
      const answer = told();
      child.send(message);
      return answer;
    },
    close: () => void child.kill("SIGKILL"),
  };
}

type Run = Pod["run"];

/** Runs programs in the network, each with a resolv.conf of its own. */
function createRun(children: Children, enter: readonly string[]): Run {
  let configurations = 0;
  return async (resolvConf, command) => {
    configurations += 1;
    const file = join(children.folder, `resolv-${configurations}.conf`);
    await writeFile(file, resolvConf);
    return execute([...enter, "unshare", "--mount", "sh", "-c", WITH_RESOLV_CONF, "sh", file, ...command]);
  };
}

async function untilResolverAnswers(resolver: Child, run: Run): Promise<void> {
  const probe = ["dig", `@${RESOLVER_ADDRESS}`, "+time=1", "+tries=1", "probe.example.com"];
  const state = await until(
    "the pod's resolver answers",
    async () => {
      if (!resolver.alive()) return "ended";
      const { lines } = await run("", probe);
      return lines.some((line) => line.includes("status: N")) && "answers";
    },
    READY_SECONDS,
  );
  if (state === "ended") throw new Error(`the resolver has ended:\n${await resolver.logTail()}`);
}

/** Starts the network, the upstream and the resolver. */
export async function startPod(input: PodInput): Promise<Pod> {
  const children = await startChildren("pod");
  const { folder } = children;
  const place = async (name: string, content: string): Promise<string> => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  const network = await startNetwork(children);
  const enter = ["nsenter", `--net=/proc/${network.pid}/ns/net`];
  const upstream = JSON.stringify({ ...input.upstream, port: UPSTREAM_PORT });
  const world = await startOutsideWorld(enter, await place("upstream.json", upstream));
  const corefile = await place("Corefile", input.corefile.replaceAll("@UPSTREAM@", `127.0.0.1:${UPSTREAM_PORT}`));
  const objects = await place("objects.yaml", input.objects.map((object) => JSON.stringify(object)).join("\n---\n"));
  const command = [
    ...[...enter.slice(1), process.execPath, MAIN, "dns", "serve", "--corefile", corefile, "--manifests", objects],
    ...["--listen", `${RESOLVER_ADDRESS}:53`, "--workers", "1", "--log-level", "warn"],
  ];
  const run = createRun(children, enter);
  let resolver: Child | undefined;
  const startResolver = async (): Promise<void> => {
    resolver = children.start("resolver", "nsenter", command);
    await untilResolverAnswers(resolver, run);
  };
  await startResolver();
  return {
    folder,
    run,
    startResolver,
    killResolver: async () => void (await resolver?.stop("SIGKILL")),
    questions: async () => (await world.ask("tell")).seen,
    forgetQuestions: async () => void (await world.ask("forget")),
    close: async () => {
      world.close();
      await children.close();
    },
  };
}

const execute = ([program = "", ...args]: readonly string[]): Promise<Output> =>
  new Promise((resolve) => {
    execFile(program, args, { maxBuffer: OUTPUT_LIMIT_BYTES }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ lines: `${stdout}${stderr}`.split("\n").filter((line) => line !== ""), exitCode });
    });
  });
