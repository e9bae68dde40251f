import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { styleText } from "node:util";
import type { Cluster } from "../test/cluster/cluster.ts";
import { ask } from "../test/cluster/dns-client.ts";
import { runInShell } from "../test/cluster/shell.ts";
import { until } from "../test/cluster/wait.ts";

export type Expected = { readonly exitCode?: number; readonly prints?: RegExp };

/** Prints commands with their real output, and breaks off when one does not give what the story says. */
export type Story = {
  chapter(title: string): void;
  say(text: string): void;
  run(commandLine: string, expected?: Expected): Promise<void>;
  /** Repeats a command in silence until it succeeds. */
  settle(commandLine: string): Promise<void>;
  /** Asks a resolver on this machine, with dig where it is installed, and shows what it answers. */
  query(whom: string, port: number, name: string, addresses: readonly string[]): Promise<void>;
};

/** What `npx sluice` runs, without the wait for npx. */
const SLUICE = `'${process.execPath}' '${join(import.meta.dirname, "..", "src", "main.ts")}'`;

const print = (text: string): void => void process.stdout.write(`${text}\n`);

export function createStory(cluster: Cluster): Story {
  const withDig = hasDig();
  let chapters = 0;
  const command = (line: string) => print(`${styleText("green", "$")} ${styleText("cyan", line)}`);
  return {
    chapter: (title) => {
      chapters += 1;
      print(`\n${styleText("bold", `${chapters}. ${title}`)}`);
    },
    say: (text) => print(styleText("dim", text)),
    run: async (line, expected = {}) => {
      command(line);
      const { output, exitCode } = await runInShell(line, cluster);
      print(output.trimEnd());
      if (exitCode !== (expected.exitCode ?? 0))
        throw new Error(`'${line}' ended with exit code ${exitCode}, the story says ${expected.exitCode ?? 0}`);
      if (expected.prints?.test(output) === false)
        throw new Error(`'${line}' should print ${expected.prints}, and did not`);
    },
    settle: async (line) =>
      void (await until(`'${line}' succeeds`, async () => (await runInShell(line, cluster)).exitCode === 0)),
    query: async (whom, port, name, addresses) => {
      const dig = `dig @127.0.0.1 -p ${port} ${name} A +short`;
      const line = withDig ? dig : `npx sluice dns query ${name} A --server 127.0.0.1:${port}`;
      command(`${line}   # ${whom}`);
      const { output } = await runInShell(line.replace("npx sluice", SLUICE), cluster);
      print(output.trimEnd());
      const answered = (await ask(port, name)).addresses;
      if (answered.join() !== addresses.join() || !addresses.every((address) => output.includes(address)))
        throw new Error(
          `${whom} answered ${answered.join() || "nothing"} for ${name}, the story says ${addresses.join()}`,
        );
    },
  };
}

function hasDig(): boolean {
  try {
    execFileSync("dig", ["-v"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
