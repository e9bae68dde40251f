import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askTcp, askUdp, encodeQuery, framed, type Target, type TestQuery } from "./dns-client.ts";
import { type ReplyText, replyText } from "./reply-text.ts";

/** Below the range from which the system gives ports that nobody asked for, so that none is taken meanwhile. */
const PORTS = { from: 10_240, below: 32_768 };

const canListen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });

/** Ports that nothing listens on, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(PORTS.from, PORTS.below);
    if (await canListen(port)) ports.add(port);
  }
  return [...ports];
}

export type Page = { readonly status: number; readonly body: string; readonly contentType: string };

/** A page of the loopback; undefined when nobody serves it. */
export async function getPage(port: number, path: string, method = "GET"): Promise<Page | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, signal: AbortSignal.timeout(5_000) });
    const contentType = response.headers.get("content-type") ?? "";
    return { status: response.status, contentType, body: await response.text() };
  } catch {
    return undefined;
  }
}

/** Asks once, and fails without an answer. */
export async function askDns(query: TestQuery, target: Target, protocol: "udp" | "tcp" = "udp"): Promise<ReplyText> {
  const message = encodeQuery(query);
  const bytes = protocol === "udp" ? await askUdp(message, target) : (await askTcp([framed(message)], 1, target))[0];
  if (bytes === undefined) throw new Error(`no reply for ${query.name}`);
  return replyText(bytes);
}

export type DnsProcessInput = {
  readonly corefile: string;
  /** Kubernetes objects, read from a file; undefined: of the cluster that `args` name. */
  readonly objects?: readonly object[];
  readonly args?: readonly string[];
  /** `dns serve` or `serve`. */
  readonly command?: readonly string[];
};

/** `sluice dns serve` as a process of its own, with a folder for its files. */
export type DnsProcess = {
  readonly child: ChildProcess;
  readonly folder: string;
  /** What it wrote so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  writeCorefile(text: string): Promise<void>;
  writeObjects(objects: readonly object[]): Promise<void>;
  /** Waits until it has written this to the standard error stream; fails when it ends before. */
  wrote(text: RegExp, timeoutMilliseconds?: number): Promise<void>;
  /** Ends it at once and removes its folder. */
  close(): Promise<void>;
};

/** Starts one. It is serving when this settles. */
export async function startDnsProcess({ corefile, objects, ...input }: DnsProcessInput): Promise<DnsProcess> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-dns-"));
  const objectFile = join(folder, "objects.yaml");
  const corefileFile = join(folder, "Corefile");
  const writeObjects = (all: readonly object[]): Promise<void> =>
    writeFile(objectFile, JSON.stringify({ apiVersion: "v1", kind: "List", items: all }));
  await writeFile(corefileFile, corefile);
  if (objects !== undefined) await writeObjects(objects);
  const args = ["--corefile", corefileFile, ...(objects === undefined ? [] : ["--manifests", objectFile])];
  const child = spawn(
    process.execPath,
    ["src/main.ts", ...(input.command ?? ["dns", "serve"]), ...args, ...(input.args ?? [])],
    { env: { PATH: process.env["PATH"] ?? "" }, stdio: ["ignore", "pipe", "pipe"] },
  );
  const written = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    written.stdout += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    written.stderr += String(chunk);
  });
  const ended = once(child, "close");
  const started: DnsProcess = {
    child,
    folder,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    writeCorefile: (text) => writeFile(corefileFile, text),
    writeObjects,
    wrote: (text, timeoutMilliseconds = 10_000) =>
      new Promise((resolve, reject) => {
        const fail = (what: string): void => reject(new Error(`${what} before ${text}:\n${written.stderr}`));
        const timer = setTimeout(() => fail("the time was over"), timeoutMilliseconds);
        const look = (): void => {
          if (!text.test(written.stderr)) return;
          clearTimeout(timer);
          child.stderr.off("data", look);
          resolve();
        };
        child.stderr.on("data", look);
        child.once("close", () => fail("it ended"));
        look();
      }),
    async close() {
      child.kill("SIGKILL");
      await ended;
      await rm(folder, { recursive: true });
    },
  };
  try {
    await started.wrote(/"serving"|\] serving/, 20_000);
  } catch (error) {
    await started.close();
    throw error;
  }
  return started;
}
