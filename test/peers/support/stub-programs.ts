import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { builtOnce } from "../../../bench/peers/built-once.ts";
import { runGo } from "../../cluster/control-plane/binaries.ts";

const STUBS = join(import.meta.dirname, "..", "stubs");

/** A program that looks a name up: `NAME [4|6]` behind `command`, addresses line by line on its output. */
export type StubProgram = {
  readonly name: string;
  readonly command: readonly string[];
  /** Whether it follows the search list of resolv.conf. */
  readonly searches: boolean;
};

const compiled = (name: string, compiler: string, source: string, flags: readonly string[]): Promise<string> =>
  builtOnce({
    name,
    sources: [join(STUBS, source)],
    flags: [compiler, ...flags],
    make: (output) => promisify(execFile)(compiler, ["-O1", "-o", output, join(STUBS, source), ...flags]),
  });

const goProgram = (): Promise<string> =>
  builtOnce({
    name: "go-lookup",
    sources: [join(STUBS, "lookup.go")],
    make: (output) => runGo(["build", "-trimpath", "-tags", "netgo", "-o", output, "lookup.go"], { cwd: STUBS }),
  });

/** The resolvers that workloads bring along. */
export async function buildStubPrograms(): Promise<StubProgram[]> {
  const node = (file: string): string[] => [process.execPath, join(STUBS, file)];
  return [
    { name: "glibc", command: [await compiled("glibc-lookup", "gcc", "getaddrinfo.c", [])], searches: true },
    {
      name: "musl",
      command: [await compiled("musl-lookup", "musl-gcc", "getaddrinfo.c", ["-static"])],
      searches: true,
    },
    { name: "Go", command: [await goProgram()], searches: true },
    { name: "c-ares", command: [await compiled("c-ares-lookup", "gcc", "c-ares.c", ["-lcares"])], searches: true },
    { name: "Node's dns.lookup", command: node("node-lookup.ts"), searches: true },
    { name: "Node's dns.resolve", command: node("node-resolve.ts"), searches: false },
  ];
}
