import { request } from "node:http";
import { join } from "node:path";
import type { Child, Children } from "./control-plane/children.ts";
import { freePorts } from "./control-plane/ports.ts";
import { until } from "./wait.ts";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");
const OUTSIDE_WORLD = join(import.meta.dirname, "outside-world.yaml");
/** The addresses of the names in that file, by the Gateway that stands for each. */
const OUTSIDE_ADDRESSES = ["httpbin=203.0.113.10", "openai=203.0.113.20", "outside=203.0.113.80"];
/** The discard port, on which nothing listens: the outside world asks nobody. */
const NOWHERE = "127.0.0.1:9";
/** Type stripping of the whole program and the first list of 25 kinds, on a busy machine. */
const READY_SECONDS = 40;

export type Sluice = {
  readonly process: Child;
  readonly ports: {
    readonly admission: number;
    readonly dns: number;
    readonly ready: number;
    readonly metrics: number;
  };
  /** The folder of the development certificates. */
  readonly certificates: string;
  untilReady(): Promise<void>;
};

export type ServeOptions = {
  readonly name: string;
  readonly kubeconfig: string;
  readonly roles?: readonly ("admission" | "dns")[];
  /** Port of the resolver that plays the outside world. */
  readonly upstream: number;
  /** Where the last known egress names are kept; without it they are not. */
  readonly snapshot?: string;
};

const loopback = (port: number): string => `127.0.0.1:${port}`;

/** `sluice serve`, with both roles if not told otherwise, against a cluster, as a child process. */
export async function startServe(children: Children, options: ServeOptions): Promise<Sluice> {
  const { name, kubeconfig, upstream, snapshot, roles = ["admission", "dns"] } = options;
  return serve(children, name, [
    ...["--kubeconfig", kubeconfig, "--upstream", loopback(upstream), "--roles", roles.join()],
    ...(snapshot === undefined ? [] : ["--snapshot", snapshot]),
  ]);
}

/**
 * The world outside the cluster: a second resolver, which answers every name of the tests with its "real" address.
 * Whatever Sluice forwards shows by these addresses, so a leaked egress hostname does, too.
 */
export async function startOutsideWorld(children: Children): Promise<Sluice> {
  const world = await serve(children, "outside-world", [
    ...["--manifests", OUTSIDE_WORLD, "--upstream", NOWHERE, "--roles", "dns"],
    ...OUTSIDE_ADDRESSES.flatMap((address) => ["--gateway-address", `outside/${address}`]),
  ]);
  await world.untilReady();
  return world;
}

async function serve(children: Children, name: string, args: readonly string[]): Promise<Sluice> {
  const [admission = 0, dns = 0, health = 0, ready = 0, metrics = 0, admin = 0] = await freePorts(6);
  const certificates = join(children.folder, `${name}-certificates`);
  const child = children.start(name, process.execPath, [
    ...[MAIN, "serve", ...args, "--certs-dir", certificates, "--dns-workers", "1"],
    ...["--admission-listen", loopback(admission), "--dns-listen", loopback(dns), "--health-listen", loopback(health)],
    ...["--ready-listen", loopback(ready), "--metrics-listen", loopback(metrics), "--admin-listen", loopback(admin)],
  ]);
  return {
    process: child,
    ports: { admission, dns, ready, metrics },
    certificates,
    untilReady: () => untilReady(child, `http://${loopback(ready)}/ready`),
  };
}

const untilReady = (child: Child, url: string): Promise<void> =>
  untilAlive(child, "sluice serve is ready", async () => (await status(url)) === 200);

async function untilAlive(child: Child, what: string, ask: () => Promise<boolean>): Promise<void> {
  let outcome: string;
  try {
    outcome = await until(what, async () => (child.alive() ? (await ask()) && "ready" : "ended"), READY_SECONDS);
  } catch (cause) {
    throw new Error(`${(cause as Error).message}; it wrote:\n${await child.logTail()}`, { cause });
  }
  if (outcome === "ended") throw new Error(`the process has ended; it wrote:\n${await child.logTail()}`);
}

const status = (url: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer within 2 s")));
    asked.on("error", reject);
    asked.end();
  });
