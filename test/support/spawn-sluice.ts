import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string };

export type SpawnedSluice = {
  readonly child: ChildProcess;
  /** Everything on stderr so far, JSON lines of the log and plain text alike. */
  text(): string;
  /** Settles with the first log line whose message this is; rejects when the process ends before. */
  logged(message: string): Promise<LogLine>;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
};

/** Starts the program as a user would, as a process of its own. Ports are given as 0 and read from the log. */
export function spawnSluice(args: readonly string[], env: Readonly<Record<string, string>> = {}): SpawnedSluice {
  const child = spawn(process.execPath, ["src/main.ts", ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const lines: string[] = [];
  const waiting: { message: string; resolve: (line: LogLine) => void; reject: (error: Error) => void }[] = [];
  const parse = (line: string): LogLine => {
    try {
      return JSON.parse(line) as LogLine;
    } catch {
      return {};
    }
  };
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on("line", (line) => {
    lines.push(line);
    const parsed = parse(line);
    for (const waiter of waiting.filter(({ message }) => message === parsed.msg)) {
      waiting.splice(waiting.indexOf(waiter), 1);
      waiter.resolve(parsed);
    }
  });
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on("close", (code, signal) => {
      for (const waiter of waiting) waiter.reject(new Error(`ended before '${waiter.message}':\n${lines.join("\n")}`));
      resolve({ code, signal });
    });
  });
  return {
    child,
    exited,
    text: () => lines.join("\n"),
    logged: (message) =>
      new Promise((resolve, reject) => {
        const found = lines.map(parse).find(({ msg }) => msg === message);
        if (found !== undefined) resolve(found);
        else waiting.push({ message, resolve, reject });
      }),
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      return (await exited).code;
    },
  };
}

/** Flags that put every listener on a free port of loopback. */
export const FREE_PORTS: readonly string[] = ["dns", "admission", "health", "ready", "metrics", "admin"].flatMap(
  (name) => [`--${name}-listen`, "127.0.0.1:0"],
);
