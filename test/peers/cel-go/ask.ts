import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { builtOnce } from "../../../bench/peers/built-once.ts";
import { runGo } from "../../cluster/control-plane/binaries.ts";

const FOLDER = import.meta.dirname;

/** An expression for one of the environments of `main.go`. With bindings it is evaluated as well. */
export type Question = {
  readonly engine: "authorino" | "operator" | "evaluation";
  readonly expression: string;
  readonly bindings?: Readonly<Record<string, unknown>>;
};

/** Line and column count from 1, in characters. */
export type CelGoProblem = { readonly line: number; readonly column: number; readonly message: string };

/**
 * What cel-go says: `parse` or `check` hold what it refuses; else `type` is the checked type's name, and with bindings
 * there is `value` (with its types, such as `{"int":"1"}`) or `failed`, the error.
 */
export type CelGoAnswer = {
  readonly parse?: readonly CelGoProblem[];
  readonly check?: readonly CelGoProblem[];
  readonly type?: string;
  readonly value?: unknown;
  readonly failed?: string;
};

/** The program that asks cel-go. The first call builds it, in about half a minute on two cores. */
export const celGoBinary = (): Promise<string> =>
  builtOnce({
    name: "cel-go",
    sources: ["go.mod", "go.sum", "main.go"].map((file) => join(FOLDER, file)),
    make: (output) => runGo(["build", "-trimpath", "-buildvcs=false", "-o", output, "."], { cwd: FOLDER }),
  });

/** cel-go's answers, in the order of the questions. Rejects when the program does not answer all of them. */
export async function askCelGo(questions: readonly Question[]): Promise<readonly CelGoAnswer[]> {
  const program = spawn(await celGoBinary(), { stdio: ["pipe", "pipe", "pipe"] });
  const ended = once(program, "close");
  program.stdin.end(questions.map((question, id) => `${JSON.stringify({ id: `${id}`, ...question })}\n`).join(""));
  const [output, complaint] = await Promise.all([text(program.stdout), text(program.stderr), ended]);
  const answers = output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as CelGoAnswer);
  if (answers.length !== questions.length) throw new Error(`${answers.length} of ${questions.length}: ${complaint}`);
  return answers;
}

/** How a function or macro may be called. */
export type Declared = { readonly global: boolean; readonly receiver: boolean };

/** The functions and macros of an environment, by name. */
export async function declaredFunctions(engine: Question["engine"]): Promise<Readonly<Record<string, Declared>>> {
  const { stdout } = await promisify(execFile)(await celGoBinary(), ["functions", engine]);
  return JSON.parse(stdout) as Readonly<Record<string, Declared>>;
}
